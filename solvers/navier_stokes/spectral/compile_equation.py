"""From a scene with a model equation, or a flow in two or three dimensions, to a solver, its state and its params."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.controllers import CFL
from scenegrad.engine.solver import Program
from scenegrad.engine.state import Params
from scenegrad.scenes.fluids import Fluid, Tracer
from scenegrad.scenes.initial_fields import FieldFile, Magnitude, PlaneWave, Spots, Waves
from scenegrad.scenes.methods import Spectral
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import RandomField
from scenegrad.solvers.navier_stokes.fields.checks import start_trouble
from scenegrad.solvers.navier_stokes.fields.places import GridPlaces
from scenegrad.solvers.navier_stokes.fields.start import Start, is_number, is_vector
from scenegrad.solvers.navier_stokes.spectral.box import FEWEST_CELLS, box_troubles, frame_troubles
from scenegrad.solvers.navier_stokes.spectral.equations.flow import FlowEquation
from scenegrad.solvers.navier_stokes.spectral.equations.known import EQUATIONS
from scenegrad.solvers.navier_stokes.spectral.field_probes import field_output_trouble, field_probe
from scenegrad.solvers.navier_stokes.spectral.forcing import acceleration, forcing_trouble
from scenegrad.solvers.navier_stokes.spectral.integrators import ETDRK4, ETDRK43, Integrator, integrator
from scenegrad.solvers.navier_stokes.spectral.lattice import Lattice
from scenegrad.solvers.navier_stokes.spectral.semilinear import Equation, SemilinearSolver, coefficients_of
from scenegrad.solvers.navier_stokes.spectral.state import FieldState
from scenegrad.solvers.shared.leaves import params, program
from scenegrad.solvers.shared.reasons import refuse_unfit

__all__ = ["compile_equation"]

DEFAULT = CFL(0.4)  # as of flows in two dimensions
TRACER_STARTS = (RandomField, PlaneWave, Waves, Spots, Magnitude, FieldFile)  # that are periodic


@dataclass(frozen=True)
class Channels:
    """What some channels start from: components of a velocity, as many fields, or one field from which all follow."""

    start: Start
    places: GridPlaces
    count: int
    flows: bool = False
    blend: tuple[tuple[float, float], ...] | None = None  # (scale, offset) of each channel

    def at(self, values: Params) -> Tensor:
        """[batch, channel, *cells] float64 on the host"""
        if self.flows:
            return torch.stack(self.start.flow(values, [self.places] * self.count), dim=1)
        if self.blend is not None:
            field = self.start.value(values, self.places)
            return torch.stack([scale * field + offset for scale, offset in self.blend], dim=1)
        which = [None] if self.count == 1 else range(self.count)
        return torch.stack([self.start.value(values, self.places, one) for one in which], dim=1)


def compile_equation(
    scenes: Sequence[Scene], device: str, dtype: torch.dtype
) -> tuple[SemilinearSolver, FieldState, Params]:
    """Solver, state and params; members of the batch are scenes that differ in numbers only.

    Raises SceneError with every reason for which the scenes cannot be run.
    """
    refuse_unfit(scenes, troubles, structure)
    scene = scenes[0]
    assert scene.domain.cells is not None
    assert scene.domain.size is not None
    grid = Lattice(scene.domain.cells, scene.domain.size, device, dtype)
    equation, parts = flow(scenes, grid) if fluid_of(scene) else model(scenes, grid)
    starting = [address for part in parts for address in part.start.learnable]
    values = params(scenes, [*equation.addresses, *starting], device, dtype, BECAUSE)
    unplanned: Program[FieldState] = Program(scene.time.end, DEFAULT)
    solver = SemilinearSolver(equation, method(scene), coefficients_of(equation), unplanned)
    probes = [field_probe(key, output, scene.time.warmup, solver) for key, output in scene.outputs.items()]

    def initial(values: Params) -> FieldState:
        channels = torch.cat([part.at(values) for part in parts], dim=1)
        return FieldState(grid.project(channels.to(grid.device, grid.dtype)))

    plan = program(scenes, probes, DEFAULT, initial, solver.method.estimate_order)
    return replace(solver, program=plan), initial(values), values


BECAUSE = (
    "equations in periodic boxes can be differentiated by their coefficients, the amplitude of forcing, the numbers of "
    "the fields that they start from, and by their initial state."
)


def method(scene: Scene) -> Integrator:
    asked = scene.method.integrator if isinstance(scene.method, Spectral) else None
    if asked is not None:
        return integrator(asked)
    return ETDRK4 if scene.time.tolerance is None else ETDRK43


def fluid_of(scene: Scene) -> str | None:
    return next((name for name, part in scene.entities.items() if isinstance(part, Fluid)), None)


def stacked(grid: Lattice, members: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(members)).to(grid.device, grid.dtype)


def flow(scenes: Sequence[Scene], grid: Lattice) -> tuple[Equation, list[Channels]]:
    """An incompressible fluid with its tracers."""
    name = fluid_of(scenes[0])
    assert name is not None
    fluid = scenes[0].entities[name]
    assert isinstance(fluid, Fluid)
    tracers = {key: part for key, part in scenes[0].entities.items() if isinstance(part, Tracer)}
    push = None
    if fluid.forcing is not None:
        push = stacked(grid, [acceleration(scene.at(f"{name}.forcing"), grid.cells, grid.size) for scene in scenes])
    buoyant = tuple(key for key, part in tracers.items() if part.buoyancy is not None)
    equation = FlowEquation(grid, name, tuple(tracers), buoyant, push)
    places = GridPlaces.lattice(grid.cells, grid.size)
    parts = [Channels(Start.of(scenes, f"{name}.velocity"), places, grid.dim, flows=True)]
    return equation, [*parts, *(Channels(Start.of(scenes, f"{key}.initial"), places, 1) for key in tracers)]


def model(scenes: Sequence[Scene], grid: Lattice) -> tuple[Equation, list[Channels]]:
    """The one equation of the scene."""
    name, part = next(iter(scenes[0].entities.items()))
    known = EQUATIONS[type(part)]
    count = known.channels(grid.dim)
    start = Start.of(scenes, f"{name}.{known.start}")
    return known.make(grid, name), [
        Channels(start, GridPlaces.lattice(grid.cells, grid.size), count, blend=known.blend)
    ]


# ---- what cannot be run


def troubles(scene: Scene) -> Iterator[tuple[str, str]]:
    """(address, what is wrong and how to mend it) of everything that keeps a scene from being run."""
    yield from box_troubles(scene, dims=(2, 3) if fluid_of(scene) else (1, 2, 3))
    yield from frame_troubles(scene, method(scene))
    yield from flow_troubles(scene) if fluid_of(scene) else model_troubles(scene)
    for key, output in scene.outputs.items():
        if (trouble := field_output_trouble(output, scene)) is not None:
            yield f"outputs.{key}", trouble


def grid_of(scene: Scene) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Cells and size, of a scene that lacks them those of the least box, so that all else can be looked at."""
    cells, size = scene.domain.cells, scene.domain.size
    enough = cells is not None and min(cells) >= FEWEST_CELLS
    return (cells if cells and enough else (FEWEST_CELLS,) * scene.dim), (size or (1.0,) * scene.dim)


