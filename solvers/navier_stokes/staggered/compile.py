"""From a scene with a fluid in a box to a projection solver, its state and its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from scenegrad.engine.capture import Replays
from scenegrad.engine.controllers import CFL
from scenegrad.engine.solver import Program
from scenegrad.engine.state import Params
from scenegrad.scenes.fluids import Fluid, Tracer
from scenegrad.scenes.methods import Staggered
from scenegrad.scenes.outputs import Force
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import Parameter, number
from scenegrad.solvers.navier_stokes.fields.thin_bodies import warn_of_thin_bodies
from scenegrad.solvers.navier_stokes.staggered.advection import SCHEMES
from scenegrad.solvers.navier_stokes.staggered.checks import structure, troubles
from scenegrad.solvers.navier_stokes.staggered.diagnostics import Diagnostics
from scenegrad.solvers.navier_stokes.staggered.forcing import force_of, learnable_of
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.implicit import Diffusion
from scenegrad.solvers.navier_stokes.staggered.initial import learnable_starts, start
from scenegrad.solvers.navier_stokes.staggered.integrators import AB2, INTEGRATORS, RK3, AdamsBashforth, RungeKutta
from scenegrad.solvers.navier_stokes.staggered.maccormack import Paths
from scenegrad.solvers.navier_stokes.staggered.momentum import Transport
from scenegrad.solvers.navier_stokes.staggered.obstacles.forces import Watch
from scenegrad.solvers.navier_stokes.staggered.obstacles.immersed import WIDTH, Obstacles
from scenegrad.solvers.navier_stokes.staggered.obstacles.placing import learnable_obstacles, obstacles_of, top_speeds
from scenegrad.solvers.navier_stokes.staggered.physics import Carried, Physics
from scenegrad.solvers.navier_stokes.staggered.probes import probe
from scenegrad.solvers.navier_stokes.staggered.projection import Projection
from scenegrad.solvers.navier_stokes.staggered.sides import Sides
from scenegrad.solvers.navier_stokes.staggered.solver import StaggeredSolver
from scenegrad.solvers.navier_stokes.staggered.state import StaggeredState
from scenegrad.solvers.navier_stokes.staggered.stepping import Stepper
from scenegrad.solvers.navier_stokes.staggered.strain import Eddies
from scenegrad.solvers.navier_stokes.staggered.walls import learnable_sides, periodic_axes, sides_of
from scenegrad.solvers.shared.leaves import params, program
from scenegrad.solvers.shared.memory import keep_memory
from scenegrad.solvers.shared.reasons import refuse_unfit

__all__ = ["compile_staggered"]

# Of the bound: the steps of a flow that is not in a hurry to be unstable. Errors in time are then far below those in
# space, see tests/solvers/navier_stokes/staggered/test_order.py.
DEFAULT = CFL(0.8)

BECAUSE = (
    "a fluid on a staggered grid can be differentiated by its viscosity, density, drag and forcing, by what its sides "
    "and obstacles say, by diffusivities and buoyancies, and by its initial state."
)


def compile_staggered(
    scenes: Sequence[Scene], device: str, dtype: torch.dtype
) -> tuple[StaggeredSolver, StaggeredState, Params]:
    """Solver, state and params; members of the batch are scenes that differ in numbers only.

    Raises SceneError with every reason for which the scenes cannot be run.
    """
    refuse_unfit(scenes, troubles, structure)
    keep_memory()
    scene = scenes[0]
    grid = grid_of(scene, device, dtype)
    warn_of_thin_bodies(scenes, lambda normal: WIDTH * max(grid.spacing))
    name = fluid_of(scene)
    tracers = tracers_of(scene)
    sides = sides_of(scene, grid, tracers)
    values = params(scenes, learnable(scene, sides), device, dtype, BECAUSE)

    asked = scene.method if isinstance(scene.method, Staggered) else Staggered()
    along_paths = asked.advection == "maccormack"
    transport = Transport(grid, sides, SCHEMES[asked.advection])
    fluid = scene.entities[name]
    assert isinstance(fluid, Fluid)
    physics = Physics(
        grid,
        sides,
        transport,
        name,
        viscous=counts(scenes, f"{name}.viscosity"),
        damped=counts(scenes, f"{name}.drag"),
        force=None
        if fluid.forcing is None
        else force_of(f"{name}.forcing", [one.at(f"{name}.forcing") for one in scenes], grid),
        carried=tuple(
            Carried(
                tracer,
                counts(scenes, f"{tracer}.diffusivity"),
                getattr(scene.entities[tracer], "buoyancy", None) is not None,
            )
            for tracer in tracers
        ),
        eddies=None if fluid.turbulence is None else Eddies(f"{name}.turbulence.constant", grid, sides),
        implicit=asked.viscosity == "implicit",
    )
    obstacles = obstacles_of(scenes, grid, tracers)
    forces = {key: output for key, output in scene.outputs.items() if isinstance(output, Force)}
    bodies = [] if obstacles is None else [body.name for body in obstacles.bodies]
    stepper = Stepper(
        grid,
        physics,
        Projection(grid, sides, asked.tolerance),
        method_of(scene, asked),
        obstacles,
        tuple(Watch(bodies.index(output.on), output.every, scene.time.warmup) for output in forces.values()),
        Paths(grid, sides) if along_paths else None,
        Diffusion(grid, sides) if physics.implicit else None,
    )
    unplanned: Program[StaggeredState] = Program(scene.time.end, DEFAULT)
    recorded = Replays() if obstacles is None else None
    solver = StaggeredSolver(grid, stepper, Diagnostics(physics), peaks_of(sides, obstacles), unplanned, recorded)
    probes = [probe(key, output, scene.time.warmup, solver, list(forces)) for key, output in scene.outputs.items()]
    initial = start(scenes, solver)
    plan = program(scenes, probes, DEFAULT, initial, stepper.method.estimate_order)
    return replace(solver, program=plan), initial(values), values


def grid_of(scene: Scene, device: str, dtype: torch.dtype) -> Grid:
    assert scene.domain.cells is not None
    assert scene.domain.size is not None
    return Grid(scene.domain.cells, scene.domain.size, periodic_axes(scene), device, dtype)


def fluid_of(scene: Scene) -> str:
    return next(name for name, part in scene.entities.items() if isinstance(part, Fluid))


def tracers_of(scene: Scene) -> list[str]:
    return [name for name, part in scene.entities.items() if isinstance(part, Tracer)]


def counts(scenes: Iterable[Scene], address: str) -> bool:
    """Whether a number may differ from zero."""
    return any(isinstance(value := scene.at(address), Parameter) or number(value) != 0.0 for scene in scenes)


def method_of(scene: Scene, asked: Staggered) -> AdamsBashforth | RungeKutta:
    if asked.integrator is not None:
        return INTEGRATORS[asked.integrator]
    return AB2 if scene.time.tolerance is None else RK3


def learnable(scene: Scene, sides: Sides) -> list[str]:
    name = fluid_of(scene)
    fluid = scene.entities[name]
    assert isinstance(fluid, Fluid)
    addresses = [f"{name}.viscosity", f"{name}.drag", f"{name}.density"]
    if fluid.turbulence is not None:
        addresses.append(f"{name}.turbulence.constant")
    if fluid.forcing is not None:
        addresses.append(learnable_of(f"{name}.forcing", fluid.forcing))
    addresses += learnable_starts(scene)
    for tracer in tracers_of(scene):
        part = scene.entities[tracer]
        assert isinstance(part, Tracer)
        addresses.append(f"{tracer}.diffusivity")
        if part.buoyancy is not None:
            addresses.append(f"{tracer}.buoyancy")
    addresses += learnable_sides(sides)
    return addresses + learnable_obstacles(scene)


def peaks_of(sides: Sides, obstacles: Obstacles | None) -> Callable[[Params], Tensor]:
    """Largest speed that sides and bodies impose, by component [batch, dim]."""
    dim = sides.grid.dim

    def peaks(values: Params) -> Tensor:
        batch = next(iter(values.values())).shape[0]
        columns = [[torch.zeros(batch, dtype=torch.float64, device=sides.grid.device)] for _ in range(dim)]
        for side in sides.sides.values():
            for column, source in zip(columns, side.velocity, strict=False):
                if source is not None:
                    column.append(source.peak(values).abs())
        for column, speed in zip(columns, () if obstacles is None else top_speeds(obstacles, values), strict=False):
            column.append(speed)
        return torch.stack([torch.stack(column).amax(0) for column in columns], dim=1)

    return peaks
