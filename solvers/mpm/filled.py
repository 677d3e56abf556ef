"""From the bodies of a scene to their particles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.errors import FileError
from scenegrad.scenes.colliders import Collider, RigidBody
from scenegrad.scenes.methods import Finer, MaterialPoint
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.solids import Body
from scenegrad.scenes.values import vector
from scenegrad.solvers.mpm.colliders.standing import frame_of
from scenegrad.solvers.mpm.filling import Closer, fill_shape
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.refined.refinement import blend_of
from scenegrad.solvers.shared.reasons import Reasons
from scenegrad.solvers.shared.regions import bounds_of

__all__ = ["filled_bodies"]

Array = NDArray[np.float64]
Particles = tuple[Array, Array]


def filled_bodies(scene: Scene, grid: Grid, reasons: Reasons) -> dict[str, Particles]:
    """Places and volumes of the particles of each body; finer where cells are, see Finer."""
    names = [name for name, entity in scene.entities.items() if isinstance(entity, Body)]
    finer = scene.method.refine if isinstance(scene.method, MaterialPoint) else None
    if finer is None or finer.particles == "even":
        return filled(scene, names, grid, reasons)
    middle = middle_of(scene, finer, grid, reasons)
    if middle is None:
        return {}
    half = 0.5 * np.array(finer.size) + blend_of(finer, grid)
    return filled(scene, names, grid, reasons, Closer(middle, half, np.array(grid.period), finer.factor))


def middle_of(scene: Scene, finer: Finer, grid: Grid, reasons: Reasons) -> Array | None:
    """Of the box of finer cells at the start; None where it cannot be told."""
    if not isinstance(finer.around, str):
        return vector(finer.around)
    leader = scene.entities[finer.around]
    if isinstance(leader, Collider | RigidBody):
        return frame_of(leader, grid.dim)[0]
    found = filled(scene, [finer.around], grid, reasons)
    if finer.around not in found:
        return None
    places, volumes = found[finer.around]
    return np.asarray((volumes[:, None] * places).sum(axis=0) / max(volumes.sum(), 1e-300))


def filled(
    scene: Scene, names: list[str], grid: Grid, reasons: Reasons, closer: Closer | None = None
) -> dict[str, Particles]:
    """The same for some of the bodies."""
    found, order, domain = {}, list(scene.entities), grid.dx * np.array(grid.cells)
    for name in names:
        body = scene.entities[name]
        assert isinstance(body, Body)
        try:
            if grid.unbounded and not np.isfinite(bounds_of(body.shape, grid.dim)).all():
                reasons.add(f"{name}.shape", "has no end, and nor has the domain; cut it with & Box(...).")
                continue
            seed = np.random.SeedSequence(scene.seed, spawn_key=(order.index(name),))
            each = body.particles_per_cell or 2**grid.dim
            found[name] = fill_shape(body.shape, domain, grid.dx, each, body.jitter, seed, closer)
        except FileError as error:
            reasons.add(f"{name}.shape", str(error))
    return found
