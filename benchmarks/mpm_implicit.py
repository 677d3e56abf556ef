"""A stiff body for one second: explicit steps at the wave-speed bound against implicit ones.

python benchmarks/mpm_implicit.py [--press] [--device cuda:0] [--dim 2] [--youngs-modulus 1e8] [--cells 80] [--share S]

A cantilever under its weight; with --press, a block between two rough plates that go 5 mm each into it. The explicit
time is that of `share` of the second, scaled up. Sag: of the tip, at the end; beam theory with shear. Stress: in the
middle of the block, along the way of the plates; E / (1 - nu^2) times the strain in plane strain, if nothing rubbed.
"""

from __future__ import annotations

import argparse
import time

import torch

import scenegrad.scenes as sc
from scenegrad.engine.state import map_tensors
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.mpm.measures import cauchy_stress

LENGTH, HEIGHT, DENSITY = 1.2, 0.2, 1000.0


def cantilever(dim: int, cells: int, modulus: float, integrator: sc.Explicit | sc.Implicit) -> sc.Scene:
    """1.2 m long, 0.2 m high (and wide), held at x = 0."""
    box = (2.0, *(1.0,) * (dim - 1))
    return sc.Scene(
        name="cantilever",
        domain=sc.Domain(size=box, cells=tuple(int(cells * edge / 2) for edge in box)),
        gravity=(*(0.0,) * (dim - 1), -9.81),
        entities={
            "beam": sc.Body(
                shape=sc.Box(center=(LENGTH / 2, *(0.6,) * (dim - 1)), size=(LENGTH, *(HEIGHT,) * (dim - 1))),
                material=sc.NeoHookean(youngs_modulus=modulus, poisson_ratio=0.3, density=DENSITY),
            )
        },
        boundary=sc.Boundary(x_lo=sc.Stick(), default=sc.Separate()),
        time=sc.Time(end=1.0),
        method=sc.MaterialPoint(integrator=integrator),
    )


def press(dim: int, cells: int, modulus: float, integrator: sc.Explicit | sc.Implicit) -> sc.Scene:
    """0.6 m wide, 0.4 m high, between plates of 0.1 m that move 5 mm in a second."""

    def plate(height: float, speed: float) -> sc.Collider:
        return sc.Collider(
            sc.Box(center=(*(0.5,) * (dim - 1), height), size=(*(0.9,) * (dim - 1), 0.1)),
            contact=sc.Coulomb(0.3),
            motion=sc.Moving(velocity=(*(0.0,) * (dim - 1), speed)),
        )

    return sc.Scene(
        name="press",
        domain=sc.Domain(size=(1.0,) * dim, cells=(cells,) * dim),
        entities={
            "block": sc.Body(
                shape=sc.Box(center=(0.5,) * dim, size=(*(0.6,) * (dim - 1), 0.4)),
                material=sc.NeoHookean(youngs_modulus=modulus, poisson_ratio=0.3, density=DENSITY),
            ),
            "below": plate(0.25, 5e-3),
            "above": plate(0.75, -5e-3),
        },
        time=sc.Time(end=1.0),
        method=sc.MaterialPoint(integrator=integrator),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dim", type=int, default=2)
    parser.add_argument("--youngs-modulus", type=float, default=1e8)
    parser.add_argument("--cells", type=int, default=80)
    parser.add_argument("--share", type=float, default=0.02)
    parser.add_argument("--press", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)

    def run(integrator: sc.Explicit | sc.Implicit, dt: float | None, share: float) -> tuple[float, float, float]:
        """dt, time for the whole second, sag of the tip or stress after the share of it that was run."""
        scene = (press if options.press else cantilever)(options.dim, options.cells, options.youngs_modulus, integrator)
        solver, state, params = compile_scene(scene, options.device, "float64")
        state, params = map_tensors(torch.Tensor.detach, state), params.detach()
        step = torch.full((1,), dt, dtype=torch.float64) if dt else 0.4 * solver.max_dt(state, params)
        now = torch.zeros(1, dtype=torch.float64)
        solver.step(state, params, now, step)
        steps = max(1, round(share / float(step)))
        tip = state.position[0, :, 0] > LENGTH - 0.03
        middle = ((state.position[0] - 0.5).abs() < 0.05).all(-1)

        def seen() -> float:
            """Depth of the tip [m], or stress in the middle [Pa]"""
            if options.press:
                return float(cauchy_stress(state, solver.tables(params), solver.matter)[0, middle, -1, -1].mean())
            return -float(state.position[0, tip, -1].mean())

        before = seen()
        start = time.perf_counter()
        for _ in range(steps):
            state = solver.step(state, params, now, step).state
        took = time.perf_counter() - start
        return float(step), took / (steps * float(step)), seen() - before

    plane = options.youngs_modulus / (1 - 0.3**2 * (options.dim == 2))
    bend = DENSITY * 9.81 * LENGTH**4 / (8 * plane * HEIGHT**2 / 12)
    slide = DENSITY * 9.81 * LENGTH**2 / (2 * options.youngs_modulus / 2.6 * 5 / 6)
    bound, explicit, _ = run(sc.Explicit(), None, options.share)
    if options.press:
        print(f"stress if nothing rubs {-1e-6 * plane * 0.01 / 0.4:.4f} MPa")
    else:
        print(f"static sag by beam theory {1e3 * (bend + slide):.3f} mm")
    what, unit = ("MPa", 1e-6) if options.press else ("sag [mm]", 1e3)
    print(f"{'integrator':<12}{'dt [s]':>12}{'dt / explicit':>15}{'1 s takes [s]':>15}{'gain':>8}{what:>10}")
    print(f"{'explicit':<12}{bound:>12.3g}{1:>15}{explicit:>15.1f}{1:>8}{'':>10}")
    for times in (1000, 3000) if options.press else (100, 300, 1000, 3000):
        dt, took, sag = run(sc.Implicit(), times * bound, 1.0)
        print(f"{'implicit':<12}{dt:>12.3g}{times:>15}{took:>15.1f}{explicit / took:>8.1f}{unit * sag:>10.4f}")


if __name__ == "__main__":
    main()
