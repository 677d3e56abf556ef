"""From the outputs that a scene asks for to what measures them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from scenegrad.engine.solver import Net, Probe, Series
from scenegrad.engine.state import Params
from scenegrad.scenes.outputs import CenterOfMass, Energy, Momentum, Output, Particles
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.mass_spring.measures import energies, momenta
from scenegrad.solvers.mass_spring.state import SpringState
from scenegrad.solvers.mass_spring.truss import Truss

__all__ = ["QUANTITIES", "SERVED_OUTPUTS", "probes"]

SERVED_OUTPUTS = (Particles, CenterOfMass, Energy, Momentum)

QUANTITIES: dict[str, tuple[str, Callable[[SpringState], Tensor]]] = {  # unit and measure
    "position": ("m", lambda state: state.position),
    "velocity": ("m/s", lambda state: state.velocity),
    "speed": ("m/s", lambda state: torch.linalg.vector_norm(state.velocity, dim=-1)),
}


def probes(scene: Scene, truss: Truss) -> list[Probe[SpringState]]:
    return [probe(name, output, scene, truss) for name, output in scene.outputs.items()]


def probe(name: str, output: Output, scene: Scene, truss: Truss) -> Probe[SpringState]:
    layout: Net | Series = Series()
    match output:
        case Particles():
            names = dict.fromkeys(("position", *output.quantities))
            layout, units = Net({"body": truss.body}, truss.pairs), {q: QUANTITIES[q][0] for q in names}

            def measure(state: SpringState, params: Params) -> dict[str, Tensor]:
                return {q: QUANTITIES[q][1](state) for q in names}

        case CenterOfMass():
            part = next(body.slice for body in truss.bodies if body.name == output.entity)
            units = {"center_of_mass": "m"}

            def measure(state: SpringState, params: Params) -> dict[str, Tensor]:
                return {"center_of_mass": state.position[:, part].mean(1)}

        case Energy():
            units = dict.fromkeys(("kinetic", "potential", "total", "elastic", "gravitational", "contact"), "J")

            def measure(state: SpringState, params: Params) -> dict[str, Tensor]:
                return energies(state, truss, truss.constants(params))

        case _:
            units = {"momentum": "kg m/s", "angular_momentum": "kg m^2/s"}

            def measure(state: SpringState, params: Params) -> dict[str, Tensor]:
                return momenta(state, truss.constants(params))

    if scene.units != "SI":
        units = {}
    return Probe(name, output.every, measure, layout, units, scene.time.warmup)
