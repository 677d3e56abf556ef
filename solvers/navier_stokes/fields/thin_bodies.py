"""Bodies that a grid hardly sees: told before a flow passes through them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from scenegrad.scenes.fluids import Obstacle
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.shapes import Shape
from scenegrad.solvers.shared.regions import bounds_of, distance_to

__all__ = ["depth_of", "warn_of_thin_bodies"]

Array = NDArray[np.float64]
COARSE = 17  # places along each axis of a body at the first look
MOST = 2_000_000  # places at the second
ROUNDS = 8  # of looking closer, each four times as close


def warn_of_thin_bodies(scenes: Sequence[Scene], across: Callable[[Array], float]) -> None:
    """Warn of each obstacle of which no place is as deep within it as a cell is wide: fluid leaks through a plate like
    that, or does not feel it. An edge or a tip may be as thin as it likes on a body that is thick elsewhere.

    across: width of a cell as a surface feels it, by the normal of that [dim] [m].
    """
    told: set[str] = set()
    before: dict[str, Obstacle] = {}
    for scene in scenes:
        for name, part in scene.entities.items():
            if not isinstance(part, Obstacle) or name in told or before.get(name) == part:
                continue
            before[name] = part
            depth, normal = depth_of(part.shape, *room(part, scene), spacing(scene), across)
            cell = across(normal)
            if 0.0 < depth < cell * (1.0 - 1e-6):
                told.add(name)
                cells = scene.domain.cells or ()
                finer = " x ".join(str(math.ceil(n * cell / depth * (1.0 - 1e-9))) for n in cells)
                warnings.warn(
                    f"{name}.shape is {2.0 * depth:.3g} m thick where it is thickest, and cells are {cell:.3g} m wide: "
                    f"fluid may leak through it, or not feel it. A body needs two cells, {2.0 * cell:.3g} m; take "
                    f"{finer} cells, or make it thicker.",
                    stacklevel=3,
                )


def spacing(scene: Scene) -> Array:
    assert scene.domain.size is not None
    assert scene.domain.cells is not None
    return np.array(scene.domain.size) / np.array(scene.domain.cells)


def room(part: Obstacle, scene: Scene) -> tuple[Array, Array]:
    """Corners of where a body is looked at: within the box, or all of one that moves or is turned there, if it ends."""
    assert scene.domain.size is not None
    low, high = bounds_of(part.shape, scene.dim)
    leaves = part.motion is not None or part.rotation is not None
    inside = ~(np.isfinite(low) & np.isfinite(high)) if leaves else np.full(scene.dim, True)
    size = np.array(scene.domain.size)
    return np.where(inside, np.clip(low, 0.0, size), low), np.where(inside, np.clip(high, 0.0, size), high)


def depth_of(
    shape: Shape, low: Array, high: Array, h: Array, across: Callable[[Array], float] = lambda _: math.inf
) -> tuple[float, Array]:
    """The largest depth below the surface between two corners, as far as it matters, and the direction of the surface
    there [dim], with positive entries; 0 where nothing is inside.

    h: edges of a cell. across: of a normal, a depth that is enough.
    """
    few = np.full(len(h), COARSE)
    many = np.maximum(few, 2 * np.ceil((high - low) / h).astype(int) + 1)
    many = np.maximum(few, (many * min(1.0, (MOST / many.prod()) ** (1.0 / len(h)))).astype(int))
    best, normal = 0.0, np.ones(len(h))
    for counts in (few, many):
        pitch = (high - low) / (counts - 1)
        depth, place = deepest(shape, low, high, counts)
        for _ in range(ROUNDS):
            depth, place = deepest(shape, np.maximum(place - pitch, low), np.minimum(place + pitch, high), few // 2 | 1)
            pitch = 0.25 * pitch
        best = max(best, depth)
        normal = normal_at(shape, place, 1e-6 * float(h.min()))
        if best >= across(normal) * (1.0 - 1e-6):
            break
    return best, normal


def deepest(shape: Shape, low: Array, high: Array, counts: NDArray[np.int64]) -> tuple[float, Array]:
    """Depth and place; of places as deep as each other one amid them, away from corners."""
    axes = [np.linspace(a, b, n) for a, b, n in zip(low, high, counts, strict=True)]
    points = np.stack([p.ravel() for p in np.meshgrid(*axes, indexing="ij")], axis=1)
    depth = -np.asarray(distance_to(shape, points))
    alike = np.flatnonzero(depth >= depth.max() - 1e-9 * np.abs(high - low).max())
    best = int(alike[len(alike) // 2])
    return max(float(depth[best]), 0.0), points[best]


def normal_at(shape: Shape, place: Array, step: float) -> Array:
    """Slopes of the distance, the steeper of both sides: midway between two surfaces it has none in the mean."""
    ways = step * np.concatenate([np.eye(len(place)), -np.eye(len(place)), np.zeros((1, len(place)))])
    phi = np.asarray(distance_to(shape, place + ways))
    slopes = np.abs(phi[:-1] - phi[-1]).reshape(2, -1).max(axis=0)
    length = float(np.linalg.norm(slopes))
    return slopes / length if length > 0.0 else np.full(len(place), 1.0 / math.sqrt(len(place)))
