"""What a gradient costs: 100 steps forward, and back through them: python benchmarks/gradients.py [word ...]

Words are names of scenes or precisions; all of them if none is given. all: the way there keeps what transposes need, in
memory that it is given. kept: the way back does, a stretch at a time, with room for 20 steps, after it has taken the
steps once more. nested: it keeps states alone, about as many as the square root of the steps. Times are those of the
processor where there is no GPU, the least of a few runs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch

import scenegrad.scenes as sc
from scenegrad.engine import keeping
from scenegrad.engine.capture import linearize
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.gradients import Stored
from scenegrad.engine.keeping import counted
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import Params, batch_size, size_of, tensors, with_tensors
from scenegrad.scenes.library import cylinder_wake, heated_cavity, kolmogorov, lid_cavity
from scenegrad.solvers.compile import compile_scene

STEPS = 100
TURNS = 3
STRETCH = 20  # steps that there is room for, a few more than between two checkpoints
ALL = 16e9  # [bytes]


def gas(cells: int, reconstruction: str) -> sc.Scene:
    return sc.Scene(
        name="vortex",
        domain=sc.Domain.periodic(size=(20.0, 20.0), cells=(cells, cells)),
        entities={"gas": sc.Gas(gamma=sc.Parameter(1.4), velocity=(1.0, 1.0), start=sc.IsentropicVortex(strength=5.0))},
        method=sc.FiniteVolume(reconstruction=reconstruction),
        time=sc.Time(end=1.0),
    )


def plane(cells: int, integrator: str) -> sc.Scene:
    scene = kolmogorov(cells, viscosity=sc.Parameter(1e-3))
    return scene.model_copy(update={"method": sc.Spectral(integrator=integrator), "outputs": {}})


def space(cells: int, integrator: str) -> sc.Scene:
    return sc.Scene(
        name="space",
        domain=sc.Domain.periodic(size=(6.283185307179586,) * 3, cells=(cells,) * 3),
        entities={"fluid": sc.Fluid(viscosity=sc.Parameter(1e-2), velocity=sc.TaylorGreen())},
        method=sc.Spectral(integrator=integrator),
        time=sc.Time(end=1.0),
    )


def eddies(cells: int, advection: str, dim: int = 2) -> sc.Scene:
    """A periodic box between whose cells velocities are staggered."""
    start = {"vorticity": sc.GaussianField(peak=4.0, rms=3.0)} if dim == 2 else {"velocity": sc.TaylorGreen()}
    return sc.Scene(
        name="eddies",
        domain=sc.Domain.periodic(size=(6.283185307179586,) * dim, cells=(cells,) * dim),
        entities={"fluid": sc.Fluid(viscosity=sc.Parameter(1e-3), **start)},
        method=sc.Staggered(advection=advection),
        time=sc.Time(end=1.0),
    )


def learning(scene: sc.Scene, *addresses: str) -> sc.Scene:
    """The same without outputs, and with the numbers at these addresses to be learnt."""
    return scene.replace({**{a: sc.Parameter(scene.at(a)) for a in addresses}, "outputs": {}})


def swinging(cells: int) -> sc.Scene:
    """A cylinder that swings across a stream."""
    scene = learning(cylinder_wake(cells), "fluid.viscosity", "cylinder.shape.center", "cylinder.shape.radius")
    sine = sc.Sine(sc.Parameter(0.1), 1.0)
    return scene.replace({"cylinder.motion": sc.Moving(velocity=(0.0, sine))})


SCENES: dict[str, Callable[[], sc.Scene]] = {
    "staggered-van-leer-256": lambda: eddies(256, "van_leer"),
    "staggered-weno3-256": lambda: eddies(256, "weno3"),
    "staggered-central-256": lambda: eddies(256, "central"),
    "lid-cavity-256": lambda: learning(lid_cavity(256), "fluid.viscosity", "boundary.y_hi.velocity.0"),
    "heated-cavity-256": lambda: learning(heated_cavity(256), "air.viscosity", "temperature.diffusivity"),
    "cylinder-64": lambda: learning(cylinder_wake(64), "fluid.viscosity", "boundary.x_lo.velocity.peak"),
    "cylinder-shape-64": lambda: learning(cylinder_wake(64), "cylinder.shape.center", "cylinder.shape.radius"),
    "swinging-cylinder-64": lambda: swinging(64),
    "staggered-3d-van-leer-48": lambda: eddies(48, "van_leer", 3),
    "gas-muscl-256": lambda: gas(256, "muscl"),
    "gas-weno5-256": lambda: gas(256, "weno5"),
    "spectral-etdrk2-256": lambda: plane(256, "etdrk2"),
    "spectral-etdrk4-256": lambda: plane(256, "etdrk4"),
    "spectral-3d-etdrk2-48": lambda: space(48, "etdrk2"),
    "spectral-3d-etdrk4-48": lambda: space(48, "etdrk4"),
}


def held(solver: object, state: object, params: Params, dt: float) -> int:
    """What a step keeps for its transpose [bytes]."""
    clock = torch.zeros(batch_size(state), dtype=torch.float64)
    with counted() as kept, torch.no_grad():
        linearize(solver, state, params, clock, clock + dt)  # type: ignore[arg-type]
    return kept.size


def measure(name: str, dtype: str, device: str) -> str:
    solver, state, params = compile_scene(SCENES[name](), device, dtype)
    dt = 0.3 * float(solver.max_dt(state, params.detach()).min())
    state = with_tensors(state, {k: v.detach() for k, v in tensors(state).items()})

    def clock() -> float:
        if device == "cpu":
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()

    def forth(numbers: object, memory: float = 0.0) -> tuple[float, object]:
        start = clock()
        roll = rollout(
            solver,
            state,
            numbers,
            STEPS * dt,
            controller=Fixed(dt),
            probes=(),
            gradient=Stored(memory),  # type: ignore[arg-type]
        )
        return clock() - start, roll

    def back(room: int, memory: float = 0.0) -> float:
        keeping.POCKET = room
        _, roll = forth(params, memory)
        loss = sum(value.square().mean() for value in tensors(roll.state).values() if value.is_floating_point())  # type: ignore[attr-defined]
        start = clock()
        loss.backward()  # type: ignore[union-attr]
        return clock() - start

    room = STRETCH * (held(solver, state, params, dt) + size_of(state))
    forth(params), back(room)
    turns = [(forth(params.detach())[0], back(0, ALL), back(room), back(0)) for _ in range(TURNS)]
    forward, everything, kept, nested = (min(column) for column in zip(*turns, strict=True))
    return (
        f"{name:24s} {dtype:8s} {device:7s} forward {forward / STEPS * 1e3:8.2f} ms a step   "
        f"backward {everything / forward:.2f} x forward with all kept, {kept / forward:.2f} x, nested "
        f"{nested / forward:.2f} x"
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    words, precisions = sys.argv[1:], ("float32", "float64")
    for name in [word for word in words if word not in precisions] or SCENES:
        for dtype in [word for word in words if word in precisions] or precisions:
            print(measure(name, dtype, "cpu"), flush=True)
            if torch.cuda.is_available():
                print(measure(name, dtype, "cuda:0"), flush=True)
