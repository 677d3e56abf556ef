"""From scenes to a solver, its initial state and its params."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.controllers import CFL
from scenegrad.engine.errors import MeshError
from scenegrad.engine.state import Params
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.springs import Springs
from scenegrad.scenes.values import Parameter
from scenegrad.solvers.mass_spring.checks import check_nets, check_scene, check_structure
from scenegrad.solvers.mass_spring.net import Pairs, Places, actuated, knit
from scenegrad.solvers.mass_spring.probes import probes
from scenegrad.solvers.mass_spring.solver import MassSpringSolver
from scenegrad.solvers.mass_spring.state import SpringState
from scenegrad.solvers.mass_spring.truss import Body, Muscle, Truss
from scenegrad.solvers.mass_spring.walls import faces
from scenegrad.solvers.shared.leaves import params as collect
from scenegrad.solvers.shared.leaves import program
from scenegrad.solvers.shared.reasons import Reasons
from scenegrad.solvers.shared.regions import distance_to

__all__ = ["compile_mass_spring"]

BECAUSE = (
    "masses and springs are differentiable by their mass, stiffness, damping, rest, drag, first velocity and the "
    "activation of their actuators, by gravity, and by the offset and friction of walls."
)
Nets = dict[str, tuple[Places, Pairs]]


def compile_mass_spring(
    scenes: Sequence[Scene], device: str, dtype: torch.dtype
) -> tuple[MassSpringSolver, SpringState, Params]:
    """Members of a batch may differ in every number but the domain, the times and the outputs, as long as their springs
    join the same masses."""
    reasons, first = Reasons(scenes[0].name), scenes[0]
    for scene in scenes:
        check_scene(scene, reasons)
    check_structure(scenes, reasons)
    reasons.refuse()
    nets = [knitted(scene, reasons) for scene in scenes]
    reasons.refuse()
    check_nets(scenes, nets, reasons)
    reasons.refuse()

    like = torch.empty(0, dtype=dtype, device=device)
    truss = tied(scenes, nets, like)
    values = collect(scenes, learnable(first, truss), device, dtype, BECAUSE)
    values = values.replace(by_part(first, truss, values))
    check_numbers(truss, values, reasons)
    reasons.refuse()
    position = torch.from_numpy(np.stack([np.concatenate([x for x, _ in net.values()]) for net in nets])).to(like)
    initial = partial(first_state, position, truss)
    plan = program(scenes, probes(first, truss), CFL(0.4), initial)
    return MassSpringSolver(truss, plan), initial(values), values


def springs_of(scene: Scene) -> dict[str, Springs]:
    return {name: entity for name, entity in scene.entities.items() if isinstance(entity, Springs)}


def knitted(scene: Scene, reasons: Reasons) -> Nets:
    found: Nets = {}
    for name, entity in springs_of(scene).items():
        try:
            found[name] = knit(entity.net, scene.dim)
        except MeshError as error:
            reasons.add(f"{name}.net", str(error))
    return found


def tied(scenes: Sequence[Scene], nets: Sequence[Nets], like: Tensor) -> Truss:
    first, bodies, muscles, pairs, lengths, free = scenes[0], [], [], [], [], []
    masses = springs = 0
    for name, entity in springs_of(first).items():
        places, joined = nets[0][name]
        body = Body(name, range(masses, masses + len(places)), range(springs, springs + len(joined)))
        bodies.append(body)
        pairs.append(joined + masses)
        lengths.append(np.stack([stretched(net[name]) for net in nets]))
        free.append(np.stack([released(springs_of(s)[name], n[name][0]) for s, n in zip(scenes, nets, strict=True)]))
        for key, actuator in entity.actuators.items():
            numbers = torch.from_numpy(actuated(actuator, places, joined) + springs).to(like.device)
            muscles.append(Muscle(f"{name}.actuators.{key}.activation", actuator.activation, numbers))
        masses, springs = body.masses.stop, body.springs.stop
    return Truss(
        tuple(bodies),
        tuple(muscles),
        faces(scenes, like),
        torch.from_numpy(np.concatenate(pairs)).to(like.device),
        torch.from_numpy(np.concatenate(lengths, axis=1)).to(like),
        torch.from_numpy(np.concatenate(free, axis=1)).to(like),
        torch.zeros((len(scenes), first.dim)).to(like),
    )


def stretched(net: tuple[Places, Pairs]) -> np.ndarray:
    places, pairs = net
    return np.linalg.norm(places[pairs[:, 1]] - places[pairs[:, 0]], axis=1)


def released(entity: Springs, places: Places) -> np.ndarray:
    return np.ones(len(places)) if entity.held is None else (distance_to(entity.held, places) > 0.0).astype(float)


def learnable(scene: Scene, truss: Truss) -> list[str]:
    """Addresses of all numbers that the solver can be differentiated by."""
    found = [address for body in truss.bodies for address in body.addresses()]
    found += [address for muscle in truss.muscles for address in muscle.addresses()]
    found += [address for face in truss.faces for address in face.addresses()]
    found += [f"{name}.velocity" for name, entity in springs_of(scene).items() if entity.velocity is not None]
    found += ["gravity"] if scene.gravity is not None else []
    return [*dict.fromkeys(found)]


def by_part(scene: Scene, truss: Truss, values: Params) -> dict[str, Tensor]:
    """Numbers that learn for each spring, or each mass, though the scene gives one for all to start from."""
    found = {}
    for body in truss.bodies:
        for address in body.addresses():
            given = scene.at(address)
            if isinstance(given, Parameter) and given.each == "particle" and values[address].ndim == 1:
                count = len(body.parts(address))
                found[address] = values[address].detach()[:, None].expand(-1, count).clone().requires_grad_()
    return found


def check_numbers(truss: Truss, values: Params, reasons: Reasons) -> None:
    """A number for each spring needs as many of them as there are springs."""
    for body in truss.bodies:
        for address in body.addresses():
            parts = body.parts(address)
            given = values[address].shape[1:]
            if given and given[0] != len(parts):
                what = "masses" if parts is body.masses else "springs"
                reasons.add(address, f"holds {given[0]} numbers, but {body.name} has {len(parts)} {what}.")


def first_state(position: Tensor, truss: Truss, values: Params) -> SpringState:
    """Each body with its own velocity; differentiable by that velocity."""
    resting = torch.zeros_like(truss.gravity)
    velocities = [
        values.get(f"{body.name}.velocity", resting)[:, None].expand(-1, len(body.masses), -1) for body in truss.bodies
    ]
    start = torch.zeros(len(position), dtype=torch.float64)
    return SpringState(position, torch.cat(velocities, dim=1) * truss.free[..., None], truss.activation(values, start))
