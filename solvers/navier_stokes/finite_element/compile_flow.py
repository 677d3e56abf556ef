"""From a scene to a flow on a mesh, and what it carries."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from scenegrad.engine.state import Params
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.fluids import Fluid, Tracer
from scenegrad.scenes.methods import FiniteElement
from scenegrad.scenes.outputs import Exchange, Force
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.navier_stokes.fields.start import Start
from scenegrad.solvers.navier_stokes.finite_element.carried import Carried
from scenegrad.solvers.navier_stokes.finite_element.checks import carried, entity_of, is_steady
from scenegrad.solvers.navier_stokes.finite_element.convection import Convection
from scenegrad.solvers.navier_stokes.finite_element.flow import FlowEquations
from scenegrad.solvers.navier_stokes.finite_element.iterative import ways
from scenegrad.solvers.navier_stokes.finite_element.places import nodes_of
from scenegrad.solvers.navier_stokes.finite_element.planning import (
    BECAUSE,
    asked,
    controller,
    planned,
    unplanned,
    watch,
)
from scenegrad.solvers.navier_stokes.finite_element.sides import (
    Sides,
    diffusion_sides,
    flow_sides,
)
from scenegrad.solvers.navier_stokes.finite_element.solver import FlowSolver
from scenegrad.solvers.navier_stokes.finite_element.space import Space
from scenegrad.solvers.navier_stokes.finite_element.state import FlowState
from scenegrad.solvers.navier_stokes.finite_element.system import System
from scenegrad.solvers.navier_stokes.finite_element.watches import Crossing
from scenegrad.solvers.shared.leaves import params

__all__ = ["flow"]

LEAK = 1e-6  # of what flows in, that need not flow out: the sides are polygons


def flow(
    scenes: Sequence[Scene], space: Space, device: str, dtype: torch.dtype
) -> tuple[FlowSolver, FlowState, Params]:
    scene = scenes[0]
    name, fluid = entity_of(scene)
    assert isinstance(fluid, Fluid)
    sides, steady = flow_sides(scene, space), is_steady(scene)
    asked_for = scene.method if isinstance(scene.method, FiniteElement) else FiniteElement()
    force = None if fluid.forcing is None else f"{name}.forcing.acceleration"
    start, nodes = Start.of(scenes, f"{name}.velocity"), nodes_of(space)
    tracers = tuple(tracer(scene, space, key, part) for key, part in carried(scene).items())
    learnable = [f"{name}.{field}" for field in ("viscosity", "density", "drag")] + sides.learnable
    learnable += [force] if force is not None else []
    learnable += start.learnable
    for one in tracers:
        learnable += [f"{one.name}.diffusivity", *Start.of(scenes, f"{one.name}.initial").learnable]
        learnable += one.sides.learnable
        learnable += [one.buoyancy] if one.buoyancy is not None else []
    values = params(scenes, learnable, device, dtype, BECAUSE)
    refuse_leaks(scene, sides, values, len(scenes))
    equations = Convection(FlowEquations(space, advected=asked_for.inertia and steady), len(tracers) if steady else 0)
    held = torch.cat([sides.held.T.flatten(), torch.zeros(len(space.vertices), dtype=torch.bool, device=device)])
    if not sides.open:
        held[space.count * space.dim] = True  # a pressure somewhere, see FlowSolver.closed
    together = [one.system.held for one in tracers] if steady else []
    held = torch.cat([held, *together])
    way, dofs, brought = ways.asked_for(scene, space), equations.dofs, sides.held.new_zeros(0, space.count)
    brought = torch.stack(together) if together else brought
    linear = ways.flowing(way, space, dofs, held, sides, brought)
    watches = tuple(watch(scene, output) for output in asked(scene, Force).values())
    crossings = tuple(crossing(scene, tracers, output) for output in asked(scene, Exchange).values())
    solver = FlowSolver(
        space,
        equations,
        System(held, linear),
        sides,
        name,
        force,
        tracers,
        steady,
        asked_for.inertia,
        watches,
        crossings,
        unplanned(scene),
    )

    def initial(now: Params) -> FlowState:
        batch = len(scenes)
        velocity = torch.stack(start.flow(now, [nodes] * space.dim), dim=-1).to(device)
        if not steady:
            given = sides.values(now, torch.zeros(batch, dtype=torch.float64), batch)
            velocity = torch.where(sides.held, given, velocity)
        velocity, zero = velocity.to(dtype), torch.zeros(batch, dtype=torch.float64)
        first = []
        for one in tracers:
            c = Start.of(scenes, f"{one.name}.initial").value(now, nodes).to(device, dtype).contiguous()
            brought = one.sides.values(now, zero, batch)[..., 0].to(dtype)
            first.append(c if steady else torch.where(one.sides.held[:, 0], brought, c))
        contents = torch.stack(first, dim=1) if first else velocity.new_zeros(batch, 0, space.count)
        return FlowState(
            velocity,
            velocity.new_zeros(batch, len(space.vertices)),
            velocity,
            velocity.new_zeros(batch, 1),
            velocity.new_zeros(batch, len(watches), 4 if space.dim == 2 else 7),
            contents,
            contents,
            velocity.new_zeros(batch, len(crossings), 2),
            space.vertices.to(dtype).expand(batch, -1, -1).contiguous(),
        )

    return planned(scenes, solver, initial, values, controller(scene))


def tracer(scene: Scene, space: Space, name: str, part: Tracer) -> Carried:
    sides = diffusion_sides(scene, space, name)
    buoyancy = None if part.buoyancy is None else f"{name}.buoyancy"
    held = sides.held[:, 0]
    return Carried(name, sides, System(held, ways.carried(ways.asked_for(scene, space), space, held)), buoyancy)


def crossing(scene: Scene, tracers: Sequence[Carried], output: Exchange) -> Crossing:
    number, seen = [one.name for one in tracers].index(output.of), watch(scene, output)
    sides = tracers[number].sides
    return Crossing(number, seen, bool(sides.held[sides.space.tags[seen.tag].all_nodes].all()))


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