def flow_troubles(scene: Scene) -> Iterator[tuple[str, str]]:
    cells, size = grid_of(scene)
    fluids = [name for name, part in scene.entities.items() if isinstance(part, Fluid)]
    if len(fluids) != 1:
        yield "entities", f"hold {len(fluids)} fluids ({', '.join(fluids)}); the box is filled by exactly one"
    for name, part in scene.entities.items():
        if isinstance(part, Fluid):
            if part.vorticity is not None:
                yield f"{name}.vorticity", "serves two dimensions without tracers; give a velocity= here"
            if part.velocity is not None and not is_vector(part.velocity):
                trouble = start_trouble(part.velocity, cells, size, "flow", len(cells))
                if trouble is not None:
                    yield f"{name}.velocity", trouble
            if part.forcing is not None and (trouble := forcing_trouble(part.forcing, cells, size)) is not None:
                yield f"{name}.forcing", trouble
            if part.turbulence is not None:
                yield f"{name}.turbulence", "models of unresolved eddies belong to method=Staggered(); leave it out"
        elif isinstance(part, Tracer):
            if part.carried_by not in (None, *fluids):
                yield f"{name}.carried_by", f"there is no fluid {part.carried_by!r}; there is {', '.join(fluids)}"
            if is_number(part.initial):
                continue
            trouble = start_trouble(part.initial, cells, size, allowed=TRACER_STARTS)
            if trouble is not None:
                yield f"{name}.initial", trouble
        else:
            yield name, f"is a {part.kind}; the spectral solver knows fluids and tracers. Leave it out"


def model_troubles(scene: Scene) -> Iterator[tuple[str, str]]:
    cells, size = grid_of(scene)
    if len(scene.entities) != 1:
        yield "entities", f"hold {', '.join(scene.entities)}; an equation stands alone in its scene"
    for name, part in scene.entities.items():
        known = EQUATIONS.get(type(part))
        if known is None:
            yield name, f"is a {part.kind}, which stands for no equation here. Leave it out"
            continue
        components = 1 if known.blend else known.channels(len(cells))
        trouble = start_trouble(getattr(part, known.start), cells, size, components=components, allowed=known.starts)
        if trouble is not None:
            yield f"{name}.{known.start}", trouble


def structure(scene: Scene) -> dict[str, Any]:
    """(address, value) of what members of a batch have in common: everything but numbers and random fields."""
    kinds: dict[str, Any] = {}
    for name, part in scene.entities.items():
        for field in type(part).model_fields:
            inner = getattr(part, field)
            kinds[f"{name}.{field}"] = inner if isinstance(inner, str) else getattr(inner, "kind", inner is not None)
    common = ("domain", "boundary", "time", "outputs", "method", "units")
    return {**kinds, **{field: getattr(scene, field) for field in common}}
