"""What a scene asks to have written down, measured on a mesh."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.solver import Elements, Probe, Series
from scenegrad.engine.state import Params
from scenegrad.scenes.outputs import Diagnostics, Energy, Exchange, Fields, Force, Output
from scenegrad.solvers.navier_stokes.finite_element.budget import Budget
from scenegrad.solvers.navier_stokes.finite_element.diffusion import DiffusionSolver
from scenegrad.solvers.navier_stokes.finite_element.elastic import ElasticSolver
from scenegrad.solvers.navier_stokes.finite_element.solver import FlowSolver
from scenegrad.solvers.navier_stokes.finite_element.space import Space
from scenegrad.solvers.navier_stokes.finite_element.state import FlowState
from scenegrad.solvers.navier_stokes.finite_element.watches import mean
from scenegrad.solvers.shared.units import FORCE, TORQUE

__all__ = ["probe"]

UNITS = {"velocity": "m/s", "pressure": "Pa", "vorticity": "1/s", "displacement": "m"}
ENERGY_UNITS = {  # in two dimensions per metre of depth
    2: {"kinetic": "J/m", "dissipation": "W/m", "divergence": "1/s", "elastic": "J/m"},
    3: {"kinetic": "J", "dissipation": "W", "divergence": "1/s", "elastic": "J"},
}
Measure = Callable[[Any, Params], dict[str, Tensor]]
AnySolver = FlowSolver | DiffusionSolver | ElasticSolver  # each with a state of its own


def probe(name: str, output: Output, start: float, solver: AnySolver, watched: list[str]) -> Probe[Any]:
    """watched: names of the outputs of the same kind, in their order."""
    observed: Measure = solver.observe
    match output:
        case Fields():
            layout = Elements(nodes=solver.space.nodes)
            units = {q: UNITS.get(q, "1") for q in output.quantities} | {"position": "m"}
            return Probe(name, output.every, fields(output.quantities, solver), layout, units, start)
        case Diagnostics():
            assert isinstance(solver, FlowSolver)
            budget = Budget(solver)
            return Probe(name, output.every, budget, Series(), budget.units, start)
        case Energy():
            units = dict(ENERGY_UNITS[solver.space.dim])

            def measure(state: Any, params: Params) -> dict[str, Tensor]:
                seen = observed(state, params)
                if isinstance(solver, DiffusionSolver):
                    return {"content": seen["content"]}
                short = {key.removesuffix("_energy"): value for key, value in seen.items()}
                return {key: value for key, value in short.items() if key in units}

        case Force():
            place, dim = watched.index(name), solver.space.dim
            units = {"force": FORCE[dim], "torque": TORQUE[dim]}

            def measure(state: Any, params: Params) -> dict[str, Tensor]:
                push = mean(state.felt[:, place])
                return {"force": push[:, :dim], "torque": push[:, dim] if dim == 2 else push[:, dim:]}

        case Exchange():
            place = watched.index(name)
            units = {"flow": "m^2/s" if solver.space.dim == 2 else "m^3/s"}

            def measure(state: Any, params: Params) -> dict[str, Tensor]:
                return {"flow": mean(state.crossed[:, place])[:, 0]}

        case _:
            units = {"momentum": "kg/s" if solver.space.dim == 2 else "kg m/s"}

            def measure(state: Any, params: Params) -> dict[str, Tensor]:
                return {"momentum": observed(state, params)["momentum"]}

    return Probe(name, output.every, measure, Series(), units, start)


def fields(quantities: tuple[str, ...], solver: AnySolver) -> Measure:
    """At the nodes, which `position` places."""
    space = solver.space

    def one(quantity: str, state: Any) -> Tensor:
        match quantity:
            case "velocity" | "displacement":
                return getattr(state, quantity)
            case "vorticity":
                return vorticity(space, state)
            case "pressure" if isinstance(state, FlowState):
                return at_nodes(space, state.pressure)
        if isinstance(solver, FlowSolver):
            return state.tracers[:, [tracer.name for tracer in solver.tracers].index(quantity)]
        return state.value

    def measure(state: Any, params: Params) -> dict[str, Tensor]:
        found = {"position": space.places(state.vertices)}
        return found | {quantity: one(quantity, state) for quantity in quantities}

    return measure


def at_nodes(space: Space, values: Tensor) -> Tensor:
    """Linear functions given at vertices [batch, vertex], at all nodes [batch, node]."""
    return torch.cat([values, 0.5 * (values[:, space.edges[:, 0]] + values[:, space.edges[:, 1]])], dim=1)


def vorticity(space: Space, state: FlowState) -> Tensor:
    """dv/dx - du/dy, averaged over the elements around each node by their areas [batch, node]."""
    at = space.nodal
    shape = space.shape(state.vertices.to(at.slope))
    local = space.gather(state.velocity.to(at.slope))
    grad = torch.einsum("xeqaj,xeai->xeqij", shape.gradient(at.slope), local)
    curl = (grad[..., 1, 0] - grad[..., 0, 1]) * shape.measure[..., None]
    weight = space.scatter(shape.measure[..., None].expand_as(curl))
    return (space.scatter(curl) / weight).to(state.velocity.dtype)
