"""How far atoms have gone, and how long they keep their direction: correlations with earlier frames."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from scenegrad.solvers.md.observables.recall import Lookback, known
from scenegrad.solvers.md.state import AtomState

__all__ = ["CORRELATIONS", "correlated"]


def squared_distance(now: Tensor, before: Tensor) -> Tensor:
    return (now[:, None] - before).square().sum(dim=3)


def product(now: Tensor, before: Tensor) -> Tensor:
    return (now[:, None] * before).sum(dim=3)


# Source in the state, where it is remembered, and what is computed of now [batch, atom, dim] and before [batch, lag,
# atom, dim].
CORRELATIONS: dict[str, tuple[str, str, Callable[[Tensor, Tensor], Tensor]]] = {
    "msd": ("position", "places", squared_distance),
    "velocity_correlation": ("velocity", "speeds", product),
}


def correlated(
    state: AtomState, index: int, one: Lookback, compare: Callable[[Tensor, Tensor], Tensor], groups: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Means over the atoms of each group at lags 0 ... lags, float64 [batch, lag]; not a number where nothing is
    remembered yet. groups: indices of atoms, by the name of the quantity."""
    now, before = getattr(state, one.source), getattr(state, one.store)
    found = torch.cat([compare(now, now[:, None]), compare(now, before)], dim=1)
    there = known(state, index, one.lags)
    means = {name: found[:, :, atoms].mean(dim=2, dtype=torch.float64) for name, atoms in groups.items()}
    return {name: torch.where(there, mean, torch.nan) for name, mean in means.items()}
