"""What a scene asks to have written down of an equation's fields."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.solver import Grid, Probe, Series
from scenegrad.engine.state import Params
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.fluids import Fluid, Tracer
from scenegrad.scenes.outputs import Diagnostics, Energy, Fields, Misfit, Momentum, Output, Spectrum
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.navier_stokes.spectral.equation_budget import EquationBudget
from scenegrad.solvers.navier_stokes.spectral.equations.flow import FlowEquation
from scenegrad.solvers.navier_stokes.spectral.equations.known import EQUATIONS
from scenegrad.solvers.navier_stokes.spectral.flow_budget import FlowBudget
from scenegrad.solvers.navier_stokes.spectral.lattice import Lattice
from scenegrad.solvers.navier_stokes.spectral.misfit import misfit, misfit_trouble, wanted
from scenegrad.solvers.navier_stokes.spectral.semilinear import Equation, SemilinearSolver
from scenegrad.solvers.navier_stokes.spectral.state import FieldState

__all__ = ["field_output_trouble", "field_probe"]


def seen_of(scene: Scene) -> Equation:
    """The equation of a scene, on the smallest grid: for what it lets be seen."""
    grid = Lattice((8,) * scene.dim, (1.0,) * scene.dim, "cpu", torch.float32)
    tracers = tuple(name for name, part in scene.entities.items() if isinstance(part, Tracer))
    for name, part in scene.entities.items():
        if isinstance(part, Fluid):
            return FlowEquation(grid, name, tracers)
    name, part = next(iter(scene.entities.items()))
    return EQUATIONS[type(part)].make(grid, name)


def field_output_trouble(output: Output, scene: Scene) -> str | None:
    """Why an equation cannot serve this output; None where it can."""
    if not isinstance(output, Diagnostics | Fields | Energy | Misfit | Momentum | Spectrum):
        return "a field on a grid gives fields, diagnostics, energy, misfit, momentum and spectrum"
    if any(type(part) not in EQUATIONS and not isinstance(part, Fluid | Tracer) for part in scene.entities.values()):
        return None  # told elsewhere
    equation = seen_of(scene)
    if isinstance(output, Misfit):
        known = equation.quantities
        if output.quantity not in known:
            return f"there is no field {output.quantity!r}; known: {', '.join(known)}.{nearest(output.quantity, known)}"
        if output.quantity == "velocity" and scene.dim > 1:
            return "velocity is a vector here, and a misfit is of a scalar"
        return misfit_trouble(output, scene.domain.cells, scene.domain.size)
    if isinstance(output, Fields):
        known = equation.quantities
        unknown = [name for name in output.quantities if name not in known]
        hint = nearest(unknown[0], known) if unknown else ""
        return f"there is no field {unknown[0]!r}; known: {', '.join(known)}.{hint}" if unknown else None
    if isinstance(output, Momentum | Spectrum) and not isinstance(equation, FlowEquation):
        return "only a flow has it; ask for fields or energy"
    return None


def field_probe(name: str, output: Output, start: float, solver: SemilinearSolver) -> Probe[FieldState]:
    equation, grid = solver.equation, solver.lattice
    if isinstance(output, Fields):
        chosen = {quantity: equation.quantities[quantity] for quantity in output.quantities}

        def fields(state: FieldState, params: Params) -> dict[str, Tensor]:
            return {quantity: entry.measure(state.field, params) for quantity, entry in chosen.items()}

        layout = Grid(grid.cells, grid.spacing, (0.0,) * grid.dim, (True,) * grid.dim)
        return Probe(name, output.every, fields, layout, {key: entry.unit for key, entry in chosen.items()}, start)
    if isinstance(output, Misfit):
        entry, target = equation.quantities[output.quantity], wanted(output, grid.cells, grid.size)

        def apart(state: FieldState, params: Params) -> dict[str, Tensor]:
            return misfit(entry.measure(state.field, params), target)

        return Probe(name, output.every, apart, Series(), {"misfit": f"({entry.unit})^2"}, start)
    if isinstance(output, Diagnostics):
        budget = FlowBudget(equation) if isinstance(equation, FlowEquation) else EquationBudget.of(equation)

        def diagnostics(state: FieldState, params: Params) -> dict[str, Tensor]:
            return budget(state.field, params)

        return Probe(name, output.every, diagnostics, Series({"wavenumber": grid.shells[1]}), budget.units, start)
    if isinstance(output, Spectrum):
        assert isinstance(equation, FlowEquation)
        density = f"{equation.fluid}.density"

        def spectrum(state: FieldState, params: Params) -> dict[str, Tensor]:
            return {"energy": 0.5 * params[density][:, None] * grid.power(state.field[:, : grid.dim])}

        units = {"energy": "J/m" if grid.dim == 2 else "J", "wavenumber": "1/m"}
        return Probe(name, output.every, spectrum, Series({"wavenumber": grid.shells[1]}), units, start)

    def summary(state: FieldState, params: Params) -> dict[str, Tensor]:
        """Numbers, or the one vector, which is the momentum."""
        found = equation.summary(state.field, params)
        return {key: value for key, value in found.items() if (value.ndim > 1) == isinstance(output, Momentum)}

    return Probe(name, output.every, summary, Series(), equation.units, start)
