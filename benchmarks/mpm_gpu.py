"""Speed of the material point method on a GPU: steps launched and steps replayed, many small scenes and one large one.

python benchmarks/mpm_gpu.py [--device cuda:0] [--steps 64] [--cases 1M 8M small-256 ...]

Each figure is the median of five, in millions of particle-steps a second; 3D, float32, a neo-Hookean block on a floor
with friction, 8 particles a cell. launched: kernel by kernel; replayed: recorded once as a CUDA graph; marched: this
in a run whose dt follows the stability bound. backward: one transposed step, in steps forward. memory: what a step must
at least move (particles read twice and written once, nodes with mass written and read twice) in the time of a step, as
a share of what a copy on the same card moves.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import torch

import scenegrad.scenes as sc
from scenegrad.engine.capture import pull_back, take
from scenegrad.engine.controllers import CFL
from scenegrad.engine.loop import march
from scenegrad.engine.state import map_tensors
from scenegrad.solvers.compile import compile_scene

# members, cells along an edge of the domain, cells along an edge of the block
CASES = {
    "small-1": (1, 32, 8),
    "small-256": (256, 32, 8),
    "1M": (1, 128, 50),
    "8M": (1, 256, 100),
}
CASES_CPU = {"small-1": (1, 16, 4), "small-256": (256, 16, 4)}


def block(cells: int, edge: int) -> sc.Scene:
    size = edge / cells
    return sc.Scene(
        name="block",
        domain=sc.Domain(size=(1.0,) * 3, cells=(cells,) * 3),
        gravity=(0.0, 0.0, -9.81),
        entities={
            "block": sc.Body(
                shape=sc.Box(center=(0.5, 0.5, 0.1 + size / 2), size=(size,) * 3),
                velocity=(0.0, 0.0, -1.0),
                material=sc.NeoHookean(youngs_modulus=sc.Parameter(1e5)),
            ),
            "floor": sc.Wall(normal=(0.0, 0.0, 1.0), offset=0.1, contact=sc.Coulomb(friction=0.4)),
        },
        time=sc.Time(end=1.0),
    )


def timed(work: Callable[[], Any], device: str, repeats: int = 5) -> float:
    """Median time [s], the first round left out."""
    taken = []
    for _ in range(repeats + 1):
        wait(device)
        start = time.perf_counter()
        work()
        wait(device)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)


def copied(device: str) -> float:
    """Bytes a second that a copy reads and writes."""
    source = torch.ones(2**28 if device != "cpu" else 2**24, device=device)
    target = torch.empty_like(source)
    return 8 * source.numel() / timed(lambda: target.copy_(source), device)


def measure(name: str, device: str, steps: int, most: float) -> None:
    members, cells, edge = (CASES if device != "cpu" else CASES_CPU)[name]
    solver, state, params = compile_scene([block(cells, edge)] * members, device, "float32")
    state, frozen = map_tensors(torch.Tensor.detach, state), params.detach()
    now, dt = torch.zeros(members, dtype=torch.float64), 0.3 * solver.max_dt(state, params).cpu()
    bars = {field: torch.ones_like(value) for field, value in vars(state).items()}

    def launched() -> None:
        at = state
        for n in range(steps):
            at = solver.step(at, frozen, now + n * dt, dt).state

    back, few, moments = solver.vjp, max(steps // 8, 1), deque[Any](maxlen=1)
    forward = timed(launched, device) / steps
    replayed = timed(lambda: take(solver, state, frozen, now, dt, 0, steps), device) / steps
    end = float(now[0] + steps * dt.min())
    marched = timed(lambda: [moments.append(m) for m in march(solver, state, frozen, CFL(0.3), [end])], device)
    marched /= int(moments[-1].clock.steps.max())
    backward = timed(lambda: [back(state, params, now, dt, bars) for _ in range(few)], device) / few
    again = timed(lambda: [pull_back(solver, state, params, now, dt, bars) for _ in range(few)], device) / few
    particles = members * state.position.shape[1]
    moved = 3 * sum(value.numel() * value.element_size() for value in vars(state).values())
    moved += members * (edge + 2) ** 3 * 4 * (2 * 4 + 2 * 3)
    print(
        f"{name:<12}{members:>8}{particles:>12}{particles / forward / 1e6:>11.1f}{particles / replayed / 1e6:>11.1f}"
        f"{particles / marched / 1e6:>10.1f}"
        f"{1e3 * replayed:>10.3f}{backward / forward:>10.2f}{again / replayed:>10.2f}{moved / replayed / most:>9.0%}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--cases", nargs="+", default=[*CASES], choices=[*CASES])
    options = parser.parse_args()
    on_cpu = options.device == "cpu"
    card = "a CPU, where nothing is replayed" if on_cpu else torch.cuda.get_device_name(options.device)
    most = copied(options.device)
    print(f"{card}; a copy moves {most / 1e9:.0f} GB/s")
    columns = (
        ("members", 8),
        ("particles", 12),
        ("launched", 11),
        ("replayed", 11),
        ("marched", 10),
        ("ms/step", 10),
        ("backward", 10),
    )
    columns += ("replayed", 10), ("memory", 9)
    print(f"{'case':<12}" + "".join(f"{title:>{width}}" for title, width in columns))
    for name in options.cases:
        if not on_cpu or name in CASES_CPU:
            measure(name, options.device, options.steps if not on_cpu else 8, most)


if __name__ == "__main__":
    main()
