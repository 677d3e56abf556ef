"""What flow and tracers start from, on faces and in cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from scenegrad.engine.state import Params
from scenegrad.scenes.fluids import Fluid, Tracer
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.navier_stokes.fields.places import GridPlaces
from scenegrad.solvers.navier_stokes.fields.start import Start
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.solver import StaggeredSolver
from scenegrad.solvers.navier_stokes.staggered.state import StaggeredState

__all__ = ["learnable_starts", "places_of", "show", "start"]


def show(cells: int) -> int:
    """The highest wave of which cells show more than a zigzag."""
    return max(1, (cells - 1) // 2)


def places_of(grid: Grid, component: int | None, own: float = 0.5) -> GridPlaces:
    """The samples of a component, or of the cells; own: where those of a file stand, in cells from their corners."""
    offset = tuple(0.0 if axis == component else 0.5 for axis in grid.axes)
    more = tuple(grid.count(component, axis) - n for axis, n in zip(grid.axes, grid.cells, strict=True))
    return GridPlaces(grid.cells, grid.size, offset, grid.periodic, own, more)


def learnable_starts(scene: Scene) -> list[str]:
    """Addresses of what the first flow and the first tracers can be differentiated by."""
    found = []
    for name, part in scene.entities.items():
        fields = (
            ("vorticity", "velocity") if isinstance(part, Fluid) else ("initial",) if isinstance(part, Tracer) else ()
        )
        for field in fields:
            found += Start.of([scene], f"{name}.{field}").learnable
    return found


def start(scenes: Sequence[Scene], solver: StaggeredSolver) -> Callable[[Params], StaggeredState]:
    """The initial state as a function of params: made to keep to the sides, and without divergence."""
    grid, stepper = solver.grid, solver.stepper
    name = stepper.physics.fluid
    velocity, vorticity = (Start.of(scenes, f"{name}.{field}") for field in ("velocity", "vorticity"))
    tracers = [Start.of(scenes, f"{one.name}.initial") for one in stepper.physics.carried]
    whirls = vorticity.told[0] is not None
    faces = [places_of(grid, axis, own=0.0 if whirls else 0.5) for axis in grid.axes]

    def initial(now: Params) -> StaggeredState:
        flow = velocity.flow(now, faces)
        if whirls:  # beside which a velocity is the mean of the flow
            flow = [mean + u for mean, u in zip(flow, vorticity.swirl(now, faces), strict=True)]
        carried = [one.value(now, places_of(grid, None)) for one in tracers]
        u, c = ([field.to(grid.device, grid.dtype).contiguous() for field in part] for part in (flow, carried))
        return stepper.begin(u, c, now, torch.zeros(len(scenes), dtype=torch.float64))

    return initial
