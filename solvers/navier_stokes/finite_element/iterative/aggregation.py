"""Coarse functions of a mesh: sums of fine ones over patches of neighbours, smoothed.

Smoothed aggregation [Vanek, Mandel & Brezina 1996, Computing 56, 179-196]. It is made once, on the host, of the
matrix that the mesh has with coefficients of one; the coarse equations of each step are then P' A P.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags
from scipy.sparse.linalg import eigsh

__all__ = ["ladder"]

Array = np.ndarray

WEAK = 0.06  # of the mean of two diagonals: a bond that does not hold a patch together
BOTTOM = 400  # unknowns that are solved for directly
SHRINKS = 0.6  # by which a coarse level has to be smaller


def farthest(graph: csr_matrix, score: Array) -> Array:
    """Highest score among the neighbours of each node, itself among them."""
    best = score.copy()
    rows = np.repeat(np.arange(len(score)), np.diff(graph.indptr))
    np.maximum.at(best, rows, score[graph.indices])
    return best


def patches(graph: csr_matrix) -> Array:
    """A number of a patch for each node: roots are a maximal set of nodes more than two bonds apart [Luby 1986, SIAM J.
    Comput. 15, 1036-1053], and each other node joins the root it is nearest to."""
    n = graph.shape[0]
    score = np.random.default_rng(0).permutation(n).astype(np.int64) + 1
    root, free = np.zeros(n, dtype=bool), np.ones(n, dtype=bool)
    while free.any():
        now = np.where(free, score, 0)
        new = free & (farthest(graph, farthest(graph, now)) == now)
        root |= new
        reached = farthest(graph, farthest(graph, new.astype(np.int64))) > 0
        free &= ~reached
    number = np.zeros(n, dtype=np.int64)
    number[root] = np.arange(1, root.sum() + 1)
    for _ in range(2):
        number = np.where(number > 0, number, farthest(graph, number))
    return number - 1


def bonds(matrix: csr_matrix, node: Array) -> csr_matrix:
    """Which nodes hold together; node: that of each unknown."""
    gather = csr_matrix((np.ones(len(node)), (node, np.arange(len(node)))), shape=(node.max() + 1, len(node)))
    size = (gather @ abs(matrix) @ gather.T).tocsr()
    diagonal = np.sqrt(size.diagonal())
    coo = size.tocoo()
    strong = coo.data > WEAK * diagonal[coo.row] * diagonal[coo.col]
    return csr_matrix((np.ones(strong.sum()), (coo.row[strong], coo.col[strong])), shape=size.shape)


def tentative(patch: Array, smooth: Array) -> tuple[csr_matrix, Array, Array]:
    """Functions on patches that hold the smooth vectors [unknown, kind]; those vectors in terms of them; the patch of
    each function."""
    order = np.argsort(patch, kind="stable")
    ends = np.searchsorted(patch[order], np.arange(patch.max() + 2))
    rows, columns, data, coarse, owner, count = [], [], [], [], [], 0
    for k in range(len(ends) - 1):
        mine = order[ends[k] : ends[k + 1]]
        u, s, v = np.linalg.svd(smooth[mine], full_matrices=False)
        kept = s > 1e-6 * s[0] if s[0] > 0 else s > 0
        u, v = u[:, kept], s[kept, None] * v[kept]
        rows.append(np.repeat(mine, u.shape[1]))
        columns.append(np.tile(count + np.arange(u.shape[1]), len(mine)))
        data.append(u.ravel())
        coarse.append(v)
        owner.append(np.full(u.shape[1], k))
        count += u.shape[1]
    shape = (len(patch), count)
    made = csr_matrix((np.concatenate(data), (np.concatenate(rows), np.concatenate(columns))), shape=shape)
    return made, np.concatenate(coarse), np.concatenate(owner)


def coarsened(matrix: csr_matrix, node: Array, smooth: Array) -> tuple[csr_matrix, Array, Array]:
    """Smoothed functions on patches, then the nodes and the smooth vectors of the coarse level."""
    patch = patches(bonds(matrix, node))[node]
    first, coarse, owner = tentative(patch, smooth)
    inverse = diags(1.0 / matrix.diagonal())
    root = diags(np.sqrt(1.0 / matrix.diagonal()))
    start = np.random.default_rng(0).random(matrix.shape[0])
    largest = float(eigsh(root @ matrix @ root, k=1, tol=0.05, v0=start, return_eigenvectors=False)[0])
    smoothed = first - (4.0 / (3.0 * largest)) * (inverse @ (matrix @ first))
    return smoothed.tocsr(), owner, coarse


def ladder(matrix: csr_matrix, node: Array, smooth: Array) -> list[csr_matrix]:
    """What takes each level to the one above it, down to one that is solved for directly.

    matrix: symmetric; node: that of each unknown; smooth: vectors that the matrix hardly feels [unknown, kind].
    """
    found: list[csr_matrix] = []
    while matrix.shape[0] > BOTTOM:
        step, node, smooth = coarsened(matrix, node, smooth)
        if step.shape[1] > SHRINKS * step.shape[0]:
            break
        found.append(step)
        matrix = (step.T @ matrix @ step).tocsr()
    return found
