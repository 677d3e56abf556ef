"""From the net of a scene to masses and springs."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.geometry import Mesh as Surface
from scenegrad.scenes.springs import Actuator, MeshEdges, Net, SpringLattice, SpringList
from scenegrad.solvers.shared.regions import distance_to, placed_mesh

__all__ = ["actuated", "knit"]

Places = NDArray[np.float64]  # [mass, dim]
Pairs = NDArray[np.int64]  # the two masses of each spring [spring, 2]

PARALLEL = 1e-6  # largest sine of the angle between a spring and the direction of an actuator that it belongs to
SIDES = {  # edges of the cells of a mesh, by their corners
    "line": [(0, 1)],
    "triangle": [(0, 1), (1, 2), (0, 2)],
    "quad": [(0, 1), (1, 2), (2, 3), (0, 3)],
    "tetra": [(0, 1), (1, 2), (0, 2), (0, 3), (1, 3), (2, 3)],
    "hexahedron": [
        (0, 1), (1, 2), (2, 3), (0, 3), (4, 5), (5, 6), (6, 7), (4, 7), (0, 4), (1, 5), (2, 6), (3, 7),
    ],
}  # fmt: skip


def knit(net: Net, dim: int) -> tuple[Places, Pairs]:
    match net:
        case SpringList():
            return np.array(net.points, dtype=np.float64), np.array(net.springs, dtype=np.int64).reshape(-1, 2)
        case SpringLattice():
            return lattice(net)
        case MeshEdges():
            return edges_of(placed_mesh(net.mesh, dim))
    raise TypeError(f"{net.kind} is a net of which nothing is known here")


def lattice(net: SpringLattice) -> tuple[Places, Pairs]:
    """Masses row by row, the last axis fastest; springs to every neighbour that differs along one axis or two."""
    counts = np.array(net.cells) + 1
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in counts), indexing="ij"), axis=-1).reshape(-1, len(counts))
    places = np.array(net.center) + np.array(net.size) * (grid / np.array(net.cells) - 0.5)
    pairs = []
    for step in product((-1, 0, 1), repeat=len(counts)):
        if step <= (0,) * len(counts) or np.abs(step).sum() > 2:  # each pair once
            continue
        there = grid + np.array(step)
        inside = ((there >= 0) & (there < counts)).all(axis=1)
        here = np.flatnonzero(inside)
        pairs.append(np.stack([here, np.ravel_multi_index(tuple(there[inside].T), tuple(counts))], axis=1))
    return places, np.concatenate(pairs)


def edges_of(mesh: Surface) -> tuple[Places, Pairs]:
    cells = {name: rows for name, rows in mesh.cells.items() if len(rows)} or {"triangle": mesh.triangles}
    found = [rows[:, list(side)] for name, rows in cells.items() for side in SIDES[name]]
    pairs = np.unique(np.sort(np.concatenate(found), axis=1), axis=0)
    used, renumbered = np.unique(pairs, return_inverse=True)
    return mesh.vertices[used], renumbered.reshape(-1, 2)


def actuated(actuator: Actuator, places: Places, pairs: Pairs) -> NDArray[np.int64]:
    """Numbers of the springs that an actuator moves."""
    if actuator.springs is not None:
        chosen = np.zeros(len(pairs), dtype=bool)
        chosen[[s for s in actuator.springs if s < len(pairs)]] = True
    else:
        assert actuator.region is not None
        chosen = distance_to(actuator.region, places[pairs].mean(axis=1)) <= 0.0
    if actuator.along is not None:
        d = places[pairs[:, 1]] - places[pairs[:, 0]]
        axis = np.array(actuator.along) / np.linalg.norm(actuator.along)
        across = np.linalg.norm(d - (d @ axis)[:, None] * axis, axis=1)
        chosen &= across <= PARALLEL * np.linalg.norm(d, axis=1)
    return np.flatnonzero(chosen)
