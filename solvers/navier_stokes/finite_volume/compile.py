"""From a scene with a gas or shallow water to a solver of finite volumes, its state and its parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.controllers import CFL
from scenegrad.engine.solver import Program
from scenegrad.engine.state import Params
from scenegrad.scenes.fluids import Obstacle
from scenegrad.scenes.gases import Gas, IsentropicVortex, ShallowWater
from scenegrad.scenes.outputs import Diagnostics
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.navier_stokes.fields.start import Start
from scenegrad.solvers.navier_stokes.fields.thin_bodies import warn_of_thin_bodies
from scenegrad.solvers.navier_stokes.finite_volume.checks import method_of, structure, troubles
from scenegrad.solvers.navier_stokes.finite_volume.distances import Distance
from scenegrad.solvers.navier_stokes.finite_volume.dormand import DormandPrince
from scenegrad.solvers.navier_stokes.finite_volume.faces import GHOSTS
from scenegrad.solvers.navier_stokes.finite_volume.ghosts import HELD
from scenegrad.solvers.navier_stokes.finite_volume.grid import Grid
from scenegrad.solvers.navier_stokes.finite_volume.initial import start
from scenegrad.solvers.navier_stokes.finite_volume.laws import IDEAL_GAS, SHALLOW_WATER, Law
from scenegrad.solvers.navier_stokes.finite_volume.measures import Measures
from scenegrad.solvers.navier_stokes.finite_volume.obstacles import Obstacles
from scenegrad.solvers.navier_stokes.finite_volume.probes import probe
from scenegrad.solvers.navier_stokes.finite_volume.sides import Side, kinds, rubs, side_address, sides_of
from scenegrad.solvers.navier_stokes.finite_volume.solver import FiniteVolumeSolver
from scenegrad.solvers.navier_stokes.finite_volume.state import FlowState
from scenegrad.solvers.navier_stokes.finite_volume.tables import Tables
from scenegrad.solvers.navier_stokes.finite_volume.workspace import Workspace
from scenegrad.solvers.shared.leaves import params, program
from scenegrad.solvers.shared.reasons import Reasons, refuse_unfit

__all__ = ["compile_finite_volume"]

DEFAULT = CFL(0.4, steps=4)  # waves that a shock makes are faster than those before it

BECAUSE = (
    "a flow in finite volumes can be differentiated by the numbers of its gas or water, those of its patches and their "
    "balls and boxes, what sides hold, obstacles that are balls and boxes, and its initial state."
)


def compile_finite_volume(
    scenes: Sequence[Scene], device: str, dtype: torch.dtype
) -> tuple[FiniteVolumeSolver, FlowState, Params]:
    """Solver, state and params; members of the batch are scenes that differ in numbers only.

    Raises SceneError with every reason for which the scenes cannot be run.
    """
    law = SHALLOW_WATER if any(isinstance(p, ShallowWater) for p in scenes[0].entities.values()) else IDEAL_GAS
    refuse_unfit(scenes, lambda scene: troubles(scene, law), structure)
    scene = scenes[0]
    name, flow = next((n, part) for n, part in scene.entities.items() if isinstance(part, Gas | ShallowWater))
    assert scene.domain.cells is not None
    assert scene.domain.size is not None
    method = method_of(scene)
    grid = Grid(scene.domain.cells, scene.domain.size, GHOSTS[method.reconstruction])
    sides = sides_of(scene, law)
    warn_of_thin_bodies(scenes, lambda normal: float(np.linalg.norm(normal * grid.spacing[: grid.dim])))
    immersed = any(isinstance(part, Obstacle) for part in scene.entities.values())
    obstacles = Obstacles(scenes, grid, kinds(sides), device) if immersed else None
    addresses = learnable(scenes, name, flow, law, sides) + (obstacles.addresses() if obstacles else [])
    values = params(scenes, addresses, device, dtype, BECAUSE)
    if obstacles is not None:
        refuse_covered(scene, sides, obstacles, values.detach())

    viscous = isinstance(flow, Gas) and any(rubs(one.at(f"{name}.viscosity")) for one in scenes)
    work = Workspace(grid, law, method, kinds(sides), len(scenes), device, dtype, viscous=viscous, immersed=immersed)
    steps = DormandPrince(work) if method.integrator == "dp5" else work
    measures = Measures(name, law, grid, work.wraps, obstacles)
    tables = tables_of(name, law, grid, sides, obstacles)
    unplanned: Program[FlowState] = Program(scene.time.end, DEFAULT)
    solver = FiniteVolumeSolver(work, measures, tables, fastest_of(sides, law, grid.dim, len(scenes)), unplanned, steps)
    counted = any(isinstance(output, Diagnostics) for output in scene.outputs.values())
    causes = len(work.entering.causes) if counted else 0
    initial = start(scenes, name, law, grid, device, dtype, obstacles, causes)
    refuse_impossible(scene, name, law, initial(values.detach()), values)
    probes = [probe(key, output, scene.time.warmup, solver) for key, output in scene.outputs.items()]
    solver.program = program(scenes, probes, DEFAULT, initial, steps.estimate_order)
    return solver, initial(values), values


def learnable(scenes: Sequence[Scene], name: str, flow: Any, law: Law, sides: tuple[Side, ...]) -> list[str]:
    dim = scenes[0].dim
    places = torch.zeros(1, dim, dtype=torch.float64)
    found = [f"{name}.{law.constant}", *(f"{name}.{scalar}" for scalar in law.positive)]
    if law is IDEAL_GAS:
        found += [f"{name}.{n}" for n in ("viscosity", "prandtl", "gas_constant")]
        if isinstance(flow.start, IsentropicVortex):
            found += [f"{name}.start.{n}" for n in ("strength", "radius")]
            found += [f"{name}.start.center"] if flow.start.center is not None else []
    found += Start(f"{name}.velocity", (flow.velocity,)).learnable
    for which, patch in enumerate(flow.patches):
        address = f"{name}.patches.{which}"
        found += [f"{address}.{n}" for n in (*law.positive, "velocity") if getattr(patch, n) is not None]
        found += Distance(scenes, f"{address}.shape", places).addresses()
    return found + [address for side in sides for address in side.addresses()]


def tables_of(
    name: str, law: Law, grid: Grid, sides: tuple[Side, ...], obstacles: Obstacles | None
) -> Callable[[Params, Tensor], Tables]:
    def tables(values: Params, time: Tensor) -> Tables:
        constant = values[f"{name}.{law.constant}"].double()
        held = torch.stack([side.held(values, time, law.fields(grid.dim)) for side in sides], dim=1)
        none = constant.new_zeros(len(constant), 0)
        viscosity = conduction = torch.zeros_like(constant)
        if law is IDEAL_GAS:
            viscosity = values[f"{name}.viscosity"].double()
            conduction = viscosity * constant / (values[f"{name}.prandtl"].double() * (constant - 1.0))
        open = none if obstacles is None else obstacles.open(values)
        free = none if obstacles is None else obstacles.free(open)
        return Tables(constant, viscosity, conduction, held, open, free)

    return tables


def fastest_of(sides: tuple[Side, ...], law: Law, dim: int, batch: int) -> Callable[[Params], Tensor] | None:
    """What the sides hold when the waves that come in are fastest [batch, side, field]; None where nothing changes."""
    if not any(side.changes for side in sides):
        return None
    return lambda values: torch.stack([side.fastest(values, batch, law, dim) for side in sides], dim=1)


def refuse_covered(scene: Scene, sides: tuple[Side, ...], obstacles: Obstacles, values: Params) -> None:
    """An obstacle that leaves nothing open of a side through which something should come in or go out."""
    reasons, open_share = Reasons(scene.name), obstacles.open(values)
    for which, side in enumerate(sides):
        if side.kind >= HELD and obstacles.cover(open_share, which):
            axis, end = divmod(which, 2)
            address, names = side_address(scene, axis, ("lo", "hi")[end]), ", ".join(obstacles.names)
            reasons.add(
                address or "boundary",
                f"is an inflow or outflow that {names} covers; move the obstacle or make the side a wall.",
            )
    reasons.refuse()


def refuse_impossible(scene: Scene, name: str, law: Law, state: FlowState, values: Params) -> None:
    """A start of which something that must be positive is not."""
    w = law.primitive(state.conserved.double(), values[f"{name}.{law.constant}"].detach().double())
    for scalar, place in zip(law.positive, (0, -1), strict=False):
        least = w[:, place].amin()
        if not bool(least >= 0.0) or (law is IDEAL_GAS and not bool(least > 0.0)):
            reasons = Reasons(scene.name)
            reasons.add(
                f"{name}.start",
                f"has a {scalar} of {float(least):.3g} somewhere; it must be positive everywhere. A weaker vortex, or "
                f"other values in the file, would be.",
            )
            reasons.refuse()
