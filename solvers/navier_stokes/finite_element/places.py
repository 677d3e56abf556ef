"""Where the nodes of a tagged part of the boundary are along it, and which way is in."""

from __future__ import annotations

import numpy as np

from scenegrad.solvers.navier_stokes.fields.places import ScatteredPlaces
from scenegrad.solvers.navier_stokes.finite_element.space import Space

__all__ = ["axis_of", "inward_at", "nodes_of", "shares"]

STRAIGHT = 1e-6


def nodes_of(space: Space) -> ScatteredPlaces:
    """The nodes, in the box around them; a grid as fine has as many cells as there are nodes."""
    points = space.places(space.vertices[None])[0].double().cpu().numpy()
    low, size = points.min(axis=0), np.ptp(points, axis=0)
    width = (float(np.prod(size)) / len(points)) ** (1.0 / space.dim)
    cells = tuple(max(4, round(float(length) / width)) for length in size)
    return ScatteredPlaces(points - low, cells, tuple(map(float, size)))


def facet_normals(space: Space, tag: str) -> np.ndarray:
    """Outward, as long as the facets are large [facet, dim]."""
    normals: np.ndarray = space.normals(space.tags[tag], space.vertices[None])[0].cpu().numpy()
    return normals


def axis_of(space: Space, tag: str) -> int | None:
    """The axis along which the normal of a flat part points; None where there is none."""
    normals = facet_normals(space, tag)
    units = np.abs(normals / np.linalg.norm(normals, axis=1, keepdims=True))
    axis = int(units[0].argmax())
    return axis if (units[:, axis] > 1.0 - STRAIGHT).all() else None


def inward_at(space: Space, tag: str, nodes: np.ndarray) -> np.ndarray:
    """Unit normals at nodes, mean of those of the facets around [len(nodes), dim]."""
    normals, facets = facet_normals(space, tag), space.tags[tag].nodes.cpu().numpy()
    total = np.zeros((space.count, space.dim))
    for column in facets.T:
        np.add.at(total, column, -normals)
    return total[nodes] / np.linalg.norm(total[nodes], axis=1, keepdims=True)


def shares(space: Space, tag: str, nodes: np.ndarray) -> np.ndarray:
    """Share of the way from one end of a part to the other [len(nodes), dim - 1], along the line that it is in the
    plane, and along the edges of the rectangle that it is in space. ValueError where it is neither."""
    places = space.places(space.vertices[None])[0].cpu().numpy()
    if space.dim == 3:
        axis = axis_of(space, tag)
        if axis is None:
            raise ValueError("a profile needs a flat side along two axes")
        lo, hi = places[nodes].min(axis=0), places[nodes].max(axis=0)
        across = [a for a in range(3) if a != axis]
        return (places[nodes][:, across] - lo[across]) / (hi - lo)[across]
    chain = chained(space.tags[tag].nodes.cpu().numpy())
    ends = places[chain[[0, -1]]]
    if tuple(ends[0]) > tuple(ends[1]):
        chain = chain[::-1]
    passed = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(places[chain], axis=0), axis=1))])
    along = np.zeros(space.count)
    along[chain] = passed / passed[-1]
    return along[nodes][:, None]


def chained(facets: np.ndarray) -> np.ndarray:
    """Nodes of a line of edges [edge, (corner, corner, middle)] from one end to the other."""
    around: dict[int, list[tuple[int, int]]] = {}
    for a, b, middle in facets.tolist():
        around.setdefault(a, []).append((b, middle))
        around.setdefault(b, []).append((a, middle))
    ends = sorted(vertex for vertex, others in around.items() if len(others) == 1)
    if len(ends) != 2 or any(len(others) > 2 for others in around.values()):
        raise ValueError("a profile needs a side that is one line with two ends")
    chain, came = [ends[0]], -1
    while True:
        onward = [(vertex, middle) for vertex, middle in around[chain[-1]] if middle != came]
        if not onward:
            break
        vertex, came = onward[0]
        chain += [came, vertex]
    if len(chain) != 2 * len(facets) + 1:
        raise ValueError("a profile needs a side that is one line with two ends")
    return np.array(chain)
