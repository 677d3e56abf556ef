"""Points that fill a body: a lattice inside a shape, or the cells of a volume mesh used as they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry.cells import cell_volumes, split_multilinear, split_simplices
from scenegrad.engine.geometry.mesh import Mesh

__all__ = ["fill", "lattice_within", "volume_mesh_points"]

BLOCK = 1_000_000  # points asked at once: bounds the memory, changes nothing else

MOST = 2_000_000_000  # a lattice beyond what 32-bit indices can number

SIDE = 4  # lattice points along the edge of a group that may be decided at once

Inside = Callable[[NDArray[np.float64]], NDArray[np.bool_]]
Distance = Callable[[NDArray[np.float64]], NDArray[np.float64]]
Seed = int | np.random.SeedSequence | np.random.Generator


def fill(
    inside: Inside,
    bounds: ArrayLike,
    spacing: float,
    *,
    jitter: float = 0.0,
    seed: Seed | None = None,
) -> NDArray[np.float64]:
    """The points [N, dim] of a cell-centred lattice that lie inside a shape.

    inside: which of the points [n, dim] belong to the shape. bounds: two opposite corners [2, dim] of a box around it,
    in the middle of which the lattice is centred. Each point stands for the volume spacing^dim; N spacing^dim differs
    from the volume of the shape by O(spacing) or less. jitter: each point is first moved at random within this share of
    its cell, 0 (lattice) to 1 (one point anywhere in each cell), by a generator that `seed` makes."""
    low, high = np.asarray(bounds, dtype=np.float64)
    if not (np.isfinite(spacing) and spacing > 0):
        raise ValueError(f"spacing must be a positive length; got {spacing}")
    if not (np.isfinite([low, high]).all() and (high >= low).all()):
        raise ValueError(f"bounds must be a finite lower and upper corner; got {low.tolist()} and {high.tolist()}")
    if not 0 <= jitter <= 1:
        raise ValueError(f"jitter must lie in 0..1, a share of the spacing; got {jitter}")
    if jitter and seed is None:
        raise ValueError("jitter needs a seed, so that the same points can be made again")
    count = np.maximum(np.ceil((high - low) / spacing - 1e-9), 1).astype(np.int64)
    refuse_too_many(float(np.prod(count.astype(np.float64))), spacing)
    first = 0.5 * (low + high - (count - 1) * spacing)
    axes = [start + spacing * np.arange(n) for start, n in zip(first, count, strict=True)]
    random = np.random.default_rng(seed)

    kept = []
    rows = max(1, int(BLOCK // max(1, np.prod(count[1:]))))
    for start in range(0, count[0], rows):
        block = np.meshgrid(axes[0][start : start + rows], *axes[1:], indexing="ij")
        points = np.stack(block, axis=-1).reshape(-1, len(count))
        if jitter:
            points += spacing * jitter * (random.random(points.shape) - 0.5)
        kept.append(points[np.asarray(inside(points), dtype=bool)])
    return np.concatenate(kept)


def lattice_within(
    distance: Distance, low: NDArray[np.float64], width: NDArray[np.float64], count: NDArray[np.int64], slack: float
) -> NDArray[np.float64]:
    """The points low + (k + 1/2) width [N, dim], 0 <= k < count, at which a signed distance is not positive.

    Groups of points are decided by the distance of their middle where that is larger than half the group: nothing that
    is so far from the surface can be on its other side. slack: by how much the distance may be too large. So only the
    points near the surface are asked one by one."""
    dim = len(count)
    refuse_too_many(float(np.prod(count.astype(np.float64))), float(width.min()))
    groups = np.stack(np.unravel_index(np.arange(np.prod(-(-count // SIDE))), -(-count // SIDE)), axis=1) * SIDE
    offsets = np.stack(np.unravel_index(np.arange(SIDE**dim), [SIDE] * dim), axis=1)
    reach = 0.5 * (SIDE - 1) * float(np.linalg.norm(width)) + slack
    kept = []
    for start in range(0, len(groups), BLOCK // SIDE**dim):
        first = groups[start : start + BLOCK // SIDE**dim]
        middle = distance(low + (first + 0.5 * SIDE) * width)
        sure, unsure = first[middle < -reach], first[np.abs(middle) <= reach]
        sure, unsure = ((group[:, None] + offsets).reshape(-1, dim) for group in (sure, unsure))
        sure, unsure = sure[(sure < count).all(axis=1)], unsure[(unsure < count).all(axis=1)]
        kept += [sure, unsure[distance(low + (unsure + 0.5) * width) <= 0]]
    inside = np.concatenate(kept)
    order = np.argsort(np.ravel_multi_index(tuple(inside.T), tuple(count)), kind="stable")
    return low + (inside[order] + 0.5) * width


def refuse_too_many(count: float, spacing: float) -> None:
    """Say so where the memory would run out, or the night pass, before anything came of it."""
    if count > MOST:
        raise MeshError(
            f"A spacing of {spacing:g} asks for {count:.2g} points; allowed are {MOST:.2g}. Make it larger."
        )


def volume_mesh_points(mesh: Mesh, spacing: float | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centroids [N, dim] and volumes [N] of the cells of a volume mesh; the volumes sum to that of the mesh.

    With a spacing, cells are first divided until no piece is larger than spacing^dim; without, one point a cell."""
    if spacing is not None and not (np.isfinite(spacing) and spacing > 0):
        raise ValueError(f"spacing must be a positive length or None; got {spacing}")
    cells = {name: rows for name, rows in mesh.cells.items() if name != "line"}
    if not cells:
        raise MeshError(
            f"{mesh.name} has no volume cells, only its {'surface' if mesh.dim == 3 else 'outline'}. "
            f"Fill its inside with a lattice instead, or mesh it into {'tetrahedra' if mesh.dim == 3 else 'triangles'}."
        )
    if spacing is not None:
        refuse_too_many(abs(mesh.volume) / spacing**mesh.dim, spacing)
    points, volumes = [], []
    for name, rows in cells.items():
        corners = mesh.vertices[rows]
        flat = cell_volumes(corners) <= 0
        if flat.any():
            middle = corners[flat][0].mean(axis=0)
            raise MeshError(
                f"{mesh.name}: {flat.sum()} of {len(rows)} {name} cells have no positive volume, the first one near "
                f"{np.round(middle, 6).tolist()}. Mesh the body anew, or remove these cells."
            )
        simplex = name in ("triangle", "tetra")
        if simplex:
            pieces = corners if spacing is None else split_simplices(corners, spacing)
            points.append(pieces.mean(axis=1))
            volumes.append(np.abs(cell_volumes(pieces)))
        else:
            centres, parts = split_multilinear(corners, np.inf if spacing is None else spacing)
            points.append(centres)
            volumes.append(parts)
    return np.concatenate(points), np.concatenate(volumes)
