"""Speed of the finite-volume solver and of its transposed step: python benchmarks/finite_volume_step.py [cells ...]"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch

import scenegrad.scenes as sc
from scenegrad.engine.state import Params
from scenegrad.solvers.compile import compile_scene


def best(run: Callable[[], object], seconds: float = 2.0) -> float:
    """Shortest time of a call: neighbours on the machine only ever lengthen it [s]."""
    run()
    found = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(found) < 3:
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return min(found)


def vortex(cells: int, reconstruction: str) -> sc.Scene:
    return sc.Scene(
        name="vortex",
        domain=sc.Domain.periodic(size=(20.0, 20.0), cells=(cells, cells)),
        entities={"gas": sc.Gas(gamma=sc.Parameter(1.4), velocity=(1.0, 1.0), start=sc.IsentropicVortex(strength=5.0))},
        method=sc.FiniteVolume(reconstruction=reconstruction),
        time=sc.Time(end=1.0),
    )


def measure(cells: int, reconstruction: str, dtype: str, threads: int, device: str) -> str:
    torch.set_num_threads(threads)
    solver, state, params = compile_scene(vortex(cells, reconstruction), device, dtype)
    clock, dt = torch.zeros(1, dtype=torch.float64), 0.4 * solver.max_dt(state, params)
    bar = {"conserved": torch.ones_like(state.conserved)}

    def wait() -> None:
        if device != "cpu":
            torch.cuda.synchronize()

    fixed: Params = params.detach()
    step = best(lambda: (solver.step(state, fixed, clock, dt), wait()))
    first = best(lambda: (solver.vjp(state, fixed, clock, dt, bar), wait())) / step
    every = best(lambda: (solver.vjp(state, params, clock, dt, bar), wait())) / step
    return (
        f"{reconstruction:5s} {cells:5d}^2  {dtype:8s} {device:7s} {threads} thread(s)  {cells**2 / step / 1e6:8.2f} "
        f"million cells/s a step   transposed: {first:.2f} steps by the state, {every:.2f} by gamma too"
    )


if __name__ == "__main__":
    for cells in [int(word) for word in sys.argv[1:]] or [256]:
        for reconstruction in ("muscl", "weno5"):
            for dtype in ("float32", "float64"):
                for threads in (1, 2):
                    print(measure(cells, reconstruction, dtype, threads, "cpu"), flush=True)
                if torch.cuda.is_available():
                    print(measure(cells, reconstruction, dtype, 1, "cuda:0"), flush=True)
