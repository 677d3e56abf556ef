"""From a scene on a mesh to a finite-element solver, its state and its parameters."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry.tagged import read_tagged
from scenegrad.engine.state import Params
from scenegrad.scenes.elastic import LinearElastic
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.fluids import Fluid, Tracer
from scenegrad.scenes.initial_fields import InitialField
from scenegrad.scenes.methods import SparseLU
from scenegrad.scenes.porous import Darcy
from scenegrad.scenes.quantities import Parabolic, Samples
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.sides import Inflow
from scenegrad.scenes.values import RandomField, number
from scenegrad.solvers.navier_stokes.fields.checks import Role, start_trouble
from scenegrad.solvers.navier_stokes.fields.start import Start
from scenegrad.solvers.navier_stokes.finite_element.checks import entity_of, is_steady, structure, troubles
from scenegrad.solvers.navier_stokes.finite_element.compile_flow import flow
from scenegrad.solvers.navier_stokes.finite_element.diffusion import DiffusionSolver
from scenegrad.solvers.navier_stokes.finite_element.elastic import ElasticSolver, loose_motions, stiffness
from scenegrad.solvers.navier_stokes.finite_element.iterative import ways
from scenegrad.solvers.navier_stokes.finite_element.places import axis_of, nodes_of, shares
from scenegrad.solvers.navier_stokes.finite_element.planning import BECAUSE, controller, everywhere, planned, unplanned
from scenegrad.solvers.navier_stokes.finite_element.probes import AnySolver
from scenegrad.solvers.navier_stokes.finite_element.sides import (
    conditions,
    diffusion_sides,
    elastic_sides,
)
from scenegrad.solvers.navier_stokes.finite_element.space import Space
from scenegrad.solvers.navier_stokes.finite_element.state import DiffusionState, ElasticState, FlowState
from scenegrad.solvers.navier_stokes.finite_element.system import System
from scenegrad.solvers.shared.leaves import params
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["compile_finite_element"]

HOST = (
    "SparseLU() solves the equations of a mesh on the host; the GPU makes the matrices. Small meshes run faster with "
    "device='cpu', large ones with FiniteElement(linear=Multigrid())."
)


def compile_finite_element(
    scenes: Sequence[Scene], device: str, dtype: torch.dtype
) -> tuple[AnySolver, FlowState | DiffusionState | ElasticState, Params]:
    """Solver, state and params; members of the batch are scenes that differ in numbers only.

    Raises SceneError with every reason for which the scenes cannot be run.
    """
    scene = scenes[0]
    if scene.domain.mesh is None:
        raise SceneError(
            f"Scene {scene.name!r} asks for finite elements, which need a mesh. Write "
            f"domain=Domain.meshed('file.msh'), or leave the method out."
        )
    try:
        mesh = read_tagged(scene.domain.mesh.path, scene.domain.mesh.stretch, scene.domain.mesh.axes)
    except MeshError as error:
        raise SceneError(str(error)) from error
    reasons = Reasons(scene.name)
    for one in scenes:
        for address, reason in troubles(one, mesh):
            reasons.add(address, f"{reason}.")
    reasons.compare([structure(one) for one in scenes])
    reasons.refuse()
    space = Space.of(mesh.vertices, mesh.cells, mesh.facets, device)
    for address, reason in place_troubles(scene, space):
        reasons.add(address, f"{reason}.")
    reasons.refuse()
    if device.startswith("cuda") and isinstance(ways.asked_for(scene, space), SparseLU):
        warnings.warn(HOST, stacklevel=3)
    part = entity_of(scene)[1]
    make = flow if isinstance(part, Fluid) else elastic if isinstance(part, LinearElastic) else diffusion
    return make(scenes, space, device, dtype)


def place_troubles(scene: Scene, space: Space) -> list[tuple[str, str]]:
    """What conditions ask of the place of their tag, and first fields of the mesh."""
    nodes = nodes_of(space)
    starts: dict[type, tuple[str, Role]] = {Fluid: ("velocity", "flow"), Tracer: ("initial", "value")}
    found: list[tuple[str, str]] = []
    for name, part in scene.entities.items():
        field, role = starts.get(type(part), ("", "value"))
        told = getattr(part, field, None)
        if isinstance(told, InitialField | RandomField):
            trouble = start_trouble(told, nodes.cells, nodes.size, role, space.dim)
            found += [] if trouble is None else [(f"{name}.{field}", trouble)]
    for tag, address, given in conditions(scene, [*space.tags]):
        if getattr(given, "kind", None) == "slip" and isinstance(entity_of(scene)[1], Fluid | LinearElastic):
            if axis_of(space, tag) is None:
                found.append((address, f"slip needs a flat side along the axes, and {tag!r} is none"))
        profiles = {f"{address}.carried.{name}": value for name, value in getattr(given, "carried", {}).items()}
        if isinstance(given, Inflow):
            profiles[f"{address}.velocity"] = given.velocity
        for where, value in profiles.items():
            if isinstance(value, Parabolic | Samples):
                try:
                    shares(space, tag, space.tags[tag].all_nodes)
                except ValueError as error:
                    found.append((where, f"{error}, and {tag!r} is none; give a number"))
                if isinstance(value, Samples) and space.dim == 3:
                    found.append((where, "samples lie along a line; in space give a number or Parabolic"))
    return found


def diffusion(
    scenes: Sequence[Scene], space: Space, device: str, dtype: torch.dtype
) -> tuple[DiffusionSolver, DiffusionState, Params]:
    scene = scenes[0]
    name, part = entity_of(scene)
    porous = isinstance(part, Darcy)
    sides, steady = diffusion_sides(scene, space, None if porous else name), is_steady(scene)
    fields = ("permeability", "source", "reaction") if porous else ("diffusivity",)
    first = [] if porous else Start.of(scenes, f"{name}.initial").learnable
    learnable = [*(f"{name}.{field}" for field in fields), *first, *sides.learnable]
    values = params(scenes, learnable, device, dtype, BECAUSE)
    reaction = f"{name}.reaction" if porous else None
    lost = porous and all(number(one.at(f"{name}.reaction")) != 0.0 for one in scenes)
    known = sides.held[:, 0].cpu().numpy()
    if steady and not lost and (loose := sum(not known[piece].any() for piece in space.pieces())):
        where = "no side" if not known.any() else f"none of the sides of {loose} of the pieces of the mesh"
        raise SceneError(
            f"Scene {scene.name!r} cannot be run: {where} holds a value, so that there is none or infinitely many "
            f"steady states. Let a tag be {'Outflow(pressure)' if porous else f'NoSlip({name}=0.0)'}."
        )
    held = sides.held[:, 0]
    system = System(held, ways.diffusing(ways.asked_for(scene, space), space, held))
    solver = DiffusionSolver(space, system, sides, reaction, steady, unplanned(scene))

    def initial(now: Params) -> DiffusionState:
        batch, count = len(scenes), len(space.cells)
        if porous:
            start = torch.zeros(batch, space.count, device=device, dtype=dtype)
            coefficient, source = (everywhere(now[f"{name}.{f}"], count, dtype) for f in ("permeability", "source"))
        else:
            assert isinstance(part, Tracer)
            start = Start.of(scenes, f"{name}.initial").value(now, nodes_of(space)).to(device, dtype).contiguous()
            coefficient = everywhere(now[f"{name}.diffusivity"], count, dtype)
            source = torch.zeros_like(coefficient)
        vertices = space.vertices.to(dtype).expand(batch, -1, -1).contiguous()
        return DiffusionState(start, start, start.new_zeros(batch, 1), coefficient, source, vertices)

    return planned(scenes, solver, initial, values, controller(scene))


def elastic(
    scenes: Sequence[Scene], space: Space, device: str, dtype: torch.dtype
) -> tuple[ElasticSolver, ElasticState, Params]:
    scene = scenes[0]
    name, _ = entity_of(scene)
    sides = elastic_sides(scene, space)
    if loose := loose_motions(space, sides.held):
        raise SceneError(
            f"Scene {scene.name!r} cannot be run: {name} or a piece of it can shift or turn as a whole in {loose} "
            f"{'way' if loose == 1 else 'ways'}, so that there is none or infinitely many shapes at rest. Let a tag be "
            f"Stick(), or more of them Slip()."
        )
    learnable = [f"{name}.{field}" for field in ("youngs_modulus", "poisson_ratio", "density")] + sides.learnable
    learnable += ["gravity"] if scene.gravity is not None else []
    values = params(scenes, learnable, device, dtype, BECAUSE)
    n = space.count
    dofs = torch.cat([space.nodes + n * i for i in range(space.dim)], dim=1)
    gravity = "gravity" if scene.gravity is not None else None
    linear = ways.elastic(ways.asked_for(scene, space), space, sides.held.T, dofs, lambda: unloaded(space))
    system = System(sides.held.T.flatten(), linear)
    solver = ElasticSolver(space, system, sides, name, gravity, unplanned(scene))

    def initial(now: Params) -> ElasticState:
        rest = torch.zeros(len(scenes), n, space.dim, device=device, dtype=dtype)
        young = everywhere(now[f"{name}.youngs_modulus"], len(space.cells), dtype)
        return ElasticState(rest, young, space.vertices.to(dtype).expand(len(scenes), -1, -1).contiguous())

    return planned(scenes, solver, initial, values, controller(scene))


def unloaded(space: Space) -> torch.Tensor:
    """Stiffness by element of a solid like most others."""
    shape = space.shape(space.vertices[None])
    young, nu = torch.ones_like(shape.measure), 0.3
    return stiffness(space, shape, (young * nu / ((1.0 + nu) * (1.0 - 2.0 * nu)), young / (2.0 * (1.0 + nu))))
