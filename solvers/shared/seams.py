"""Bodies that are cut off where a box wraps: the rest of them does not come in at the other side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scenegrad.scenes.domain import AXES

__all__ = ["cut_off", "is_cut", "on_side"]

Array = NDArray[np.float64]


def on_side(size: Sequence[float], cells: Sequence[int], axis: int, side: int) -> Array:
    """Middles of the faces on a side of a box [point, dim]."""
    columns = [(np.arange(n) + 0.5) * length / n for length, n in zip(size, cells, strict=True)]
    columns[axis] = np.array([size[axis] if side else 0.0])
    return np.stack([p.ravel() for p in np.meshgrid(*columns, indexing="ij")], axis=1)


def is_cut(lower: Array, upper: Array, cell: float) -> bool:
    """Whether solid on one side of a seam meets something else on the other. lower, upper: distances of the same faces
    from what is solid, at both sides."""
    solid = (lower < 0.0) | (upper < 0.0)
    gap = np.abs(np.clip(lower, -cell, cell) - np.clip(upper, -cell, cell))
    return bool((solid & (gap > 0.25 * cell)).any())


def cut_off(axis: int, length: float, when: str = "") -> str:
    """What is wrong with such a body."""
    return (
        f"is cut off where the box wraps along {AXES[axis]}{when}: what reaches beyond one side does not come in at "
        f"the other. Move it in, or join it by | with a copy of itself {length:.4g} m away"
    )
