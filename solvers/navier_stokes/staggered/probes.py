"""What a scene asks to have written down, measured on a staggered grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from scenegrad.engine.solver import Grid, Probe, Series
from scenegrad.engine.state import Params
from scenegrad.scenes.domain import AXES
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.outputs import Diagnostics as DiagnosticsOutput
from scenegrad.scenes.outputs import Energy, Exchange, Fields, Force, Momentum, Output
from scenegrad.solvers.navier_stokes.staggered.budget import Budget
from scenegrad.solvers.navier_stokes.staggered.diagnostics import Diagnostics
from scenegrad.solvers.navier_stokes.staggered.obstacles.forces import mean_force
from scenegrad.solvers.navier_stokes.staggered.solver import StaggeredSolver
from scenegrad.solvers.navier_stokes.staggered.state import StaggeredState
from scenegrad.solvers.shared.units import FORCE, MOMENTUM, TORQUE

__all__ = ["output_trouble", "probe"]

FIELD_UNITS = {"velocity": "m/s", "pressure": "Pa", "vorticity": "1/s", "divergence": "1/s"}
ENERGY_UNITS = {  # in two dimensions per metre of depth
    2: {"kinetic": "J/m", "enstrophy": "m^2/s^2", "dissipation": "W/m", "divergence": "1/s"},
    3: {"kinetic": "J", "enstrophy": "m^3/s^2", "dissipation": "W", "divergence": "1/s"},
}


def output_trouble(output: Output, tracers: Sequence[str], bodies: Sequence[str], dim: int) -> str | None:
    """Why this output cannot be served; None where it can."""
    if isinstance(output, Fields):
        known = [*FIELD_UNITS, *tracers]
        unknown = [name for name in output.quantities if name not in known]
        hint = nearest(unknown[0], known) if unknown else ""
        return f"there is no field {unknown[0]!r}; known: {', '.join(known)}.{hint}" if unknown else None
    if isinstance(output, Force):
        if output.on in bodies:
            return None
        return (
            f"there is no obstacle {output.on!r}.{nearest(output.on, bodies)} There are: {', '.join(bodies) or 'none'}"
        )
    if isinstance(output, Exchange):
        if output.of not in tracers:
            return f"there is no tracer {output.of!r}.{nearest(output.of, tracers)} There are: {', '.join(tracers)}"
        sides = [f"boundary.{AXES[axis]}_{end}" for axis in range(dim) for end in ("lo", "hi")]
        return None if output.through in sides else f"through={output.through!r} is none of {', '.join(sides)}"
    if not isinstance(output, DiagnosticsOutput | Energy | Momentum):
        return "a fluid on a staggered grid gives fields, diagnostics, energy, momentum, force and exchange"
    return None


def probe(
    name: str, output: Output, start: float, solver: StaggeredSolver, watched: Sequence[str]
) -> Probe[StaggeredState]:
    """watched: names of the outputs that ask for forces, in their order."""
    grid, diagnostics = solver.grid, solver.diagnostics
    carried = [one.name for one in diagnostics.physics.carried]
    match output:
        case Fields():
            units = {quantity: FIELD_UNITS.get(quantity, "1") for quantity in output.quantities}
            layout = Grid(grid.cells, grid.spacing, tuple(0.5 * h for h in grid.spacing), grid.periodic)
            shown = fields(output.quantities, diagnostics)
            return Probe(name, output.every, shown, layout, units, start, shown)
        case DiagnosticsOutput():
            budget = Budget(solver)
            return Probe(name, output.every, budget, Series(budget.shells.coordinates), budget.units, start, budget)
        case Energy():

            def energy(state: StaggeredState, params: Params, time: Tensor | None = None) -> dict[str, Tensor]:
                seen = diagnostics.summary(state, params, time)
                return {quantity: seen[key] for quantity, key in ENERGIES.items()}

            return Probe(name, output.every, energy, Series(), dict(ENERGY_UNITS[grid.dim]), start, energy)
        case Exchange():
            number = carried.index(output.of)
            axis, side = AXES.index(output.through[-4]) - grid.dim, int(output.through.endswith("hi"))

            def flow(state: StaggeredState, params: Params, time: Tensor | None = None) -> dict[str, Tensor]:
                return {"flow": diagnostics.flow_of(state, number, params, axis, side, time)}

            units = {"flow": "m^2/s" if grid.dim == 2 else "m^3/s"}
            return Probe(name, output.every, flow, Series(), units, start, flow)
        case Force():
            place = watched.index(name)

            def measure(state: StaggeredState, params: Params) -> dict[str, Tensor]:
                assert state.felt is not None
                return mean_force(state.felt[:, place], grid.dim)

            units = {"force": FORCE[grid.dim], "torque": TORQUE[grid.dim]}
        case _:

            def measure(state: StaggeredState, params: Params) -> dict[str, Tensor]:
                return {"momentum": solver.observe(state, params)["momentum"]}

            units = {"momentum": MOMENTUM[grid.dim]}
    return Probe(name, output.every, measure, Series(), units, start)


ENERGIES = {
    "kinetic": "kinetic_energy",
    "enstrophy": "enstrophy",
    "dissipation": "dissipation",
    "divergence": "divergence",
}


class Measured(Protocol):
    def __call__(self, state: StaggeredState, params: Params, time: Tensor | None = None) -> dict[str, Tensor]: ...


def fields(quantities: tuple[str, ...], diagnostics: Diagnostics) -> Measured:
    carried = [one.name for one in diagnostics.physics.carried]

    def one(quantity: str, state: StaggeredState, params: Params, time: Tensor | None) -> Tensor:
        if quantity == "velocity":
            return diagnostics.velocity(state)
        if quantity == "pressure":
            return state.pressure
        if quantity == "vorticity":
            return diagnostics.vorticity(state, params, time)
        if quantity == "divergence":
            return diagnostics.divergence(state)
        assert state.tracers is not None
        return state.tracers[:, carried.index(quantity)]

    def measure(state: StaggeredState, params: Params, time: Tensor | None = None) -> dict[str, Tensor]:
        return {quantity: one(quantity, state, params, time) for quantity in quantities}

    return measure
