"""What a scene asks to have written down of a porous medium."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from scenegrad.engine.solver import Grid, Probe
from scenegrad.engine.state import Params
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.outputs import Fields, Output
from scenegrad.solvers.elliptic.darcy.solver import DarcySolver
from scenegrad.solvers.elliptic.darcy.state import DarcyState

__all__ = ["output_trouble", "probe"]

UNITS = {
    "permeability": "m^2/(Pa s)",
    "source": "1/s",
    "pressure": "Pa",
    "velocity": "m/s",
    "residual": "1/s",
}


def output_trouble(output: Output) -> str | None:
    """Why this output cannot be served; None where it can."""
    if not isinstance(output, Fields):
        return "a porous medium gives fields"
    unknown = [name for name in output.quantities if name not in UNITS]
    if unknown:
        return f"there is no field {unknown[0]!r}; known: {', '.join(UNITS)}.{nearest(unknown[0], UNITS)}"
    return None


def probe(name: str, output: Output, start: float, solver: DarcySolver) -> Probe[DarcyState]:
    assert isinstance(output, Fields)
    axes = solver.elliptic.axes
    known: dict[str, Callable[[DarcyState, Params], Tensor]] = {
        "permeability": lambda state, params: state.permeability,
        "source": lambda state, params: state.source,
        "pressure": lambda state, params: state.pressure,
        "velocity": solver.velocity,
        "residual": solver.residual,
    }

    def measure(state: DarcyState, params: Params) -> dict[str, Tensor]:
        return {quantity: known[quantity](state, params) for quantity in output.quantities}

    layout = Grid(
        tuple(axis.count for axis in axes),
        tuple(axis.spacing for axis in axes),
        tuple(0.5 * axis.spacing for axis in axes),
        tuple(axis.periodic for axis in axes),
    )
    units = {quantity: UNITS[quantity] for quantity in output.quantities}
    return Probe(name, output.every, measure, layout, units, start)
