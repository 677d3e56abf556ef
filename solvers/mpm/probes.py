"""From the outputs that a scene asks for to what measures them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from scenegrad.engine.solver import Points, Probe, Series
from scenegrad.engine.state import Params
from scenegrad.scenes.outputs import CenterOfMass, Energy, Force, Gaussians, Momentum, Output, Particles, RigidPose
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.mpm.gaussians import moved_gaussians
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.matter import Matter
from scenegrad.solvers.mpm.measures import (
    cauchy_stress,
    center_of_mass,
    energies,
    equivalent_stress,
    masses,
    momenta,
    pressure,
    stress_across,
    volume_ratio,
)
from scenegrad.solvers.mpm.networks import Networks
from scenegrad.solvers.mpm.rigid.measures import with_bodies, with_contact
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.solvers.mpm.tables import Tables
from scenegrad.solvers.shared.units import ANGULAR_MOMENTUM, ENERGY, FORCE, MOMENTUM, TORQUE

__all__ = ["QUANTITIES", "SERVED_OUTPUTS", "probes"]

SERVED_OUTPUTS = (Particles, CenterOfMass, Gaussians, RigidPose, Force, Energy, Momentum)

Quantity = Callable[[ParticleState, Tables, Matter], Tensor]


def pose(rigid: Tensor, dim: int) -> dict[str, Tensor]:
    """The parts of poses [batch, 13]; places and velocities [batch, dim], turning about z [batch] where dim = 2."""
    return {
        "position": rigid[:, :dim], "quaternion": rigid[:, 3:7], "velocity": rigid[:, 7 : 7 + dim],
        "angular_velocity": rigid[:, 12] if dim == 2 else rigid[:, 10:],
    }  # fmt: skip


QUANTITIES: dict[str, tuple[str, Quantity]] = {  # unit and measure of what Particles can ask for
    "position": ("m", lambda state, tables, matter: state.position),
    "velocity": ("m/s", lambda state, tables, matter: state.velocity),
    "speed": ("m/s", lambda state, tables, matter: torch.linalg.vector_norm(state.velocity, dim=-1)),
    "deformation": ("1", lambda state, tables, matter: state.deformation),
    "volume_ratio": ("1", lambda state, tables, matter: volume_ratio(state, matter)),
    "stress": ("Pa", cauchy_stress),
    "pressure": ("Pa", pressure),
    "equivalent_stress": ("Pa", equivalent_stress),
    "stress_across": ("Pa", stress_across),
}


def probes(scenes: Sequence[Scene], matter: Matter, grid: Grid, networks: Networks) -> list[Probe[ParticleState]]:
    """The outputs of the first scene, measured in all members of the batch."""
    outputs = scenes[0].outputs
    return [told(probe(name, output, scenes, matter, grid), networks) for name, output in outputs.items()]


def told(probe: Probe[ParticleState], networks: Networks) -> Probe[ParticleState]:
    """The same probe, shown the stress and energy of bodies whose law is a module."""
    if not networks.bodies:
        return probe
    return replace(probe, measure=lambda s, params: probe.measure(networks.before(s, params, energy=True), params))


def probe(name: str, output: Output, scenes: Sequence[Scene], matter: Matter, grid: Grid) -> Probe[ParticleState]:
    scene = scenes[0]

    def tables(state: ParticleState, params: Params) -> Tables:
        found = Tables.of(params, matter.bodies, matter.faces, matter.gravity)
        return found.map(lambda table: table.to(state.position.dtype))

    layout: Points | Series = Series()
    match output:
        case Particles():
            names = dict.fromkeys(("position", *output.quantities))
            layout, units = Points({"body": matter.body}), {q: QUANTITIES[q][0] for q in names}

            def measure(state: ParticleState, params: Params) -> dict[str, Tensor]:
                known = tables(state, params)
                return {q: QUANTITIES[q][1](state, known, matter) for q in names}

        case CenterOfMass():
            part = next(body.slice for body in matter.bodies if body.name == output.entity)
            units = {"center_of_mass": "m"}

            def measure(state: ParticleState, params: Params) -> dict[str, Tensor]:
                mass = masses(tables(state, params), matter)
                return {"center_of_mass": center_of_mass(state.position[:, part], mass[:, part])}

        case Gaussians():
            shown = moved_gaussians(scenes, next(b for b in matter.bodies if b.name == output.entity), matter.volume)
            layout, units = Points(), {"position": "m", "covariance": "m^2", "deformation": "1"}

            def measure(state: ParticleState, params: Params) -> dict[str, Tensor]:
                return shown(state, params)

        case RigidPose():
            place = [o.name for o in matter.obstacles.moving].index(output.entity)
            units = {"position": "m", "quaternion": "1", "velocity": "m/s", "angular_velocity": "rad/s"}

            def measure(state: ParticleState, params: Params) -> dict[str, Tensor]:
                return pose(state.rigid[:, place], grid.dim)

        case Force():
            own = [n for n, asked in scene.outputs.items() if isinstance(asked, Force)].index(name)
            units = {"force": FORCE[grid.dim], "torque": TORQUE[grid.dim]}

            def measure(state: ParticleState, params: Params) -> dict[str, Tensor]:
                return matter.obstacles.watched[own].mean(state.felt[:, own], grid.dim)

        case Energy():
            kinds = ("kinetic", "potential", "total", "elastic", "gravitational", "contact")
            units = dict.fromkeys(kinds, ENERGY[grid.dim])

            def measure(state: ParticleState, params: Params) -> dict[str, Tensor]:
                known = tables(state, params)
                found = with_bodies(energies(state, known, matter, grid), state, params, matter)
                return with_contact(found, state, known, params, matter, grid)

        case _:
            units = {"momentum": MOMENTUM[grid.dim], "angular_momentum": ANGULAR_MOMENTUM[grid.dim]}

            def measure(state: ParticleState, params: Params) -> dict[str, Tensor]:
                return with_bodies(momenta(state, tables(state, params), matter, grid), state, params, matter)

    if scene.units != "SI":
        units = {}
    return Probe(name, output.every, measure, layout, units, scene.time.warmup)
