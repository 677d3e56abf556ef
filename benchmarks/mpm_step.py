"""Speed of the material point method: particle-steps per second, forward and with gradients, on one and two threads.

python benchmarks/mpm_step.py [--device cuda:0] [--steps 50] [--threads 1 2] [--cases 2d-three 3d]

Each figure is the median of five, and on one thread of a CPU in time of the processor, which others on the machine
hardly change. backward: one transposed step over one step forward; with states kept, forward and
backward take (1 + that) times as long as forward alone, and (2 + that) where states are computed again. Where Taichi is
installed, its mpm99 (2D, three materials) is timed beside.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

import scenegrad.scenes as sc
from scenegrad.engine.state import map_tensors
from scenegrad.solvers.compile import compile_scene

JELLY = sc.NeoHookean(youngs_modulus=sc.Parameter(value=1e5))


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
                shape=sc.Box(center=(*flat, 0.1 + edge / 2), size=(edge,) * dim), velocity=(*down, -1.0), material=JELLY
            ),
            "floor": sc.Wall(normal=(*down, 1.0), offset=0.1, contact=sc.Coulomb(friction=0.4)),
        },
        time=sc.Time(end=1.0),
    )


def three(cells: int, per_axis: int) -> sc.Scene:
    """Squares of jelly, water and snow that fall in a box, as in mpm99: per_axis cells along each edge."""
    edge = per_axis / cells
    materials = {
        "jelly": sc.FixedCorotated(youngs_modulus=sc.Parameter(value=1e5), poisson_ratio=0.2, density=1000.0),
        "water": sc.WeaklyCompressible(bulk_modulus=1e5, density=1000.0),
        "snow": sc.Snow(youngs_modulus=1e5, poisson_ratio=0.2, density=400.0),
    }
    places = {"jelly": (0.25, 0.25), "water": (0.7, 0.3), "snow": (0.45, 0.7)}
    return sc.Scene(
        name="three",
        domain=sc.Domain(size=(1.0, 1.0), cells=(cells,) * 2),
        gravity=(0.0, -9.81),
        entities={
            name: sc.Body(shape=sc.Box(center=places[name], size=(edge,) * 2), velocity=(0.0, -2.0), material=material)
            for name, material in materials.items()
        },
        time=sc.Time(end=1.0),
    )


CASES: dict[str, Callable[[], sc.Scene]] = {
    "2d": lambda: block(2, 256, 158),
    "2d-three": lambda: three(256, 91),
    "3d-small": lambda: block(3, 64, 14),
    "3d-50k": lambda: block(3, 64, 18),
    "3d": lambda: block(3, 64, 29),
}


def timed(work: Callable[[], None], device: str, threads: int, repeats: int = 5) -> float:
    """Median time of some rounds [s]."""
    now = time.process_time if device == "cpu" and threads == 1 else time.perf_counter
    taken = []
    for _ in range(repeats):
        if device != "cpu":
            torch.cuda.synchronize()
        start = now()
        work()
        if device != "cpu":
            torch.cuda.synchronize()
        taken.append(now() - start)
    return statistics.median(taken)


def measure(name: str, scene: sc.Scene, dtype: str, threads: int, device: str, steps: int) -> None:
    torch.set_num_threads(threads)
    solver, state, params = compile_scene(scene, device, dtype)
    state, frozen = map_tensors(torch.Tensor.detach, state), params.detach()
    dt, now = 0.3 * solver.max_dt(state, params), torch.zeros(1, dtype=torch.float64)
    bars = {field: torch.ones_like(value) for field, value in vars(state).items()}

    def forward() -> None:
        at = state
        for _ in range(steps):
            at = solver.step(at, frozen, now, dt).state

    def backward() -> None:
        for _ in range(max(steps // 4, 1)):
            solver.vjp(state, params, now, dt, bars)

    forward()
    backward()
    once, back = timed(forward, device, threads) / steps, timed(backward, device, threads) / max(steps // 4, 1)
    particles = state.position.shape[1]
    print(
        f"{f'{name} {dtype}':<20}{threads:>8}{particles:>10}{particles / once / 1e6:>13.2f}{1e3 * once:>9.2f}"
        f"{back / once:>10.2f}",
        flush=True,
    )


def peer(threads: int, steps: int) -> None:
    """mpm99 of Taichi itself: moving least squares, quadratic splines, three materials, one SVD a particle."""
    try:
        import taichi as ti
    except ImportError:
        return
    ti.init(arch=ti.cpu, cpu_max_num_threads=threads, log_level=ti.ERROR)
    count, cells = 100_000, 256
    dx, dt, volume = 1 / cells, 2e-5, (0.5 / cells) ** 2
    mu, lame = 1e5 / 2.4, 1e5 * 0.2 / (1.2 * 0.6)
    x, v = ti.Vector.field(2, ti.f32, count), ti.Vector.field(2, ti.f32, count)
    C, F = ti.Matrix.field(2, 2, ti.f32, count), ti.Matrix.field(2, 2, ti.f32, count)
    jp = ti.field(ti.f32, count)
    grid_v, grid_m = ti.Vector.field(2, ti.f32, (cells, cells)), ti.field(ti.f32, (cells, cells))

    @ti.kernel
    def begin():  # type: ignore[no-untyped-def]
        for p in x:
            x[p] = [ti.random() * 0.35 + 0.1 + 0.17 * (p % 3), ti.random() * 0.35 + 0.05 + 0.3 * (p % 2)]
            F[p], jp[p] = ti.Matrix([[1.0, 0.0], [0.0, 1.0]]), 1.0

    @ti.kernel
    def step():  # type: ignore[no-untyped-def]
        for i, j in grid_m:
            grid_v[i, j], grid_m[i, j] = [0.0, 0.0], 0.0
        for p in x:
            base = (x[p] / dx - 0.5).cast(int)
            f = x[p] / dx - base.cast(float)
            w = [0.5 * (1.5 - f) ** 2, 0.75 - (f - 1) ** 2, 0.5 * (f - 0.5) ** 2]
            F[p] = (ti.Matrix.identity(ti.f32, 2) + dt * C[p]) @ F[p]
            kind, shear = p % 3, mu
            hard = ti.exp(10 * (1 - jp[p])) if kind == 2 else 0.3
            shear = 0.0 if kind == 1 else mu * hard
            U, sig, V = ti.svd(F[p])
            J = 1.0
            for d in ti.static(range(2)):
                kept = sig[d, d]
                if kind == 2:
                    kept = ti.min(ti.max(sig[d, d], 1 - 2.5e-2), 1 + 4.5e-3)
                jp[p] *= sig[d, d] / kept
                sig[d, d] = kept
                J *= kept
            if kind == 1:
                F[p] = ti.Matrix.identity(ti.f32, 2) * ti.sqrt(J)
            elif kind == 2:
                F[p] = U @ sig @ V.transpose()
            stress = 2 * shear * (F[p] - U @ V.transpose()) @ F[p].transpose()
            stress += ti.Matrix.identity(ti.f32, 2) * lame * hard * J * (J - 1)
            affine = (-dt * volume * 4 / dx**2) * stress + volume * 1000 * C[p]
            for i, j in ti.static(ti.ndrange(3, 3)):
                d = (ti.Vector([i, j]).cast(float) - f) * dx
                weight = w[i][0] * w[j][1]
                grid_v[base + ti.Vector([i, j])] += weight * (volume * 1000 * v[p] + affine @ d)
                grid_m[base + ti.Vector([i, j])] += weight * volume * 1000
        for i, j in grid_m:
            if grid_m[i, j] > 0:
                grid_v[i, j] = grid_v[i, j] / grid_m[i, j]
                grid_v[i, j][1] -= dt * 9.81
                if i < 3 or i > cells - 3 or j < 3 or j > cells - 3:
                    grid_v[i, j] = [0.0, 0.0]
        for p in x:
            base = (x[p] / dx - 0.5).cast(int)
            f = x[p] / dx - base.cast(float)
            w = [0.5 * (1.5 - f) ** 2, 0.75 - (f - 1) ** 2, 0.5 * (f - 0.5) ** 2]
            new_v, new_C = ti.Vector.zero(ti.f32, 2), ti.Matrix.zero(ti.f32, 2, 2)
            for i, j in ti.static(ti.ndrange(3, 3)):
                seen = grid_v[base + ti.Vector([i, j])] * (w[i][0] * w[j][1])
                new_v += seen
                new_C += 4 / dx * seen.outer_product(ti.Vector([i, j]).cast(float) - f)
            v[p], C[p] = new_v, new_C
            x[p] += dt * v[p]

    def rounds() -> None:
        for _ in range(steps):
            step()
        ti.sync()

    begin()
    rounds()
    once = timed(rounds, "cpu", threads) / steps
    print(
        f"{'Taichi mpm99 float32':<20}{threads:>8}{count:>10}{count / once / 1e6:>13.2f}{1e3 * once:>9.2f}", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--cases", nargs="+", default=[*CASES], choices=[*CASES])
    parser.add_argument("--dtypes", nargs="+", default=["float32"], choices=["float32", "float64"])
    options = parser.parse_args()
    print(f"{'case':<20}{'threads':>8}{'particles':>10}{'forward M/s':>13}{'ms/step':>9}{'backward':>10}")
    for name in options.cases:
        for dtype in options.dtypes:
            for threads in options.threads if options.device == "cpu" else [1]:
                measure(name, CASES[name](), dtype, threads, options.device, options.steps)
    for threads in options.threads:
        peer(threads, options.steps)


if __name__ == "__main__":
    main()
