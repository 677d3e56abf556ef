"""Which atoms stand closest to each other, told to users."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

__all__ = ["apart", "closest", "named"]


def closest(points: np.ndarray, edges: np.ndarray, reach: float = np.inf) -> tuple[int, int, float] | None:
    """Numbers and distance of the two atoms that stand closest, if that is within reach.

    points: [atom, dim]; edges: of a box with right angles [dim], infinite along an axis on which nothing repeats.
    """
    wide = np.where(np.isfinite(edges), edges, 0.0)  # as a tree of points has it: no images along that axis
    folded = np.where(wide > 0.0, np.mod(points, np.where(wide > 0.0, wide, 1.0)), points)
    folded = np.where((wide > 0.0) & (folded >= wide), 0.0, folded)
    if len(points) < 2 or not np.isfinite(folded).all():
        return None
    far, partner = cKDTree(folded, boxsize=wide).query(folded, k=2)
    # Of atoms on one place either may come first.
    other = np.where(partner[:, 1] == np.arange(len(points)), partner[:, 0], partner[:, 1])
    first = int(far[:, 1].argmin())
    r = float(far[first, 1])
    i, j = sorted((first, int(other[first])))
    return (i, j, r) if r <= reach else None


def named(atom: int, names: Sequence[str], counts: Sequence[int]) -> str:
    """An atom by its number in the scene, and by species and number there."""
    start = 0
    for name, count in zip(names, counts, strict=True):
        if atom < start + count:
            return f"atom {atom} ({name} {atom - start})" if len(names) > 1 else f"atom {atom} ({name})"
        start += count
    return f"atom {atom}"


def apart(pair: tuple[int, int, float], names: Sequence[str], counts: Sequence[int]) -> str:
    i, j, r = pair
    return f"{named(i, names, counts)} and {named(j, names, counts)} are {r:.3g} apart"
