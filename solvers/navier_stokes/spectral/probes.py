"""What a scene asks to have written down, measured on the spectral grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from scenegrad.engine.solver import Grid, Layout, Probe, Series
from scenegrad.engine.state import Params
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.outputs import Diagnostics as DiagnosticsOutput
from scenegrad.scenes.outputs import Energy, Fields, Misfit, Momentum, Output, Spectrum
from scenegrad.solvers.navier_stokes.spectral.diagnostics import Diagnostics
from scenegrad.solvers.navier_stokes.spectral.misfit import misfit, misfit_trouble, wanted
from scenegrad.solvers.navier_stokes.spectral.solver import SpectralSolver
from scenegrad.solvers.navier_stokes.spectral.state import VorticityState
from scenegrad.solvers.navier_stokes.spectral.vorticity_budget import VorticityBudget

__all__ = ["output_trouble", "probe"]

FIELD_UNITS = {"vorticity": "1/s", "velocity": "m/s", "pressure": "Pa"}
ENERGY_UNITS = {"kinetic": "J/m", "enstrophy": "m^2/s^2", "input": "W/m", "dissipation": "W/m"}
Measure = Callable[[VorticityState, Params], dict[str, Tensor]]


def output_trouble(output: Output, cells: tuple[int, ...] | None, size: tuple[float, ...] | None) -> str | None:
    """Why the spectral solver cannot serve this output in a box of this grid; None where it can."""
    if isinstance(output, Misfit):
        scalars = [name for name in FIELD_UNITS if name != "velocity"]
        if output.quantity not in scalars:
            return f"there is no scalar {output.quantity!r}; there are {', '.join(scalars)}"
        return misfit_trouble(output, cells, size)
    if isinstance(output, Fields):
        unknown = [name for name in output.quantities if name not in FIELD_UNITS]
        hint = nearest(unknown[0], FIELD_UNITS) if unknown else ""
        return f"there is no field {unknown[0]!r}; known: {', '.join(FIELD_UNITS)}.{hint}" if unknown else None
    if not isinstance(output, DiagnosticsOutput | Energy | Momentum | Spectrum):
        return "a fluid on a grid gives fields, diagnostics, energy, misfit, momentum and spectrum"
    return None


def probe(name: str, output: Output, start: float, solver: SpectralSolver) -> Probe[VorticityState]:
    measure, layout, units = serving(output, solver)
    return Probe(name, output.every, measure, layout, units, start)


def serving(output: Output, solver: SpectralSolver) -> tuple[Measure, Layout, Mapping[str, str]]:
    diagnostics, density = solver.diagnostics, solver.addresses.density
    modes = diagnostics.modes

    def energy(state: VorticityState, params: Params) -> dict[str, Tensor]:
        seen = solver.observe(state, params)
        return {
            "kinetic": seen["kinetic_energy"],
            "enstrophy": seen["enstrophy"],
            "input": seen["energy_input"],
            "dissipation": seen["dissipation"],
        }

    def momentum(state: VorticityState, params: Params) -> dict[str, Tensor]:
        return {"momentum": solver.observe(state, params)["momentum"]}

    def spectrum(state: VorticityState, params: Params) -> dict[str, Tensor]:
        return {"energy": diagnostics.spectrum(state.vorticity, params[density])}

    if isinstance(output, Fields):
        units = {quantity: FIELD_UNITS[quantity] for quantity in output.quantities}
        layout = Grid(modes.cells, modes.spacing, (0.0, 0.0), (True, True))
        return field_measure(output.quantities, solver), layout, units
    if isinstance(output, Misfit):
        seen, target = field_measure((output.quantity,), solver), wanted(output, modes.cells, modes.size)

        def apart(state: VorticityState, params: Params) -> dict[str, Tensor]:
            return misfit(seen(state, params)[output.quantity], target)

        return apart, Series(), {"misfit": f"({FIELD_UNITS[output.quantity]})^2"}
    if isinstance(output, Energy):
        return energy, Series(), ENERGY_UNITS
    if isinstance(output, DiagnosticsOutput):
        budget = VorticityBudget(solver)
        return budget, Series({"wavenumber": budget.shells[1]}), budget.units
    if isinstance(output, Momentum):
        return momentum, Series(), {"momentum": "kg/s"}
    return spectrum, Series({"wavenumber": diagnostics.shells[1]}), {"energy": "J/m", "wavenumber": "1/m"}


def field_measure(quantities: tuple[str, ...], solver: SpectralSolver) -> Measure:
    diagnostics: Diagnostics = solver.diagnostics

    def vorticity(state: VorticityState, params: Params) -> Tensor:
        return state.vorticity

    def velocity(state: VorticityState, params: Params) -> Tensor:
        return torch.stack(diagnostics.velocity(state.vorticity), dim=-1)

    def pressure(state: VorticityState, params: Params) -> Tensor:
        flow = solver.flow(state, params)
        return diagnostics.pressure(flow.vorticity, params[solver.addresses.density], flow.stirring)

    known = {"vorticity": vorticity, "velocity": velocity, "pressure": pressure}
    return lambda state, params: {quantity: known[quantity](state, params) for quantity in quantities}
