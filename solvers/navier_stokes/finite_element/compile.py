"""From a scene on a mesh to a finite-element solver, its state and its parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.controllers import Controller, Fixed
from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry.tagged import read_tagged
from scenegrad.engine.solver import Program
from scenegrad.engine.state import Params
from scenegrad.scenes.elastic import LinearElastic
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.fluids import Fluid, Tracer
from scenegrad.scenes.methods import FiniteElement
from scenegrad.scenes.outputs import Force
from scenegrad.scenes.porous import Darcy
from scenegrad.scenes.quantities import Parabolic, Samples
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.sides import Inflow
from scenegrad.solvers.navier_stokes.finite_element.checks import entity_of, is_steady, structure, troubles
from scenegrad.solvers.navier_stokes.finite_element.diffusion import DiffusionSolver
from scenegrad.solvers.navier_stokes.finite_element.elastic import ElasticSolver
from scenegrad.solvers.navier_stokes.finite_element.flow import FlowEquations
from scenegrad.solvers.navier_stokes.finite_element.places import axis_of, shares
from scenegrad.solvers.navier_stokes.finite_element.probes import AnySolver, probe
from scenegrad.solvers.navier_stokes.finite_element.sides import (
    Sides,
    conditions,
    diffusion_sides,
    elastic_sides,
    flow_sides,
)
from scenegrad.solvers.navier_stokes.finite_element.solver import FlowSolver, Watch
from scenegrad.solvers.navier_stokes.finite_element.space import Space
from scenegrad.solvers.navier_stokes.finite_element.state import DiffusionState, ElasticState, FlowState
from scenegrad.solvers.navier_stokes.finite_element.system import System
from scenegrad.solvers.shared.leaves import params, program
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["compile_finite_element"]

STEPS = 200  # of a run that marches
LEAK = 1e-6  # of what flows in, that need not flow out: the sides are polygons
BECAUSE = (
    "finite elements can be differentiated by what their sides say; by viscosity, density, drag, forcing and first "
    "velocity of a flow; by permeability, source and reaction of a porous medium; by diffusivity and first value of a "
    "tracer; by the constants of an elastic solid and gravity; and by the initial state, which holds the coefficients "
    "of each element and the places of the vertices."
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
        mesh = read_tagged(scene.domain.mesh.path, scene.domain.mesh.scale)
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
    part = entity_of(scene)[1]
    make = flow if isinstance(part, Fluid) else elastic if isinstance(part, LinearElastic) else diffusion
    return make(scenes, space, device, dtype)


def place_troubles(scene: Scene, space: Space) -> list[tuple[str, str]]:
    """What conditions ask of the place of their tag."""
    found = []
    for tag, address, given in conditions(scene, [*space.tags]):
        if getattr(given, "kind", None) == "slip" and isinstance(entity_of(scene)[1], Fluid | LinearElastic):
            if axis_of(space, tag) is None:
                found.append((address, f"slip needs a flat side along the axes, and {tag!r} is none"))
        if isinstance(given, Inflow) and isinstance(given.velocity, Parabolic | Samples):
            try:
                shares(space, tag, space.tags[tag].all_nodes)
            except ValueError as error:
                found.append((f"{address}.velocity", f"{error}, and {tag!r} is none; give a number or a vector"))
            if isinstance(given.velocity, Samples) and space.dim == 3:
                found.append((f"{address}.velocity", "samples lie along a line; in space give a number or Parabolic"))
    return found


def planned(
    scenes: Sequence[Scene], solver: Any, initial: Callable[[Params], Any], values: Params, default: Controller
) -> tuple[Any, Any, Params]:
    scene, name = scenes[0], entity_of(scenes[0])[0]
    forces = [key for key, output in scene.outputs.items() if isinstance(output, Force)]
    probes = [probe(key, output, scene.time.warmup, solver, forces, name) for key, output in scene.outputs.items()]
    return replace(solver, program=program(scene, probes, default, initial)), initial(values), values


def controller(scene: Scene) -> Controller:
    """Steady states in one step; what marches in 200 of them, unless the scene says otherwise."""
    return Fixed(scene.time.end if is_steady(scene) else scene.time.end / STEPS)


def unplanned(scene: Scene) -> Program[Any]:
    return Program(scene.time.end, Fixed(scene.time.end))


def everywhere(values: Tensor, count: int, dtype: torch.dtype) -> Tensor:
    """A number of each member, at every place [batch, count]."""
    return values.to(dtype)[:, None].expand(-1, count).contiguous()


# ---- flows


def flow(
    scenes: Sequence[Scene], space: Space, device: str, dtype: torch.dtype
) -> tuple[FlowSolver, FlowState, Params]:
    scene = scenes[0]
    name, fluid = entity_of(scene)
    assert isinstance(fluid, Fluid)
    sides, steady = flow_sides(scene, space), is_steady(scene)
    asked = scene.method if isinstance(scene.method, FiniteElement) else FiniteElement()
    force = None if fluid.forcing is None else f"{name}.forcing.acceleration"
    start = isinstance(fluid.velocity, tuple) or hasattr(fluid.velocity, "value")
    learnable = [f"{name}.{field}" for field in ("viscosity", "density", "drag")] + sides.learnable
    learnable += [force] if force is not None else []
    learnable += [f"{name}.velocity"] if start else []
    values = params(scenes, learnable, device, dtype, BECAUSE)
    refuse_leaks(scene, sides, values, len(scenes))
    equations = FlowEquations(space, advected=asked.inertia and steady)
    held = torch.cat([sides.held.T.flatten(), torch.zeros(len(space.vertices), dtype=torch.bool, device=device)])
    if not sides.open:
        held[space.count * space.dim] = True  # a pressure somewhere, see FlowSolver.closed
    watches = tuple(
        Watch(output.on.removeprefix("boundary.tags."), output.every, scene.time.warmup)
        for output in scene.outputs.values()
        if isinstance(output, Force)
    )
    solver = FlowSolver(
        space,
        equations,
        System(equations.dofs, held),
        sides,
        name,
        force,
        steady,
        asked.inertia,
        watches,
        unplanned(scene),
    )

    def initial(now: Params) -> FlowState:
        batch = len(scenes)
        velocity = torch.zeros(batch, space.count, space.dim, device=device, dtype=torch.float64)
        if start:
            velocity = velocity + now[f"{name}.velocity"].double()[:, None]
        if not steady:
            given = sides.values(now, torch.zeros(batch, dtype=torch.float64), batch)
            velocity = torch.where(sides.held, given, velocity)
        velocity = velocity.to(dtype)
        return FlowState(
            velocity,
            velocity.new_zeros(batch, len(space.vertices)),
            velocity,
            velocity.new_zeros(batch, 1),
            velocity.new_zeros(batch, len(watches), space.dim + 1),
            space.vertices.to(dtype).expand(batch, -1, -1).contiguous(),
        )

    return planned(scenes, solver, initial, values, controller(scene))


def refuse_leaks(scene: Scene, sides: Sides, values: Params, batch: int) -> None:
    """What comes in must leave."""
    if sides.open:
        return
    space = sides.space
    held = sides.values(values.detach(), torch.zeros(batch, dtype=torch.float64), batch)
    shares = [1 / 6, 1 / 6, 4 / 6] if space.dim == 2 else [0.0, 0.0, 0.0, 1 / 3, 1 / 3, 1 / 3]
    weights = torch.tensor(shares, dtype=torch.float64, device=held.device)
    through = []
    for facets in space.tags.values():
        mean = torch.einsum("a,bfac->bfc", weights, held[:, facets.nodes])
        through.append((mean * space.normals(facets, space.vertices[None])).sum((1, 2)))
    total, size = torch.stack(through).sum(0), torch.stack(through).abs().sum(0)
    if bool((total.abs() > LEAK * size).any()):
        raise SceneError(
            f"Scene {scene.name!r} cannot be run: {-float(total[0]):.6g} m^{space.dim}/s of fluid come in and none can "
            f"leave. Let one tag be Outflow(), or let as much go out as comes in."
        )


# ---- what diffuses, and what bends


def diffusion(
    scenes: Sequence[Scene], space: Space, device: str, dtype: torch.dtype
) -> tuple[DiffusionSolver, DiffusionState, Params]:
    scene = scenes[0]
    name, part = entity_of(scene)
    porous = isinstance(part, Darcy)
    sides, steady = diffusion_sides(scene, space, None if porous else name), is_steady(scene)
    fields = ("permeability", "source", "reaction") if porous else ("diffusivity", "initial")
    values = params(scenes, [f"{name}.{field}" for field in fields] + sides.learnable, device, dtype, BECAUSE)
    reaction = f"{name}.reaction" if porous else None
    lost = porous and any(scene.at(f"{name}.reaction") != 0.0 for scene in scenes)
    if steady and not sides.open and not lost:
        raise SceneError(
            f"Scene {scene.name!r} cannot be run: no side holds a value, so that there is none or infinitely many "
            f"steady states. Let a tag be {'Outflow(pressure)' if porous else f'NoSlip({name}=0.0)'}."
        )
    system = System(space.nodes, sides.held[:, 0])
    solver = DiffusionSolver(space, system, sides, reaction, steady, unplanned(scene))

    def initial(now: Params) -> DiffusionState:
        batch, count = len(scenes), len(space.cells)
        if porous:
            start = torch.zeros(batch, space.count, device=device, dtype=dtype)
            coefficient, source = (everywhere(now[f"{name}.{f}"], count, dtype) for f in ("permeability", "source"))
        else:
            assert isinstance(part, Tracer)
            start = everywhere(now[f"{name}.initial"], space.count, dtype)
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
    learnable = [f"{name}.{field}" for field in ("youngs_modulus", "poisson_ratio", "density")] + sides.learnable
    learnable += ["gravity"] if scene.gravity is not None else []
    values = params(scenes, learnable, device, dtype, BECAUSE)
    n = space.count
    dofs = torch.cat([space.nodes + n * i for i in range(space.dim)], dim=1)
    system = System(dofs, sides.held.T.flatten())
    gravity = "gravity" if scene.gravity is not None else None
    solver = ElasticSolver(space, system, sides, name, gravity, unplanned(scene))

    def initial(now: Params) -> ElasticState:
        rest = torch.zeros(len(scenes), n, space.dim, device=device, dtype=dtype)
        young = everywhere(now[f"{name}.youngs_modulus"], len(space.cells), dtype)
        return ElasticState(rest, young, space.vertices.to(dtype).expand(len(scenes), -1, -1).contiguous())

    return planned(scenes, solver, initial, values, controller(scene))
