"""Shape functions and quadrature on the reference triangle and tetrahedron, in barycentric coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
import torch
from scipy.special import roots_jacobi
from torch import Tensor

__all__ = ["Element", "edges_of", "element", "nodal_element", "quadrature"]


def edges_of(dim: int) -> tuple[tuple[int, int], ...]:
    """Pairs of corners of a simplex, in the order of the nodes of degree two that stand between them."""
    return tuple(combinations(range(dim + 1), 2))


@cache
def quadrature(dim: int, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Points [q, dim + 1] and weights [q], of sum 1, exact for polynomials of this degree.

    Conical products of Gauss-Jacobi rules [Stroud 1971, Approximate Calculation of Multiple Integrals, section 2.4].
    """
    count = degree // 2 + 1
    points, weights, left = np.zeros((1, 0)), np.ones(1), np.ones(1)
    for axis in range(dim):
        t, w = roots_jacobi(count, dim - 1 - axis, 0.0)  # weight (1 - t)^(dim - 1 - axis) on [-1, 1]
        share, w = 0.5 * (t + 1.0), w / w.sum()
        points = np.concatenate(
            [np.repeat(points, count, axis=0), np.outer(left, share).reshape(-1, 1)], axis=1
        )  # what is left of 1 after the coordinates so far
        left = np.outer(left, 1.0 - share).ravel()
        weights = np.outer(weights, w).ravel()
    return np.concatenate([1.0 - points.sum(axis=1, keepdims=True), points], axis=1), weights


@dataclass(frozen=True, eq=False)
class Element:
    """Lagrange functions of degree two, and the barycentric coordinates themselves, at the points of a quadrature."""

    weights: Tensor  # [q], of sum 1
    linear: Tensor  # barycentric coordinates [q, corner]
    value: Tensor  # of the functions of degree two [q, node]
    slope: Tensor  # their derivatives by the barycentric coordinates [q, node, corner]
    bend: Tensor  # their second derivatives, the same everywhere [node, corner, corner]


def shapes(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Functions of degree two [q, node] and their derivatives [q, node, corner] at barycentric points [q, corner].

    l (2 l - 1) of each corner, then 4 l m of each edge.
    """
    corners = points.shape[1]
    pairs = edges_of(corners - 1)
    value = np.zeros((len(points), corners + len(pairs)))
    slope = np.zeros((len(points), corners + len(pairs), corners))
    for k in range(corners):
        value[:, k] = points[:, k] * (2.0 * points[:, k] - 1.0)
        slope[:, k, k] = 4.0 * points[:, k] - 1.0
    for n, (i, j) in enumerate(pairs, start=corners):
        value[:, n] = 4.0 * points[:, i] * points[:, j]
        slope[:, n, i], slope[:, n, j] = 4.0 * points[:, j], 4.0 * points[:, i]
    return value, slope


def bends(dim: int) -> np.ndarray:
    """Second derivatives of the functions of degree two by the barycentric coordinates [node, corner, corner]."""
    pairs = edges_of(dim)
    bend = np.zeros((dim + 1 + len(pairs), dim + 1, dim + 1))
    for k in range(dim + 1):
        bend[k, k, k] = 4.0
    for n, (i, j) in enumerate(pairs, start=dim + 1):
        bend[n, i, j] = bend[n, j, i] = 4.0
    return bend


def element(dim: int, degree: int, device: str) -> Element:
    """degree: up to which products of the functions are integrated exactly."""
    return at_points(*quadrature(dim, degree), device)


def at_points(points: np.ndarray, weights: np.ndarray, device: str) -> Element:
    numbers = (weights, points, *shapes(points), bends(points.shape[1] - 1))
    return Element(*(torch.from_numpy(a).to(device) for a in numbers))


def nodal_element(dim: int, device: str) -> Element:
    """The same functions at the nodes of the element."""
    corners = np.eye(dim + 1)
    points = np.concatenate([corners, np.array([0.5 * (corners[i] + corners[j]) for i, j in edges_of(dim)])])
    return at_points(points, np.full(len(points), 1.0 / len(points)), device)
