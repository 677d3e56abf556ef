"""What keeps a scene from being run by finite volumes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scenegrad.scenes.fluids import Obstacle
from scenegrad.scenes.gases import Gas, GasPatch, ShallowWater, WaterPatch
from scenegrad.scenes.initial_fields import InitialField
from scenegrad.scenes.methods import FiniteVolume
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import RandomField, vector
from scenegrad.solvers.navier_stokes.fields.checks import start_trouble as field_trouble
from scenegrad.solvers.navier_stokes.finite_volume.initial import start_trouble
from scenegrad.solvers.navier_stokes.finite_volume.laws import Law
from scenegrad.solvers.navier_stokes.finite_volume.probes import output_trouble
from scenegrad.solvers.navier_stokes.finite_volume.sides import side_troubles
from scenegrad.solvers.shared.regions import bounds_of, distance_to, outside
from scenegrad.solvers.shared.seams import cut_off, is_cut, on_side
from scenegrad.solvers.shared.structure import structure_of

__all__ = ["structure", "troubles"]

FEWEST_CELLS = 4


def troubles(scene: Scene, law: Law) -> Iterator[tuple[str, str]]:
    """(address, what is wrong and how to mend it)."""
    flows = [name for name, part in scene.entities.items() if isinstance(part, Gas | ShallowWater)]
    if len(flows) != 1:
        yield "entities", f"hold {len(flows)} gases or waters ({', '.join(flows) or 'none'}); one fills the box"
    for name, part in scene.entities.items():
        if isinstance(part, Obstacle):
            yield from obstacle_troubles(name, part, scene)
        elif name not in flows:
            yield name, f"is a {part.kind}; finite volumes know a gas or shallow water, and obstacles. Leave it out"
        elif isinstance(part, Gas | ShallowWater):
            yield from flow_troubles(name, part, scene, law)
    yield from box_troubles(scene)
    if scene.domain.size is not None and scene.domain.cells is not None:
        yield from side_troubles(scene, law)
        yield from seam_troubles(scene)
    if scene.gravity is not None:
        yield "gravity", "is not served here; leave it out (shallow water has a gravity of its own)"
    if scene.dynamics is not None:
        yield "dynamics", f"{scene.dynamics.kind} moves atoms; leave it out"
    if scene.units != "SI":
        yield "units", f"{scene.units!r} are units of atoms; a flow has 'SI'"
    bodies = [name for name, part in scene.entities.items() if isinstance(part, Obstacle)]
    for key, output in scene.outputs.items():
        if (trouble := output_trouble(output, law, bodies)) is not None:
            yield f"outputs.{key}", trouble


def velocity_trouble(told: object, cells: tuple[int, ...], size: tuple[float, ...]) -> str | None:
    """Why a flow cannot start with this velocity; None where it can."""
    if len(cells) == 1:
        return "is a field without divergence, which needs two dimensions or three; give a vector"
    return field_trouble(told, cells, size, "flow", len(cells))


def flow_troubles(name: str, part: Gas | ShallowWater, scene: Scene, law: Law) -> Iterator[tuple[str, str]]:
    if isinstance(part, Gas) and (trouble := start_trouble(part.start, scene, law)) is not None:
        yield f"{name}.start", trouble
    told, box = part.velocity, scene.domain
    if isinstance(told, InitialField | RandomField) and box.cells is not None and box.size is not None:
        if (trouble := velocity_trouble(told, box.cells, box.size)) is not None:
            yield f"{name}.velocity", trouble
    if isinstance(part, ShallowWater) and scene.dim == 3:
        yield "domain.size", "has 3 dimensions; shallow water is seen from above, in one or two"
    patches: tuple[GasPatch | WaterPatch, ...] = part.patches
    for number, patch in enumerate(patches):
        dim = patch.shape.dim()
        if dim is not None and dim != scene.dim:
            yield f"{name}.patches.{number}.shape", f"has {dim} dimensions; the scene has {scene.dim}"
        if patch.velocity is not None and len(vector(patch.velocity)) != scene.dim:
            yield f"{name}.patches.{number}.velocity", f"has another dimension than the scene, which has {scene.dim}"


def obstacle_troubles(name: str, part: Obstacle, scene: Scene) -> Iterator[tuple[str, str]]:
    if scene.domain.size is not None and part.shape.dim() in (None, scene.dim):
        low, high = corners = bounds_of(part.shape, scene.dim)
        if (high <= 0.0).any() or (low >= scene.domain.size).any():
            yield f"{name}.shape", outside(corners, scene.domain.size)
    if part.motion is not None:
        yield f"{name}.motion", "is not served by finite volumes: their obstacles stand still; leave it out"
    if part.rotation is not None:
        yield f"{name}.rotation", "is not served by finite volumes; turn the shape itself, or leave it out"
    for quantity in part.carried:
        yield f"{name}.carried.{quantity}", "is not served: no heat passes into an obstacle in a gas; leave it out"


def seam_troubles(scene: Scene) -> Iterator[tuple[str, str]]:
    """Of all obstacles together."""
    size, cells = scene.domain.size, scene.domain.cells
    parts = {name: part.shape for name, part in scene.entities.items() if isinstance(part, Obstacle)}
    shapes = {name: shape for name, shape in parts.items() if shape.dim() in (None, scene.dim)}
    if size is None or cells is None or not shapes:
        return
    for axis in np.flatnonzero(scene.domain.wraps).tolist():
        points = [on_side(size, cells, axis, side) for side in (0, 1)]
        ends = [[distance_to(shape, where) for shape in shapes.values()] for where in points]
        if is_cut(np.min(ends[0], axis=0), np.min(ends[1], axis=0), size[axis] / cells[axis]):
            near = [min(lo.min(), hi.min()) for lo, hi in zip(*ends, strict=True)]
            yield f"{list(shapes)[int(np.argmin(near))]}.shape", cut_off(axis, size[axis])


def box_troubles(scene: Scene) -> Iterator[tuple[str, str]]:
    domain = scene.domain
    if domain.size is None:
        yield "domain.size", "is missing; give the edge lengths"
    if domain.cells is None:
        yield "domain.cells", "is missing; give whole numbers such as (128, 128), one for each dimension"
    elif min(domain.cells) < FEWEST_CELLS:
        yield "domain.cells", f"{domain.cells} is too coarse; at least {FEWEST_CELLS} along each edge"


def structure(scene: Scene) -> dict[str, object]:
    """(address, value) of what members of a batch have in common: everything but numbers."""
    found: dict[str, object] = {name: structure_of(part) for name, part in scene.entities.items()}
    found["boundary"] = structure_of(scene.boundary)
    return found | {field: getattr(scene, field) for field in ("domain", "time", "outputs", "method", "units")}


def method_of(scene: Scene) -> FiniteVolume:
    return scene.method if isinstance(scene.method, FiniteVolume) else FiniteVolume()
