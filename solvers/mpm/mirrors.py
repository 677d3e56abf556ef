"""Walls to slip on that lie along nodes are mirrors: what nodes behind them have, their images in front have too.

Splines reach half a cell behind a wall. Were the nodes there merely at rest, the velocity would be v_1 / 8 and not 0 at
the wall, its slope there 1/2 of what it is beyond, and the pressure of the first rows wrong by tens of percent. As
images of the nodes in front, v_-i = S v_i, every field that vanishes at the wall is represented as well as in the open:
S turns the part along the normal round. Momentum and mass of a node behind join those of its image, which is Galerkin's
condition on such fields: p_i' = p_i + S p_-i, m_i' = m_i + m_-i.

Walls that matter sticks to are held as they are: turning all of v round makes cantilevers and shear exact too, but tall
columns of sand ran out too far on such ground (exponent 0.86 in the place of 2/3; 0.73 where nodes are held).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scenegrad.solvers.mpm.grid.grid import Clinging, Grid, Placed

__all__ = ["Images", "images", "mirrors"]


@dataclass(frozen=True)
class Images:
    """Nodes behind mirrors, the nodes in front that they are images of, and S; each member of a batch has its own.
    Where one has fewer than another, the rest are -1 and nothing happens there."""

    behind: NDArray[np.int64]  # [member, image]
    front: NDArray[np.int64]
    sign: NDArray[np.float64]  # [member, image, dim]

    @staticmethod
    def joined(members: Sequence[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]) -> Images:
        most = max(len(behind) for behind, _, _ in members)

        def stacked(arrays: Sequence[NDArray[Any]], none: int) -> NDArray[Any]:
            return np.stack(
                [
                    np.pad(a, [(0, most - len(a)), *[(0, 0)] * (a.ndim - 1)], mode="constant", constant_values=none)
                    for a in arrays
                ]
            )

        behind, front, sign = zip(*members, strict=True)
        return Images(stacked(behind, -1), stacked(front, -1), stacked(sign, 0))

    def of(self, member: int) -> NDArray[np.int64]:
        """The nodes of a member that are behind."""
        return self.behind[member, self.behind[member] >= 0]

    def held(self, hold: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
        """See `holds`; nodes behind have no velocity of their own."""
        if not self.behind.size:
            return hold, table
        hold = hold.clone()
        for member in range(len(hold)):
            hold[member, torch.from_numpy(self.of(member))] = len(table)
        return hold, torch.cat([table, torch.zeros_like(table[:1])])


def mirrors(members: Sequence[Sequence[Clinging]], grid: Grid) -> tuple[tuple[Clinging, ...], ...]:
    """Of each member, the walls along nodes to slip on."""
    return tuple(
        tuple(
            wall
            for wall in walls
            if not wall.sticks
            and max(map(abs, wall.normal)) == 1.0
            and abs(wall.offset / grid.dx - round(wall.offset / grid.dx)) < 1e-6
        )
        for walls in members
    )


def images(layout: Placed, members: Sequence[Sequence[Clinging]]) -> Images:
    """Of the nodes that are kept."""
    found = {walls: images_of(layout, walls) for walls in {tuple(walls) for walls in members}}
    return Images.joined([found[tuple(walls)] for walls in members])


def images_of(
    layout: Placed, walls: Sequence[Clinging]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Behind several walls a node is the image of an image. Where that one is not kept, or lies behind another wall, a
    node has no image."""
    dim, dx = layout.grid.dim, layout.grid.dx
    at = np.rint(layout.positions / dx).astype(np.int64)
    front, sign = at.copy(), np.ones(at.shape)
    for wall in walls:
        normal = np.array(wall.normal)
        axis, plane = int(np.abs(normal).argmax()), round(wall.offset / dx)
        behind = normal[axis] * at[:, axis] < plane
        front[behind, axis] = 2 * round(normal[axis] * plane) - at[behind, axis]
        sign[behind] *= -1.0 if wall.sticks else 1.0 - 2.0 * np.abs(normal)
    away = (front != at).any(1)
    if not away.any():
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, dim))
    low = np.minimum(at.min(0), front.min(0))
    span = np.maximum(at.max(0), front.max(0)) - low + 1
    keys, wanted = np.ravel_multi_index((at - low).T, span), np.ravel_multi_index((front[away] - low).T, span)
    order = np.argsort(keys, kind="stable")
    found = order[np.searchsorted(keys, wanted, sorter=order).clip(max=len(keys) - 1)]
    kept = (keys[found] == wanted) & ~away[found]
    return np.flatnonzero(away)[kept], found[kept], sign[away][kept]
