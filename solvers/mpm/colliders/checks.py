"""What is refused of colliders and rigid bodies, and why."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scenegrad.engine.errors import FileError
from scenegrad.scenes.colliders import Collider, RigidBody
from scenegrad.scenes.domain import Slip, Stick
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.mpm.colliders.standing import frame_of, turned_distance
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.rigid.mass import surface_points
from scenegrad.solvers.mpm.walls import SERVED, walls_of
from scenegrad.solvers.shared.reasons import Reasons
from scenegrad.solvers.shared.regions import bounds_of, distance_to

__all__ = ["check_obstacle", "check_obstacles"]


def check_obstacle(scene: Scene, name: str, entity: Collider | RigidBody, reasons: Reasons) -> None:
    """Everything that can be said of one of them alone."""
    dim = scene.dim
    if not isinstance(entity.contact, SERVED):
        allowed = ", ".join(kind.__name__ for kind in SERVED)
        reasons.add(f"{name}.contact", f"{entity.contact.kind} is not possible here; take {allowed}.")
    try:
        low, high = bounds_of(entity.shape, dim)
        if len(low) == dim and np.isfinite([low, high]).all():
            distance_to(entity.shape, 0.5 * (low + high)[None])
    except (FileError, ValueError) as error:
        reasons.add(f"{name}.shape", str(error))
        return
    if isinstance(entity, RigidBody):
        if not np.isfinite([low, high]).all():
            reasons.add(f"{name}.shape", "has no end, and so no mass; take a shape that ends, or a Collider.")
        if scene.domain.size is not None and scene.domain.cells is not None:
            check_width(scene, name, high - low, reasons)


def check_width(scene: Scene, name: str, width: np.ndarray, reasons: Reasons) -> None:
    assert scene.domain.size is not None
    assert scene.domain.cells is not None
    dx = scene.domain.size[0] / scene.domain.cells[0]
    if width.min() < 0.5 * dx * (1 - 1e-9):
        reasons.add(
            f"{name}.shape",
            f"measures {' x '.join(f'{w:.4g}' for w in width)}; a rigid body is at least half a cell wide, "
            f"{0.5 * dx:.4g}. Enlarge it, or take more cells.",
        )


def check_obstacles(
    scene: Scene, bodies: Mapping[str, tuple[np.ndarray, np.ndarray]], grid: Grid, reasons: Reasons
) -> None:
    """Nothing starts inside something else; only what clings (Stick, Slip) may hold matter from within, as a clamp."""
    solids = {n: e for n, e in scene.entities.items() if isinstance(e, Collider | RigidBody)}
    deep = 0.5 * grid.dx
    for name, entity in solids.items():
        if isinstance(entity.contact, Stick | Slip):
            continue
        for body, (places, _) in bodies.items():
            depth = float(-turned_distance(entity, places).min()) if len(places) else 0.0
            if depth > deep:
                reasons.add(
                    f"{body}.shape",
                    f"starts {depth:.4g} deep in {name}; move one of them, or cut {name}'s shape out of it.",
                )
    for name, entity in solids.items():
        if not isinstance(entity, RigidBody):
            continue
        found = surface_points(entity.shape, grid.dim, grid.dx / 2)
        places, radii = placed(entity, found[:, : grid.dim]), found[:, grid.dim]
        for other, solid in solids.items():
            depth = float((radii - turned_distance(solid, places)).max())
            if other != name and depth > deep:
                reasons.add(f"{name}.shape", f"starts {depth:.4g} deep in {other}; move one of them.")
        for wall, (normal, offset, _, _) in walls_of(scene).items():
            depth = float((radii + offset - places @ normal).max())
            if depth > deep:
                reasons.add(f"{name}.shape", f"starts {depth:.4g} deep in {wall}; move it along its normal.")


def placed(body: RigidBody, places: np.ndarray) -> np.ndarray:
    """Places of its shape where the body's rotation takes them."""
    center, turn = frame_of(body, places.shape[1])
    found: np.ndarray = center + (places - center) @ turn.T
    return found
