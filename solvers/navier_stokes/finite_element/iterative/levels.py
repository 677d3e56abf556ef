"""Coarse functions of fields on a mesh: quadratic functions, then linear ones, then patches."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from scenegrad.solvers.navier_stokes.finite_element.iterative.aggregation import ladder
from scenegrad.solvers.navier_stokes.finite_element.iterative.multigrid import Multigrid
from scenegrad.solvers.navier_stokes.finite_element.iterative.reduction import Part, ends, numbered, symmetric
from scenegrad.solvers.navier_stokes.finite_element.space import Space

__all__ = ["fields", "linear", "linear_part", "solids"]

Array = np.ndarray


def linear_in_quadratic(space: Space) -> csr_matrix:
    """Linear functions, one of each vertex, in terms of quadratic ones [node, vertex]."""
    n, edges = len(space.vertices), space.edges.cpu().numpy()
    rows = np.concatenate([np.arange(n), np.repeat(n + np.arange(len(edges)), 2)])
    data = np.concatenate([np.ones(n), np.full(2 * len(edges), 0.5)])
    return csr_matrix((data, (rows, np.concatenate([np.arange(n), edges.ravel()]))), shape=(space.count, n))


def stiffness(space: Space) -> Tensor:
    """Of quadratic functions, by element, with a coefficient of one [element, node, node]."""
    shape, at = space.shape(space.vertices[None]), space.element
    slopes, volume = shape.gradient(at.slope), shape.measure[:, :, None] * at.weights
    return torch.einsum("xeq,xeqai,xeqbi->xeab", volume, slopes, slopes)[0]


def lower(space: Space, held: Array) -> tuple[csr_matrix, Array]:
    """Linear functions of each component that vanish where something is held, in terms of the quadratic ones that do
    [unknown, coarse unknown]; component and vertex of each, as one number. held: [component, node]."""
    count, vertices = space.count, len(space.vertices)
    free = np.flatnonzero(~held.ravel())
    kept = np.flatnonzero(~held[:, :vertices].ravel())
    step = linear_in_quadratic(space).tocoo()
    parts = []
    for c in range(len(held)):
        rows, columns = numbered(free, held.size), numbered(kept, len(held) * vertices)
        row, column = rows[step.row + c * count], columns[step.col + c * vertices]
        both = (row >= 0) & (column >= 0)
        parts.append(csr_matrix((step.data[both], (row[both], column[both])), shape=(len(free), len(kept))))
    return sum(parts[1:], parts[0]).tocsr(), kept


def fields(space: Space, held: Tensor, dofs: Tensor, column: int = 0) -> tuple[Part, Multigrid]:
    """Fields that do not meet each other: the part of the matrix in which each meets itself, and multigrid for it.

    held: [component, node] bool. dofs: unknowns of each element [element, m]; from `column` on, those of the fields,
    one component after the other.
    """
    still, nodes = held.cpu().numpy(), space.nodes.cpu().numpy()
    number, m, count = nodes.shape[1], dofs.shape[1], space.count
    table = np.full((len(nodes), m), -1)
    block = np.concatenate([nodes + c * count for c in range(len(still))], axis=1)
    table[:, column : column + block.shape[1]] = numbered(np.flatnonzero(~still.ravel()), still.size)[block]
    field = np.broadcast_to((np.arange(m) - column) // number, table.shape)
    (row, other), (one, two) = ends(table), ends(field)
    places, part = symmetric(np.where(one == two, row, -1), other, int((~still).sum()), len(row), space.device)
    laplace = torch.zeros(1, len(nodes), m, m, dtype=torch.float64, device=space.device)
    for c in range(len(still)):
        own = slice(column + c * number, column + (c + 1) * number)
        laplace[0, :, own, own] = stiffness(space)
    matrix = filled(places, part, laplace)
    step, kept = lower(space, still)
    steps = [step, *ladder((step.T @ matrix @ step).tocsr(), np.arange(len(kept)), np.ones((len(kept), 1)))]
    return part, Multigrid.of(places, steps, space.device)


def linear_part(space: Space, held: Array) -> tuple[csr_matrix, Part]:
    """The matrix of linear functions, those of vertices that are not held [vertex]."""
    free = np.flatnonzero(~held)
    row, column = (numbered(free, len(held))[x] for x in ends(space.cells.cpu().numpy()))
    return symmetric(row, column, len(free), len(row), space.device)


def linear(space: Space, held: Array) -> tuple[Part, Multigrid]:
    """The same, and multigrid for it."""
    places, part = linear_part(space, held)
    shape, count = space.shape(space.vertices[None]), places.shape[0]
    matrix = filled(places, part, torch.einsum("xe,xeki,xeli->xekl", shape.measure, shape.slopes, shape.slopes))
    return part, Multigrid.of(places, ladder(matrix, np.arange(count), np.ones((count, 1))), space.device)


def solids(space: Space, held: Tensor, dofs: Tensor, local: Tensor) -> Multigrid:
    """Displacements: patches move as rigid bodies. held: [component, node]; local: stiffness of a solid, by element."""
    still = held.cpu().numpy()
    free = np.flatnonzero(~still.ravel())
    row, column = (numbered(free, still.size)[x] for x in ends(dofs.cpu().numpy()))
    places, part = symmetric(row, column, len(free), len(row), space.device)
    matrix = filled(places, part, local)
    step, kept = lower(space, still)
    n, x = len(space.vertices), space.vertices.cpu().numpy()
    component, vertex = kept // n, kept % n
    x = (x - x.mean(axis=0)) / np.abs(x - x.mean(axis=0)).max()
    motions = [np.where(component == c, 1.0, 0.0) for c in range(space.dim)]
    for i in range(space.dim):
        for j in range(i):
            motions.append(np.where(component == i, x[vertex, j], 0.0) - np.where(component == j, x[vertex, i], 0.0))
    nodes = np.unique(vertex, return_inverse=True)[1]
    steps = [step, *ladder((step.T @ matrix @ step).tocsr(), nodes, np.stack(motions, axis=1))]
    return Multigrid.of(places, steps, space.device)


def filled(places: csr_matrix, part: Part, local: Tensor) -> csr_matrix:
    """The matrix of one member, on the host."""
    entries = part.entries(local).values[0].cpu().numpy()
    return csr_matrix((entries, places.indices, places.indptr), shape=places.shape)
