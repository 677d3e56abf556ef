"""A surface made fit to enclose a body, as far as that needs no guess about its shape."""

from __future__ import annotations

from collections import defaultdict, deque

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.geometry.mesh import Mesh, unbalanced
from scenegrad.engine.geometry.readers.polygons import cut
from scenegrad.engine.geometry.rows import equal_sets

__all__ = ["mended"]

Indices = NDArray[np.int64]

NEAR = 1e-6  # of the size of the mesh: vertices nearer than this are one
FLAT = 0.02  # of its width: how far the rim of a hole may leave its plane to be closed by a lid
WIDEST = 0.25  # of the size of the mesh: a larger hole is part of the shape, or the shape is not a body


def mended(mesh: Mesh) -> tuple[Mesh, list[str]]:
    """The surface with vertices that nearly coincide joined, triangles of no area and doubles left out, neighbours
    turned to face the same way, and small flat holes closed; and what was done, in words.

    A volume mesh and a region of the plane come back as they are."""
    if mesh.dim != 3 or mesh.cells or not len(mesh.triangles):
        return mesh, []
    done = []
    vertices, triangles = joined(mesh.vertices, mesh.triangles)
    if len(vertices) < len(mesh.vertices):
        done.append(f"{len(mesh.vertices) - len(vertices)} vertices joined with others at the same place")
    a, b, c = triangles.T
    proper = (a != b) & (b != c) & (c != a)
    first, _ = equal_sets(triangles)
    single = np.zeros(len(triangles), dtype=bool)
    single[first] = True
    if not (keep := proper & single).all():
        done.append(f"{np.count_nonzero(~keep)} triangles without area or there twice left out")
        triangles = triangles[keep]
    triangles, turned = faced_alike(triangles)
    if turned:
        done.append(f"{turned} triangles turned to face as their neighbours do")
    lids = lids_of(Mesh(vertices, triangles))
    if lids:
        triangles = np.concatenate([triangles, *lids])
        done.append(f"{len(lids)} flat holes closed with {sum(map(len, lids))} triangles")
    found = Mesh(vertices, triangles, {}, mesh.path, mesh.sha256)
    if found.is_watertight and found.volume < 0:
        found = Mesh(vertices, triangles[:, ::-1], {}, mesh.path, mesh.sha256)
        done.append("all triangles turned to face outward")
    return found, done


def joined(vertices: NDArray[np.float64], triangles: Indices) -> tuple[NDArray[np.float64], Indices]:
    """Vertices within NEAR of each other as the first of them, and none that no triangle uses."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    size = float(np.ptp(vertices, axis=0).max())
    pairs = cKDTree(vertices).query_pairs(NEAR * size, output_type="ndarray")
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(vertices), len(vertices)))
    label = connected_components(links, directed=False)[1][triangles]
    used, corners = np.unique(label, return_inverse=True)
    at = np.zeros(len(used), dtype=np.int64)
    flat, old = corners.reshape(-1), triangles.reshape(-1)
    at[flat[::-1]] = old[::-1]
    return vertices[at], corners.reshape(-1, 3).astype(np.int64)


def faced_alike(triangles: Indices) -> tuple[Indices, int]:
    """Triangles turned so that two that share an edge pass it in opposite directions, where that can be; of each
    connected piece the side that fewer must be turned to."""
    beside: dict[tuple[int, int], list[tuple[int, bool]]] = defaultdict(list)
    for number, row in enumerate(triangles.tolist()):
        for u, v in ((row[0], row[1]), (row[1], row[2]), (row[2], row[0])):
            beside[min(u, v), max(u, v)].append((number, u < v))
    near: list[list[tuple[int, bool]]] = [[] for _ in range(len(triangles))]
    for found in beside.values():
        if len(found) == 2:
            (one, along), (other, also) = found
            near[one].append((other, along == also))
            near[other].append((one, along == also))
    turn = np.full(len(triangles), -1)
    for start in range(len(triangles)):
        if turn[start] >= 0:
            continue
        turn[start], piece, waiting = 0, [start], deque([start])
        while waiting:
            now = waiting.popleft()
            for other, opposed in near[now]:
                if turn[other] < 0:
                    turn[other] = turn[now] ^ int(opposed)
                    piece.append(other)
                    waiting.append(other)
        if 2 * turn[piece].sum() > len(piece):
            turn[piece] ^= 1
    return np.where(turn[:, None] == 1, triangles[:, ::-1], triangles), int(turn.sum())


def lids_of(mesh: Mesh) -> list[Indices]:
    """Triangles that close each hole whose rim is one loop, nearly flat and small."""
    rims, uses = unbalanced(mesh)
    follow: dict[int, list[int]] = defaultdict(list)
    for u, v in rims[uses == 1].tolist():
        follow[v].append(u)  # against the direction of the triangle beside it
    size = float(np.ptp(mesh.vertices, axis=0).max())
    lids, seen = [], set[int]()
    for start in follow:
        loop, now = [], start
        while now not in seen and len(follow.get(now, ())) == 1:
            seen.add(now)
            loop.append(now)
            now = follow[now][0]
        if len(loop) < 3 or now != start:
            continue
        corners = mesh.vertices[loop] - mesh.vertices[loop].mean(axis=0)
        height = np.linalg.svd(corners, compute_uv=False)[2] / len(loop) ** 0.5
        width = float(np.ptp(corners, axis=0).max())
        if height <= FLAT * width and width <= WIDEST * size:
            lids.append(cut(mesh.vertices, [loop])[0])
    return lids
