"""The background grid: its nodes, and which of them walls hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scenegrad.scenes.methods import MaterialPoint, Sparse
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.mpm.grid.scheme import AFFINE, Scheme

__all__ = ["Clinging", "Grid", "holds"]

PAD = 2  # nodes beyond each side that does not wrap: matter may be pressed into a wall without losing its nodes


@dataclass(frozen=True)
class Grid:
    """Nodes at multiples of dx that cover the box [0, cells * dx] and PAD cells around it, or all of space.

    sparse: only nodes near particles are kept, wherever those are."""

    dx: float  # [m]
    cells: tuple[int, ...]
    wraps: tuple[bool, ...]  # axes that are periodic; they have no nodes beyond the box
    scheme: Scheme = AFFINE
    sparse: bool = False
    unbounded: bool = False  # then `cells` are zero and say no more than the dimension

    @property
    def dim(self) -> int:
        return len(self.cells)

    @staticmethod
    def of(scene: Scene, wraps: tuple[bool, ...]) -> Grid:
        """As the domain and the method of a scene say."""
        domain = scene.domain
        method = scene.method if isinstance(scene.method, MaterialPoint) else MaterialPoint()
        if domain.dx is not None:
            return Grid(domain.dx, (0,) * len(wraps), wraps, Scheme.of(method), sparse=True, unbounded=True)
        assert domain.size is not None
        assert domain.cells is not None
        sparse = isinstance(method.grid, Sparse)
        return Grid(domain.size[0] / domain.cells[0], domain.cells, wraps, Scheme.of(method), sparse)

    @property
    def pad(self) -> tuple[int, ...]:
        return tuple(0 if wrap else PAD for wrap in self.wraps)

    @property
    def period(self) -> tuple[float, ...]:
        """Edge of the box along periodic axes [m], 0 along the others."""
        return tuple(n * self.dx * wrap for n, wrap in zip(self.cells, self.wraps, strict=True))

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
    name: str = ""


class Placed(Protocol):
    """Nodes that know where they are."""

    @property
    def grid(self) -> Grid: ...
    @property
    def nodes(self) -> int: ...
    @property
    def positions(self) -> NDArray[np.float64]: ...


def holds(layout: Placed, members: Sequence[Sequence[Clinging]]) -> tuple[Tensor, Tensor]:
    """Which matrix [batch, node] of the table [matrix, dim, dim] takes the forbidden directions out of a velocity.

    At the meeting of several walls, the directions of all their normals are forbidden. Where no wall holds a node, all
    entries share the room of one.
    """
    dim, dx, nodes = layout.grid.dim, layout.grid.dx, layout.nodes
    if not any(members):
        return torch.zeros(1, 1, dtype=torch.uint8).expand(len(members), nodes), torch.eye(dim)[None]
    positions = layout.positions
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
    return torch.from_numpy(np.stack(rows)), torch.from_numpy(np.stack(matrices))


def allowed(walls: Sequence[Clinging], dim: int) -> NDArray[np.float64]:
    """The projection on the directions that none of the walls forbids."""
    if any(w.sticks for w in walls):
        return np.zeros((dim, dim))
    if not walls:
        return np.eye(dim)
    u, s, _ = np.linalg.svd(np.array([w.normal for w in walls]).T)
    basis = u[:, : int((s > 1e-9).sum())]
    return np.eye(dim) - basis @ basis.T + 0.0
