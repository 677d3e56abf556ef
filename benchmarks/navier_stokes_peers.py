"""The spectral solver beside other programs: python benchmarks/navier_stokes_peers.py PYTHON [cells ...] [--threads N]

PYTHON: an interpreter that has jax, jax-cfd and exponax; they run in it, in a process of their own, and take turns
with ours on the same cores, block by block. Rates are those of the fastest blocks: neighbours only ever lengthen them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import torch

import scenegrad.scenes as sc
from scenegrad.scenes.library import kolmogorov
from scenegrad.solvers.compile import compile_scene

BLOCK = 50  # steps
OURS = (("etdrk2", "exponax", 2), ("etdrk4", "exponax", 4), ("etdrk4", "jax-cfd", 4))  # ours, theirs, its order


def ours(cells: int, dtype: str, integrator: str) -> Callable[[], float]:
    scene = kolmogorov(cells).model_copy(update={"method": sc.Spectral(integrator=integrator)})
    solver, state, params = compile_scene(scene, "cpu", dtype)
    clock, dt = torch.zeros(1, dtype=torch.float64), torch.full((1,), 1e-3, dtype=torch.float64)

    def block() -> float:
        nonlocal state
        begin = time.perf_counter()
        for _ in range(BLOCK):
            state = solver.step(state, params, clock, dt).state
        return time.perf_counter() - begin

    return block


def theirs(python: str, name: str, cells: int, dtype: str, order: int, threads: int) -> Callable[[], float]:
    flags = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'} intra_op_parallelism_threads={threads}"
    child = subprocess.Popen(
        [python, str(Path(__file__).parent / "peers" / "spectral.py"), name, str(cells), dtype, str(order)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "XLA_FLAGS": flags, "OMP_NUM_THREADS": str(threads), "JAX_PLATFORMS": "cpu"},
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdout.readline()

    def block() -> float:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(f"{BLOCK}\n")
        child.stdin.flush()
        return float(child.stdout.readline())

    return block


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("python")
    options.add_argument("cells", nargs="*", type=int, default=[256])
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--dtype", default="float32")
    options.add_argument("--rounds", type=int, default=12)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: given.threads]))  # the children inherit it
    for cells in given.cells:
        for integrator, name, order in OURS:
            blocks = (
                ours(cells, given.dtype, integrator),
                theirs(given.python, name, cells, given.dtype, order, given.threads),
            )
            times = [[block() for block in blocks] for _ in range(given.rounds)][1:]
            mine, peer = (BLOCK / min(column) for column in zip(*times, strict=True))
            label = f"{name} {'ETDRK' if name == 'exponax' else 'CN-RK'}{order}"
            head = f"{cells}^2 {given.dtype} {given.threads} thread(s)"
            print(
                f"{head}: {integrator} {mine:.0f} steps/s, {label} {peer:.0f}, ratio {mine / peer:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
