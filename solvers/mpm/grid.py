"""The background grid: its nodes, and which of them walls hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenegrad.solvers.mpm.scheme import AFFINE, Scheme

__all__ = ["Clinging", "Grid", "holds"]

PAD = 2  # nodes beyond each side that does not wrap: matter may be pressed into a wall without losing its nodes


@dataclass(frozen=True)
class Grid:
    """Nodes at multiples of dx that cover the box [0, cells * dx] and PAD cells around it."""

    dx: float  # [m]
    cells: tuple[int, ...]
    wraps: tuple[bool, ...]  # axes that are periodic; they have no nodes beyond the box
    scheme: Scheme = AFFINE

    @property
    def dim(self) -> int:
        return len(self.cells)

    @property
    def pad(self) -> tuple[int, ...]:
        return tuple(0 if wrap else PAD for wrap in self.wraps)

    @property
    def count(self) -> tuple[int, ...]:
        """Nodes along each axis."""
        return tuple(
            n if wrap else n + 1 + 2 * pad for n, wrap, pad in zip(self.cells, self.wraps, self.pad, strict=True)
        )


@dataclass(frozen=True)
class Clinging:
    """A wall that matter cannot leave: no motion through it, and none along it either where it sticks."""

    normal: tuple[float, ...]  # of length 1
    offset: float  # nodes with normal . x <= offset are held [m]
    sticks: bool


def holds(
    positions: NDArray[np.float64], dx: float, members: Sequence[Sequence[Clinging]]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Which matrix [batch, node] of the table [matrix, dim, dim] takes the forbidden directions out of a velocity, for
    nodes at positions [node, dim].

    At the meeting of several walls, the directions of all their normals are forbidden.
    """
    nodes, dim = positions.shape
    table: dict[bytes, int] = {}
    matrices: list[NDArray[np.float64]] = []
    rows = []
    for walls in members:
        inside = [positions @ np.array(w.normal) <= w.offset + 1e-9 * dx for w in walls]
        code = np.zeros(nodes, dtype=np.int64)
        for bit, mask in enumerate(inside):
            code |= mask.astype(np.int64) << bit
        found, where = np.unique(code, return_inverse=True)
        numbers = np.empty(len(found), dtype=np.uint8)
        for place, bits in enumerate(found):
            matrix = allowed([w for bit, w in enumerate(walls) if bits >> bit & 1], dim)
            key = np.round(matrix, 12).tobytes()
            if key not in table:
                table[key] = len(matrices)
                matrices.append(matrix)
            numbers[place] = table[key]
        rows.append(numbers[where])
    return np.stack(rows), np.stack(matrices)


def allowed(walls: Sequence[Clinging], dim: int) -> NDArray[np.float64]:
    """The projection on the directions that none of the walls forbids."""
    if any(w.sticks for w in walls):
        return np.zeros((dim, dim))
    if not walls:
        return np.eye(dim)
    u, s, _ = np.linalg.svd(np.array([w.normal for w in walls]).T)
    basis = u[:, : int((s > 1e-9).sum())]
    return np.eye(dim) - basis @ basis.T + 0.0
