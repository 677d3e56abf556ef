"""What the gradient of a trajectory of atoms costs: python benchmarks/md_gradients.py [--peer PYTHON] [--threads N]

The Lennard-Jones liquid, N = 500, rho = 0.8442, T about 0.7, cutoff 2.5, dt 0.005; 100 steps and the slopes of the last
potential energy by sigma and epsilon. Times are those of the processor, the least of some turns, in which everything
takes its turn: forward without gradient, and with it, which is the way there that keeps what it needs and the way back.
Kept: bytes of tensors that the way there leaves for the way back, by atom and step, without lists of neighbours.

PYTHON: an interpreter that has jax and jax-md, which runs in a process of its own, on the same cores, turn by turn; its
memory is the scratch memory of the compiled program, as it tells it, without making lists.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

import scenegrad as sg
from scenegrad.engine.state import map_tensors

STEPS, DT = 100, 0.005
Turn = Callable[[], tuple[float, ...]]  # seconds: forward, forward with gradient


def liquid(dynamics: str) -> sg.Scene:
    return sg.Scene(
        name="liquid",
        units="lj",
        domain=sg.Domain.periodic(density=0.8442),
        entities={
            "Ar": sg.Atoms(lattice=sg.FCC(cells=(5, 5, 5)), temperature=1.44),
            "pair": sg.LennardJones(sigma=sg.Parameter(1.0), epsilon=sg.Parameter(1.0), cutoff=2.5),
        },
        dynamics=sg.NVE() if dynamics == "nve" else sg.Langevin(temperature=0.7, friction=1.0),
        method=sg.MolecularDynamics(skin=0.3),
        time=sg.Time(end=1.0, dt=DT),
    )


def held() -> int:
    """Bytes of all tensors there are."""
    gc.collect()
    storages = {}
    for one in gc.get_objects():
        if issubclass(type(one), torch.Tensor):
            storage = one.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
    return sum(storages.values())


@contextmanager
def melted(dynamics: str, dtype: str) -> Iterator[tuple[sg.Solver, object, sg.Params]]:
    solver, state, params = sg.compile(liquid(dynamics), device="cpu", dtype=dtype)
    state = map_tensors(torch.Tensor.detach, state)
    yield solver, sg.rollout(solver, state, params.detach(), 100 * DT, probes=()).state, params


def ours(solver, state, params, gradient) -> Turn:  # type: ignore[no-untyped-def]
    def turn() -> tuple[float, ...]:
        start = time.process_time()
        sg.rollout(solver, state, params.detach(), STEPS * DT, probes=())
        middle = time.process_time()
        end = sg.rollout(solver, state, params, STEPS * DT, probes=(), gradient=gradient).state
        solver.observe(end, params)["potential_energy"].sum().backward()
        return middle - start, time.process_time() - middle

    return turn


def kept(solver, state, params, gradient) -> float:  # type: ignore[no-untyped-def]
    """[bytes by atom and step]"""
    before = held()
    end = sg.rollout(solver, state, params, STEPS * DT, probes=(), gradient=gradient).state
    after = held()
    end.position.sum().backward()
    return (after - before) / state.position.shape[1] / STEPS


def theirs(python: str, solver, state, dtype: str, threads: int) -> tuple[Turn, float]:  # type: ignore[no-untyped-def]
    """Its turn, and its memory [bytes]."""
    place = Path(tempfile.mkdtemp()) / "start.npz"
    x, v, box = state.position[0], state.velocity[0], solver.system.box.edges[0]
    np.savez(place, x=x.numpy(), v=v.numpy(), box=box.numpy())
    flags = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'} intra_op_parallelism_threads={threads}"
    child = subprocess.Popen(
        [python, str(Path(__file__).parent / "peers" / "md_gradient.py"), str(place), dtype],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "XLA_FLAGS": flags, "OMP_NUM_THREADS": str(threads), "JAX_PLATFORMS": "cpu"},
    )
    said, heard = child.stdin, child.stdout
    assert said is not None
    assert heard is not None
    memory = float(heard.readline().split()[-1])

    def turn() -> tuple[float, ...]:
        said.write("go\n")
        said.flush()
        return tuple(float(word) for word in heard.readline().split())

    return turn, memory


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--peer", help="an interpreter that has jax and jax-md")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--turns", type=int, default=10)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    for dtype in ("float64", "float32"):
        turns: dict[str, Turn] = {}
        bytes_of: dict[str, str] = {}
        for dynamics, name, gradient in (
            ("nve", "stored", sg.Stored()),
            ("nve", "reversible", sg.Reversible()),
            ("langevin", "stored", sg.Stored()),
        ):
            with melted(dynamics, dtype) as made:
                label = f"{dynamics}, {name}"
                turns[label] = ours(*made, gradient)
                turns[label]()
                bytes_of[label] = f"{kept(*made, gradient):5.1f} bytes an atom and step"
                if given.peer and len(turns) == 1:
                    turns["jax-md"], memory = theirs(given.peer, *made[:2], dtype, given.threads)
                    turns["jax-md"]()
                    bytes_of["jax-md"] = f"{memory / 1e6:.1f} MB, {memory / 500 / STEPS:.0f} bytes an atom and step"
        rows = [{label: turn() for label, turn in turns.items()} for _ in range(given.turns)]
        for label in turns:
            forward, both = (min(row[label][n] for row in rows) for n in (0, 1))
            print(
                f"{dtype} {label:16s} forward {forward:.4f} s, with gradient {both:.4f} s, {both / forward:.2f} x "
                f"forward, the way back alone {(both - forward) / forward:.2f} x; {bytes_of[label]}",
                flush=True,
            )


if __name__ == "__main__":
    main()
