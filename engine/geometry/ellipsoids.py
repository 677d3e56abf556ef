"""Ellipsoids by their axes: which lengths and which rotation a deformed one has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["axes_of", "quaternions_of", "rotations_of", "turned_by"]

Array = NDArray[np.float64]

SWEEPS = 12  # five suffice for condition numbers of 1e8
ALIGNED = 1e-14  # cosine between axes below which they count as perpendicular


def axes_of(matrix: Array) -> tuple[Array, Array]:
    """Lengths s [n, 3] and rotation R [n, 3, 3] with R diag(s)^2 R' = A A' for matrices A [n, 3, 3].

    Columns are turned in pairs until all are perpendicular [Hestenes 1958, one-sided Jacobi]: columns that are so from
    the start stay untouched, in their order, and short axes keep their digits [Demmel and Veselic 1992]."""
    axes = np.array(matrix, dtype=np.float64)
    for _ in range(SWEEPS):
        turned = False
        for p, q in ((0, 1), (0, 2), (1, 2)):
            one, other = axes[:, :, p].copy(), axes[:, :, q].copy()
            a, b, c = (one * one).sum(1), (other * other).sum(1), (one * other).sum(1)
            crooked = np.abs(c) > ALIGNED * np.sqrt(a * b)
            if not crooked.any():
                continue
            turned = True
            slope = (b - a) / (2 * np.where(crooked, c, 1.0))
            tangent = np.where(slope < 0, -1.0, 1.0) / (np.abs(slope) + np.hypot(slope, 1.0))
            tangent = np.where(crooked, tangent, 0.0)[:, None]
            cosine = 1 / np.hypot(tangent, 1.0)
            axes[:, :, p] = cosine * (one - tangent * other)
            axes[:, :, q] = cosine * (other + tangent * one)
        if not turned:
            break
    lengths = np.linalg.norm(axes, axis=1)
    rotation = axes / np.maximum(lengths, np.finfo(np.float64).tiny)[:, None]
    rotation[np.linalg.det(rotation) < 0, :, 2] *= -1  # both ends of an axis are alike
    return lengths, rotation


def rotations_of(quaternions: Array) -> Array:
    """Rotation matrices [n, 3, 3] of quaternions (w, x, y, z) [n, 4] of any length but zero."""
    w, x, y, z = (quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


def quaternions_of(rotations: Array) -> Array:
    """Unit quaternions (w, x, y, z) [n, 4] of rotation matrices [n, 3, 3], up to their sign.

    4 q q' is linear in R; its row with the largest diagonal entry is divided by the root of that [Shepperd 1978]."""
    r = rotations
    trace = np.trace(r, axis1=1, axis2=2)
    outer = np.empty((len(r), 4, 4))
    outer[:, 0, 0] = 1 + trace
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        outer[:, i + 1, i + 1] = 1 + 2 * r[:, i, i] - trace
        outer[:, 0, i + 1] = outer[:, i + 1, 0] = r[:, k, j] - r[:, j, k]
        outer[:, j + 1, k + 1] = outer[:, k + 1, j + 1] = r[:, j, k] + r[:, k, j]
    largest = np.diagonal(outer, axis1=1, axis2=2).argmax(1)
    row = outer[np.arange(len(r)), largest]
    return row / np.linalg.norm(row, axis=1, keepdims=True)


def turned_by(deformation: Array) -> Array:
    """The rotation R [n, 3, 3] of the polar decomposition F = R S, nearest to F of all rotations."""
    left, _, right = np.linalg.svd(deformation)
    left[np.linalg.det(left @ right) < 0, :, 2] *= -1
    return left @ right
