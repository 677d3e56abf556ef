"""Speed of the spectral solver and of its gradient: python benchmarks/navier_stokes_step.py [cells ...]"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch

from scenegrad.engine.state import Params
from scenegrad.scenes.library import kolmogorov
from scenegrad.solvers.compile import compile_scene


def best(run: Callable[[], object], seconds: float = 2.0) -> float:
    """Shortest time of a call, over blocks of ten: neighbours on the machine only ever lengthen it [s]."""
    for _ in range(3):
        run()
    found = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(10):
            run()
        found.append((time.perf_counter() - start) / 10)
    return min(found)


def measure(cells: int, dtype: str, threads: int, device: str) -> str:
    torch.set_num_threads(threads)
    solver, state, params = compile_scene(kolmogorov(cells), device, dtype)
    clock, dt = torch.zeros(1, dtype=torch.float64), torch.full((1,), 1e-3, dtype=torch.float64)
    learning = Params({address: value.clone().requires_grad_() for address, value in params.items()})
    bar = {"vorticity": torch.ones_like(state.vorticity)}

    def wait() -> None:
        if device != "cpu":
            torch.cuda.synchronize()

    step = best(lambda: (solver.step(state, params, clock, dt), wait()))
    first = best(lambda: (solver.vjp(state, params, clock, dt, bar), wait())) / step
    every = best(lambda: (solver.vjp(state, learning, clock, dt, bar), wait())) / step
    return (
        f"{cells:5d}^2  {dtype:8s} {device:7s} {threads} thread(s)  {1 / step:8.0f} steps/s   "
        f"transposed step: {first:.2f} steps by the state, {every:.2f} by every parameter too"
    )


if __name__ == "__main__":
    for cells in [int(word) for word in sys.argv[1:]] or [256]:
        for dtype in ("float32", "float64"):
            for threads in (1, 2):
                print(measure(cells, dtype, threads, "cpu"), flush=True)
            if torch.cuda.is_available():
                print(measure(cells, dtype, 1, "cuda:0"), flush=True)
