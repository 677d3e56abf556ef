"""What a scene asks to have written down, measured on the cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.solver import Grid as GridLayout
from scenegrad.engine.solver import Layout, Probe, Series
from scenegrad.engine.state import Params
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.outputs import Diagnostics, Energy, Fields, Force, Momentum, Output
from scenegrad.scenes.shapes import Box, Sphere
from scenegrad.scenes.values import vector
from scenegrad.solvers.navier_stokes.finite_volume.budget import Budget
from scenegrad.solvers.navier_stokes.finite_volume.forces import Forces
from scenegrad.solvers.navier_stokes.finite_volume.laws import Law
from scenegrad.solvers.navier_stokes.finite_volume.solver import FiniteVolumeSolver
from scenegrad.solvers.navier_stokes.finite_volume.state import FlowState
from scenegrad.solvers.shared.regions import middle_of
from scenegrad.solvers.shared.units import FORCE, MOMENTUM, TORQUE

__all__ = ["output_trouble", "probe"]

UNITS = {
    "gas": {
        "density": "kg/m^3", "velocity": "m/s", "pressure": "Pa", "temperature": "K", "mach": "1", "energy": "J/m^3",
        "momentum": "kg/m^2/s", "vorticity": "1/s", "schlieren": "kg/m^4",
    },
    "shallow_water": {"depth": "m", "velocity": "m/s", "momentum": "m^2/s", "froude": "1", "vorticity": "1/s"},
}  # fmt: skip
Measure = Callable[[FlowState, Params], dict[str, Tensor]]


def output_trouble(output: Output, law: Law, bodies: Sequence[str]) -> str | None:
    """Why this output cannot be served; None where it can."""
    if isinstance(output, Fields):
        known = UNITS[law.name]
        unknown = [name for name in output.quantities if name not in known]
        hint = nearest(unknown[0], known) if unknown else ""
        return f"there is no field {unknown[0]!r}; known: {', '.join(known)}.{hint}" if unknown else None
    if isinstance(output, Force):
        there = ", ".join(bodies) or "none"
        hint = nearest(output.on, bodies)
        return None if output.on in bodies else f"there is no obstacle {output.on!r}; there are: {there}.{hint}"
    if not isinstance(output, Diagnostics | Energy | Momentum):
        return "finite volumes give fields, energy (with the mass), momentum, diagnostics, and force on obstacles"
    return None


def probe(name: str, output: Output, start: float, solver: FiniteVolumeSolver) -> Probe[FlowState]:
    measure, layout, units = serving(output, solver)
    now = measure if isinstance(measure, Budget) else None
    return Probe(name, output.every, measure, layout, units, start, now)


def serving(output: Output, solver: FiniteVolumeSolver) -> tuple[Measure, Layout, Mapping[str, str]]:
    measures, grid = solver.measures, solver.grid
    per = {1: "/m^2", 2: "/m", 3: ""}[grid.dim]
    water = measures.law.name != "gas"
    if isinstance(output, Fields):
        known = UNITS[measures.law.name]
        quantities = output.quantities

        def fields(state: FlowState, params: Params) -> dict[str, Tensor]:
            found = measures.fields(state, params)
            return {quantity: found[quantity] for quantity in quantities}

        middle = tuple(0.5 * h for h in grid.spacing)
        layout = GridLayout(grid.cells, grid.spacing, middle, solver.wraps)
        return fields, layout, {quantity: known[quantity] for quantity in quantities}
    if isinstance(output, Force):
        return force_on(output.on, solver, water)
    if isinstance(output, Diagnostics):
        budget = Budget(solver)
        return budget, Series(budget.shells.coordinates), budget.units
    if isinstance(output, Momentum):
        unit = f"m^{grid.dim + 2}/s" if water else MOMENTUM[grid.dim]
        return lambda s, p: {"momentum": measures.totals(s, p)["momentum"]}, Series(), {"momentum": unit}

    def energy(state: FlowState, params: Params) -> dict[str, Tensor]:
        found = measures.totals(state, params)
        return {
            "total": found["total_energy"],
            "kinetic": found["kinetic_energy"],
            **({"potential": found["potential_energy"]} if water else {"internal": found["internal_energy"]}),
            "mass": found["mass"],
        }

    joule, mass = (f"m^{grid.dim + 3}/s^2", f"m^{grid.dim + 1}") if water else (f"J{per}", f"kg{per}")
    names = ("total", "kinetic", "potential" if water else "internal")
    return energy, Series(), dict.fromkeys(names, joule) | {"mass": mass}


def force_on(body: str, solver: FiniteVolumeSolver, water: bool) -> tuple[Measure, Layout, Mapping[str, str]]:
    """At the moment of the frame."""
    measures = solver.measures
    assert measures.obstacles is not None
    viscosity = f"{measures.name}.viscosity" if solver.work.viscous else None
    constant = f"{measures.name}.{measures.law.constant}"
    forces = Forces(measures.law, measures.grid, measures.obstacles, constant, viscosity)
    shapes, place = measures.obstacles.shapes[body], f"{body}.shape.center"
    about = torch.from_numpy(np.stack([middle_of(shape, measures.grid.dim) for shape in shapes]))
    told = [vector(shape.center) for shape in shapes if isinstance(shape, Sphere | Box)]

    def measure(state: FlowState, params: Params) -> dict[str, Tensor]:
        now = about
        if told and place in params:  # a shape that learns where to be takes its middle along
            first = torch.from_numpy(np.stack(told))
            now = about.to(params[place].device) + (params[place].double() - first.to(params[place].device))
        force, torque = forces(state, params, body, now)
        return {"force": force} | ({"torque": torque} if measures.grid.dim > 1 else {})

    dim = measures.grid.dim
    units = {"force": FORCE[dim], "torque": TORQUE.get(dim, "")}
    if water:
        units = {"force": f"m^{dim + 2}/s^2", "torque": f"m^{dim + 3}/s^2"}
    return measure, Series(), {name: unit for name, unit in units.items() if name == "force" or dim > 1}
