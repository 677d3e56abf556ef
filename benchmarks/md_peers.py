"""The Lennard-Jones melt beside other programs: python benchmarks/md_peers.py PYTHON [--cells 10 20] [--threads 1 2]

PYTHON: an interpreter that has lammps, openmm and jax-md, or some of them; each runs in it, in a process of its own,
and they take turns with ours on the same cores, block by block. All start from the same atoms: rho = 0.8442, T = 1.44
on a crystal, plain cutoff 2.5, skin 0.3, dt = 0.005, constant energy. Energies and temperatures after the first hundred
steps tell whether they did the same work. Rates are medians over the blocks, by the clock, and by the seconds that all
threads together worked, which other programs on the machine disturb less.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from md_step import DT, liquid

from scenegrad.engine.state import map_tensors
from scenegrad.solvers.compile import compile_scene

MELT = 100  # steps before the clock runs
PEERS = {  # precision; blocks are this much shorter
    "lammps": ("float64", 1),
    "lammps-20": ("float64", 1),
    "openmm": ("mixed", 1),
    "jax-md": ("float32", 10),
}


@dataclass(frozen=True)
class Entrant:
    """go(steps): seconds by the clock and of all threads; look(): potential energy of an atom and temperature."""

    name: str
    go: Callable[[int], tuple[float, float]]
    look: Callable[[], tuple[float, float]]
    shorter: int = 1


def ours(cells: int, dtype: str, threads: int) -> Entrant:
    solver, state, params = compile_scene(liquid(cells, "plain"), "cpu", dtype)
    params, state = params.detach(), map_tensors(torch.Tensor.detach, state)
    clock, dt = torch.zeros(1, dtype=torch.float64), torch.full((1,), DT, dtype=torch.float64)

    def go(steps: int) -> tuple[float, float]:
        nonlocal state
        torch.set_num_threads(threads)
        begin, worked = time.perf_counter(), time.process_time()
        for _ in range(steps):
            state = solver.step(state, params, clock, dt).state
        return time.perf_counter() - begin, time.process_time() - worked

    def look() -> tuple[float, float]:
        seen = solver.observe(state, params)
        return float(seen["potential_energy"]) / state.position.shape[1], float(seen["temperature"])

    return Entrant(f"scenegrad {dtype}", go, look)


def peer(python: str, name: str, start: str, threads: int) -> Entrant | str:
    """The program, or why there is none."""
    flags = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'} intra_op_parallelism_threads={threads}"
    libraries = f"{Path(python).parent.parent / 'lib'}:{os.environ.get('LD_LIBRARY_PATH', '')}"
    child = subprocess.Popen(
        [python, str(Path(__file__).parent / "peers" / "lennard_jones.py"), name, start, str(threads)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={
            **os.environ,
            "XLA_FLAGS": flags,
            "OMP_NUM_THREADS": str(threads),
            "JAX_PLATFORMS": "cpu",
            "LD_LIBRARY_PATH": libraries,
        },
    )

    def ask(line: str) -> tuple[float, float]:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(f"{line}\n")
        child.stdin.flush()
        first, second = map(float, child.stdout.readline().split())
        return first, second

    assert child.stdout is not None
    if (said := child.stdout.readline().strip()) != "ready":
        return said or "missing: it ended at once"
    precision, shorter = PEERS[name]
    return Entrant(f"{name} {precision}", lambda steps: ask(str(steps)), lambda: ask("what"), shorter)


def begin(cells: int, folder: str) -> str:
    """The atoms that all start from."""
    _, state, _ = compile_scene(liquid(cells, "plain"), "cpu", "float64")
    x, v = state.position[0].detach().numpy(), state.velocity[0].detach().numpy()
    path = f"{folder}/start-{cells}.npz"
    np.savez(path, x=x, v=v, edge=(len(x) / 0.8442) ** (1 / 3), cutoff=2.5, skin=0.3, dt=DT)
    return path


def compare(given: argparse.Namespace, cells: int, threads: int, start: str) -> None:
    atoms = 4 * cells**3
    steps = max(int(given.work / atoms), 10)
    print(f"N = {atoms}, {threads} thread{'s' * (threads > 1)}, {given.rounds} blocks of {steps} steps:")
    entrants = [ours(cells, dtype, threads) for dtype in ("float64", "float32")]
    for name in given.peers:
        found = peer(given.python, name, start, threads)
        if isinstance(found, str):
            print(f"  {name:18s} {found}")
        else:
            entrants.append(found)
    seen = {}
    for one in entrants:
        one.go(MELT)
        seen[one.name] = one.look()
    rates: dict[str, list[tuple[float, float]]] = {one.name: [] for one in entrants}
    for _ in range(given.rounds):
        for one in entrants:
            count = max(steps // one.shorter, 2)
            wall, worked = one.go(count)
            rates[one.name].append((atoms * count / wall / 1e6, atoms * count / worked / 1e6))
    for name, (potential, temperature) in seen.items():
        wall, core = (statistics.median(column) for column in zip(*rates[name], strict=True))
        print(
            f"  {name:18s} {wall:6.2f} M atom-steps/s by the clock (best {max(rates[name])[0]:.2f}), {core:6.2f} M a "
            f"core; after {MELT} steps u = {potential:.4f}, T = {temperature:.4f}",
            flush=True,
        )
    us = seen["scenegrad float64"]
    for name, it in seen.items():
        if abs(it[0] - us[0]) > given.within or abs(it[1] - us[1]) > given.within:
            raise SystemExit(f"{name} did other work: u, T = {it} in place of {us}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("python", nargs="?", default="", help="interpreter of the others; none: ours alone")
    options.add_argument("--cells", type=int, nargs="+", default=[10, 20], help="of the crystal, four atoms each")
    options.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument(
        "--work", type=float, default=3.2e6, help="atom-steps of a block, which shall be longer than a list lasts"
    )
    options.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    options.add_argument("--within", type=float, default=0.02, help="to which energies and temperatures shall agree")
    given = options.parse_args()
    if not given.python:
        print("no interpreter of the others was named: lammps, openmm and jax-md are left out")
        given.peers = []
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        for cells in given.cells:
            start = begin(cells, folder)
            for threads in given.threads:
                os.sched_setaffinity(0, set(cores[:threads]))  # children inherit it
                compare(given, cells, threads, start)


if __name__ == "__main__":
    main()
