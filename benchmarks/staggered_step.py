"""Speed of the projection solver and of its gradient, beside jax-cfd where it is installed.

python benchmarks/staggered_step.py [cells ...]
"""

from __future__ import annotations

import importlib.util
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.gradients import Stored
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import Params
from scenegrad.scenes.library import cylinder_wake, lid_cavity
from scenegrad.solvers.compile import compile_scene

STEPS = 5  # of a block
SECONDS = 20.0
LONG = 100  # steps of a rollout that is differentiated
ROOM = 2e9  # for states and for what their steps keep [bytes]


def periodic(cells: int, advection: str) -> sc.Scene:
    edge = 2 * math.pi
    return sc.Scene(
        name="periodic",
        domain=sc.Domain.periodic(size=(edge, edge), cells=(cells, cells)),
        entities={"fluid": sc.Fluid(viscosity=1e-3, vorticity=sc.GaussianField(peak=4.0, rms=3.0))},
        method=sc.Staggered(advection=advection),
        time=sc.Time(end=1.0),
    )


def ours(scene: sc.Scene, device: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """(a block of steps, as many transposed steps by the state and every parameter)."""
    solver, state, params = compile_scene(scene, device, "float32")
    clock = torch.zeros(1, dtype=torch.float64)
    dt = 0.5 * solver.max_dt(state, params).cpu()
    learning = Params({address: value.detach().clone().requires_grad_() for address, value in params.items()})
    bar = {"u": torch.ones_like(state.u), "v": torch.ones_like(state.v)}

    def wait() -> None:
        if device != "cpu":
            torch.cuda.synchronize()

    def forward() -> None:
        now = state
        with torch.no_grad():
            for _ in range(STEPS):
                now = solver.step(now, params, clock, dt).state
        wait()

    def backward() -> None:
        for _ in range(STEPS):
            solver.vjp(state, learning, clock, dt, bar)
        wait()

    return forward, backward


def whole(scene: sc.Scene) -> tuple[Callable[[], None], Callable[[float], None]]:
    """(a rollout, the same with its gradient by the first velocity and every parameter and with room for states in so
    many bytes), LONG steps."""
    solver, state, params = compile_scene(scene, "cpu", "float32")
    dt = 0.5 * float(solver.max_dt(state, params)[0])
    learning = Params({address: value.detach().clone().requires_grad_() for address, value in params.items()})
    leaf = state.u.detach().clone().requires_grad_()

    def forward() -> None:
        with torch.no_grad():
            rollout(solver, state, params, until=LONG * dt, controller=Fixed(dt), probes=())

    def both(memory: float) -> None:
        begin, control = replace(state, u=leaf), Fixed(dt)
        how = Stored(memory)
        end = rollout(solver, begin, learning, until=LONG * dt, controller=control, probes=(), gradient=how).state
        torch.autograd.grad(end.u.square().sum() + end.v.square().sum(), [leaf, *learning.values()], allow_unused=True)

    return forward, both


def gradients(scenes: dict[str, sc.Scene], cells: int) -> None:
    """Whole rollouts, forward, and with the way back, once with room for all states and once for few; in turn."""
    for name, scene in scenes.items():
        forward, both = whole(scene)
        runs = [forward, partial(both, ROOM), partial(both, 0.0)]
        times = [[math.inf] for _ in runs]
        for _ in range(4):  # the first time does not count
            for run, found in zip(runs, times, strict=True):
                start = time.process_time()
                run()
                found.append(time.process_time() - start)
        ahead, rich, poor = (min(found[2:]) for found in times)
        print(
            f"{cells:5d}  cpu     {name:32s} {LONG} steps in {ahead:.3f} s; the way back takes {rich / ahead - 1:.2f} "
            f"times that with every state kept, {poor / ahead - 1:.2f} with the root of their number",
            flush=True,
        )


def peer(cells: int) -> Callable[[], None]:
    """jax-cfd's periodic solver: van Leer fluxes, one step of Euler, pressure by Fourier transforms."""
    import jax
    import jax_cfd.base as cfd

    grid = cfd.grids.Grid((cells, cells), domain=((0, 2 * math.pi),) * 2)
    velocity = cfd.initial_conditions.filtered_velocity_field(jax.random.PRNGKey(0), grid, 2.0, 4)
    step = cfd.equations.semi_implicit_navier_stokes(density=1.0, viscosity=1e-3, dt=1e-3, grid=grid)
    block = jax.jit(cfd.funcutils.repeated(step, steps=STEPS))
    return lambda: jax.block_until_ready(block(velocity))


def shortest(runs: dict[str, Callable[[], None]], seconds: float, clock: Callable[[], float]) -> dict[str, float]:
    """Shortest block of each, taken in turn: neighbours on the machine only ever lengthen one [s per step].

    On a CPU the clock is that of the process, which stands still while others have the core."""
    for run in runs.values():
        run()
    found = dict.fromkeys(runs, math.inf)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, run in runs.items():
            run()  # what the one before left in the caches is gone by then
            start = clock()
            run()
            found[name] = min(found[name], (clock() - start) / STEPS)
    return found


def measure(cells: int, device: str) -> None:
    scenes = {
        "periodic, van Leer": periodic(cells, "van_leer"),
        "periodic, central": periodic(cells, "central"),
        "lid cavity, central": lid_cavity(cells),
        "cylinder, central": cylinder_wake(cells // 4),
    }
    if device == "cpu":
        gradients(scenes, cells)
    runs = {}
    for name, scene in scenes.items():
        runs[name], runs[f"{name}, transposed"] = ours(scene, device)
    if importlib.util.find_spec("jax_cfd") and device == "cpu":
        runs["jax-cfd periodic, van Leer"] = peer(cells)
    found = shortest(runs, SECONDS, time.process_time if device == "cpu" else time.perf_counter)
    for name, seconds in found.items():
        line = f"{cells:5d}  {device:7s} {name:32s} {1e3 * seconds:8.3f} ms  {1 / seconds:8.0f} steps/s"
        if name.endswith("transposed"):
            line += f"  {seconds / found[name.removesuffix(', transposed')]:.2f} steps"
        print(line, flush=True)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    for cells in [int(word) for word in sys.argv[1:]] or [256]:
        measure(cells, "cpu")
        if torch.cuda.is_available():
            measure(cells, "cuda:0")
