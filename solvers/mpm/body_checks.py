"""What the material point method refuses of where bodies are, and why."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scenegrad.scenes.domain import AXES
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.sources import Points, Splats
from scenegrad.solvers.mpm.colliders.checks import check_obstacles
from scenegrad.solvers.mpm.filling import parts_of
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.walls import walls_of
from scenegrad.solvers.shared.reasons import Reasons
from scenegrad.solvers.shared.regions import bounds_of, distance_to

__all__ = ["check_bodies"]


def check_bodies(
    scene: Scene, bodies: Mapping[str, tuple[np.ndarray, np.ndarray]], grid: Grid, reasons: Reasons
) -> None:
    """Where the particles of each body are."""
    walls, size = walls_of(scene), grid.dx * np.array(grid.cells)
    for name, (places, volumes) in bodies.items():
        shape = scene.entities[name].shape  # type: ignore[attr-defined]
        low, high = bounds_of(shape, grid.dim)
        if not len(places) or (high - low < grid.dx * (1 - 1e-9)).any():
            width = np.maximum(high - low, 0.0)
            reasons.add(
                f"{name}.shape",
                f"measures {' x '.join(f'{w:.4g}' for w in width)} and has {len(places)} particles; a body is "
                f"at least one cell wide, {grid.dx:.4g}. Enlarge it, or take more cells.",
            )
            continue
        widest = volumes.max() ** (1 / grid.dim)
        if widest > grid.dx * (1 + 1e-9) and any(isinstance(part, Points) for part in parts_of(shape)):
            reasons.add(
                f"{name}.shape",
                f"has points that stand for cubes {widest:.4g} wide, more than a cell, {grid.dx:.4g}; such particles "
                f"do not feel each other. Take more points, or fewer cells.",
            )
        endless = np.array(grid.wraps) | grid.unbounded
        beyond = np.where(endless, 0.0, np.maximum(-places, places - size))
        if beyond.max() > 0:
            particle, axis = np.unravel_index(beyond.argmax(), beyond.shape)
            end = "lo" if places[particle, axis] < 0 else "hi"
            reasons.add(
                f"{name}.shape",
                f"reaches {beyond.max():.4g} beyond {AXES[axis]}_{end}, with particle {particle} at "
                f"{at(places[particle])}; bodies start within the domain, {' x '.join(f'0..{x:.4g}' for x in size)}. "
                f"Move it, shrink it, or enlarge the domain.",
            )
        radius = 0.5 * volumes ** (1 / grid.dim)
        for wall, (normal, offset, _, _) in walls.items():
            depths = offset + radius - places @ normal
            if wall in scene.entities and depths.max() > 0.5 * grid.dx:
                reasons.add(
                    f"{name}.shape",
                    f"starts {depths.max():.4g} deep in the wall {wall}, with particle {depths.argmax()} at "
                    f"{at(places[depths.argmax()])}; move it by as much along the wall's normal.",
                )
    check_overlaps(scene, bodies, grid, reasons)
    check_obstacles(scene, bodies, grid, reasons)


def at(place: np.ndarray) -> str:
    return "(" + ", ".join(f"{x:.4g}" for x in place) + ")"


def check_overlaps(
    scene: Scene, bodies: Mapping[str, tuple[np.ndarray, np.ndarray]], grid: Grid, reasons: Reasons
) -> None:
    names = list(bodies)
    for index, one in enumerate(names):
        for other in names[index + 1 :]:
            whose, shape = one, scene.entities[other].shape  # type: ignore[attr-defined]
            if isinstance(shape, Points | Splats):  # a cloud has no inside that others could be deep in
                whose, shape = other, scene.entities[one].shape  # type: ignore[attr-defined]
            places = bodies[whose][0]
            if not len(places):
                continue
            inside = np.flatnonzero(distance_to(shape, places) < -0.5 * grid.dx)
            if len(inside):
                reasons.add(
                    f"{one}.shape",
                    f"overlaps {other}: {len(inside)} of the {len(places)} particles of {whose} lie in "
                    f"{other if whose == one else one}, first particle {inside[0]} at {at(places[inside[0]])}. Move "
                    f"one of them, or cut it out with shape - other.",
                )
