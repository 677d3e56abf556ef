"""Speed of the material point method: particle-steps per second, forward and with gradients.

python benchmarks/mpm_step.py [--device cuda:0] [--steps 50]
"""

from __future__ import annotations

import argparse
import time

import torch

import scenegrad.scenes as sc
from scenegrad.engine.state import map_tensors
from scenegrad.solvers.compile import compile_scene


def block(dim: int, cells: int, per_axis: int) -> sc.Scene:
    """A moving elastic block of per_axis cells along each edge, 2^dim particles a cell, on a floor with friction."""
    edge = per_axis / cells
    down, flat = (0.0,) * (dim - 1), (0.5,) * (dim - 1)
    return sc.Scene(
        name="block",
        domain=sc.Domain(size=(1.0,) * dim, cells=(cells,) * dim),
        gravity=(*down, -9.81),
        entities={
            "block": sc.Body(
                shape=sc.Box(center=(*flat, 0.1 + edge / 2), size=(edge,) * dim),
                velocity=(*down, -1.0),
                material=sc.NeoHookean(youngs_modulus=sc.Parameter(value=1e5)),
            ),
            "floor": sc.Wall(normal=(*down, 1.0), offset=0.1, contact=sc.Coulomb(friction=0.4)),
        },
        time=sc.Time(end=1.0),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=50)
    options = parser.parse_args()
    torch.set_num_threads(1)

    def wait() -> float:
        if options.device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter()

    print(f"{'case':<24}{'particles':>10}{'forward M/s':>13}{'ms/step':>9}{'backward/forward':>18}")
    for dim, cells, per_axis in ((2, 128, 70), (2, 256, 158), (3, 64, 13), (3, 64, 18)):
        for dtype in ("float32", "float64"):
            solver, state, params = compile_scene(block(dim, cells, per_axis), options.device, dtype)
            state, frozen = map_tensors(torch.Tensor.detach, state), params.detach()
            dt, now = 0.3 * solver.max_dt(state, params), torch.zeros(1, dtype=torch.float64)
            bars = {name: torch.ones_like(value) for name, value in vars(state).items()}
            state = solver.step(state, frozen, now, dt).state
            solver.vjp(state, params, now, dt, bars)
            start = wait()
            for _ in range(options.steps):
                state = solver.step(state, frozen, now, dt).state
            middle = wait()
            for _ in range(options.steps):
                solver.vjp(state, params, now, dt, bars)
            end = wait()
            forward, backward = (middle - start) / options.steps, (end - middle) / options.steps
            particles = state.position.shape[1]
            print(
                f"{f'{dim}D {cells}^{dim} {dtype}':<24}{particles:>10}{particles / forward / 1e6:>13.2f}"
                f"{1e3 * forward:>9.2f}{backward / forward:>18.2f}"
            )


if __name__ == "__main__":
    main()
