"""From scenes to a solver, its initial state and its params."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.controllers import CFL
from scenegrad.engine.state import Params
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.methods import Implicit, MaterialPoint
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.signals import Signal
from scenegrad.scenes.values import Parameter
from scenegrad.solvers.mpm.body_checks import check_bodies
from scenegrad.solvers.mpm.checks import check_scene, check_structure
from scenegrad.solvers.mpm.colliders.placing import obstacles_of
from scenegrad.solvers.mpm.filled import filled_bodies
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.implicit.controllers import of_implicit
from scenegrad.solvers.mpm.learned import learned_bodies
from scenegrad.solvers.mpm.materials import LAWS
from scenegrad.solvers.mpm.matter import Matter
from scenegrad.solvers.mpm.meeting import Meeting
from scenegrad.solvers.mpm.networks import Networks
from scenegrad.solvers.mpm.probes import probes
from scenegrad.solvers.mpm.refined.refinement import Refinement, finer_grid
from scenegrad.solvers.mpm.rigid.numbers import FELT
from scenegrad.solvers.mpm.solver import MaterialPointSolver
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.solvers.mpm.tables import BodyPart, Face, Tables
from scenegrad.solvers.mpm.walls import clinging, faces, periodic_axes
from scenegrad.solvers.shared.leaves import params as collect
from scenegrad.solvers.shared.leaves import program
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["compile_mpm"]

BECAUSE = (
    "the material point method is differentiable by the constants of materials, first velocities, gravity, the offset "
    "and friction of walls that matter can leave (Separate, Coulomb), the place, motion and friction of colliders, and "
    "the mass, place, first motion and hinge of rigid bodies."
)


def compile_mpm(
    scenes: Sequence[Scene], device: str, dtype: torch.dtype
) -> tuple[MaterialPointSolver, ParticleState, Params]:
    """A box of which no side is named has sides that matter can leave without friction (Separate).

    Members of a batch may differ in every number but the domain, the times and the outputs, as long as their bodies
    have the same numbers of particles.
    """
    first = scenes[0]
    reasons = Reasons(first.name)
    for scene in scenes:
        check_scene(scene, reasons)
    check_structure(scenes, reasons)
    reasons.refuse()

    method = first.method if isinstance(first.method, MaterialPoint) else MaterialPoint()
    grid = Grid.of(first, periodic_axes(first))
    filled = [filled_bodies(scene, grid, reasons) for scene in scenes]
    reasons.refuse()
    for scene, bodies in zip(scenes, filled, strict=True):
        check_bodies(scene, bodies, grid, reasons)
    for name in filled[0]:
        counts = sorted({len(bodies[name][0]) for bodies in filled})
        if len(counts) > 1:
            evenly = ' Or take Finer(..., particles="even").' if method.refine else ""
            reasons.add(
                f"{name}.shape",
                f"has {counts[0]} to {counts[-1]} particles among the members of a batch; all must have as many. "
                f"Run members of other sizes in a batch of their own.{evenly}",
            )
    reasons.refuse()

    like = torch.empty(0, dtype=dtype, device=device)
    parts, end = [], 0
    for name, (places, _) in filled[0].items():
        parts.append(body_part(first, name, end, end := end + len(places)))
    leavable = faces(scenes, like)
    finest = finer_grid(method.refine, grid) if method.refine else grid
    obstacles = obstacles_of(scenes, finest, like)
    meeting = Meeting.of(method, parts, like)
    addresses = dict.fromkeys([*learnable(first, parts, leavable), *obstacles.addresses()])
    addresses |= {meeting.friction: None} if meeting else {}
    values = collect(scenes, addresses, device, dtype, BECAUSE)
    values = values.replace(by_particle(first, parts, values))
    gravity = torch.zeros((len(scenes), grid.dim), dtype=dtype, device=device)
    volume = joined([[v for _, v in bodies.values()] for bodies in filled], like)
    held = tuple(clinging(scene, grid) for scene in scenes)
    refinement = Refinement.of(method.refine, grid, parts, obstacles, volume)
    matter = Matter(tuple(parts), leavable, held, volume, gravity, obstacles, meeting, refinement)
    networks = Networks(learned_bodies(first, parts, like))
    values = Params({**values, **networks.weights(len(scenes))})
    initial = partial(first_state, joined([[x for x, _ in bodies.values()] for bodies in filled], like), matter)
    plan = program(scenes, probes(scenes, matter, grid, networks), CFL(0.4), initial, estimate_order=2)
    plan = replace(plan, parameters={**plan.parameters, **networks.free()})
    if isinstance(method.integrator, Implicit):
        plan = replace(plan, controller=of_implicit(plan.controller))
    return MaterialPointSolver(grid, matter, plan, networks, method.integrator), initial(values), values


def body_part(scene: Scene, name: str, start: int, end: int) -> BodyPart:
    material = scene.at(f"{name}.material")
    law = LAWS[type(material)]
    signals = [(c, getattr(material, c)) for c in law.constants if isinstance(getattr(material, c), Signal)]
    return BodyPart(name, law, start, end, tuple(signals))


def by_particle(scene: Scene, bodies: Sequence[BodyPart], values: Params) -> dict[str, Tensor]:
    """Constants that differ from particle to particle [batch, particle of the body]."""
    found = {}
    for body in bodies:
        for constant in body.law.constants:
            address = body.address(constant)
            value = scene.at(address)
            if isinstance(value, Parameter) and value.each == "particle":
                known = values[address].detach()
                if known.ndim == 2 and known.shape[1] != body.count:
                    raise SceneError(
                        f"{address} has {known.shape[1]} values, but {body.name} has {body.count} particles; give as "
                        f"many, or one number for all to start from."
                    )
                spread = known if known.ndim == 2 else known[:, None].expand(-1, body.count)
                found[address] = spread.clone().requires_grad_()
    return found


def learnable(scene: Scene, bodies: Sequence[BodyPart], leavable: Sequence[Face]) -> list[str]:
    """Addresses of all numbers that the solver can be differentiated by."""
    found = [address for body in bodies for address in body.addresses()]
    found += [f"{body.name}.velocity" for body in bodies if scene.at(f"{body.name}.velocity") is not None]
    found += ["gravity"] if scene.gravity is not None else []
    return [*dict.fromkeys([*found, *(address for face in leavable for address in face.addresses())])]


def joined(members: Sequence[Sequence[np.ndarray]], like: Tensor) -> Tensor:
    return torch.from_numpy(np.stack([np.concatenate(bodies) for bodies in members])).to(like.device, like.dtype)


def first_state(position: Tensor, matter: Matter, values: Params) -> ParticleState:
    """Undeformed matter, each body with its own velocity; differentiable by that velocity."""
    batch, particles, dim = position.shape
    resting = torch.zeros_like(matter.gravity)
    velocities = [
        values.get(f"{body.name}.velocity", resting)[:, None].expand(-1, body.end - body.first, -1)
        for body in matter.bodies
    ]
    eye = torch.eye(dim, dtype=position.dtype, device=position.device)
    rows = Tables.of(values, matter.bodies, matter.faces, matter.gravity).row.to(position.dtype)
    rows = rows if rows.shape[1] == particles else rows[:, matter.body.long()]
    starts = [
        torch.nn.functional.pad(start, (0, matter.memory - start.shape[-1]))
        for body in matter.bodies
        for start in [body.law.start(rows[:, body.slice], body.law.memory(dim))]
    ]
    return ParticleState(
        position,
        torch.cat(velocities, dim=1),
        torch.zeros((batch, particles, dim, dim), dtype=position.dtype, device=position.device),
        eye.expand(batch, particles, dim, dim).clone(),
        torch.cat(starts, dim=1),
        matter.obstacles.first(values, position),
        position.new_zeros(batch, len(matter.obstacles.watched), FELT),
    )
