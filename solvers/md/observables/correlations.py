"""How far atoms have gone, and how long they keep their direction: correlations with earlier frames.

Lags n every, n = 0 ... L; then, as often as spacings are doubled, half as many again, each time twice as far apart:
(L/2 + 1 ... L) 2^k. What is compared over long lags is remembered in frames as far apart as these lags are, so that
memory grows with their number and not with their length, and nothing is averaged before it is compared.
[after the multiple tau of Schatzel 1990, Quantum Opt. 2, 287, and Frenkel & Smit 2002, 4.4.2]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from scenegrad.scenes.atom_outputs import MSD, VelocityCorrelation
from scenegrad.scenes.outputs import Output
from scenegrad.solvers.md.observables.recall import Lookback, Recall, known
from scenegrad.solvers.md.state import AtomState

__all__ = ["CORRELATIONS", "correlated", "lags_of", "recall_of"]


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


def lags_of(output: MSD | VelocityCorrelation) -> Tensor:
    """All lags [lag], float64 [time]."""
    first = torch.arange(output.lags + 1, dtype=torch.float64)
    later = [first[output.lags // 2 + 1 :] * 2**k for k in range(1, output.doublings + 1)]
    return output.every * torch.cat([first, *later])


def recall_of(outputs: Mapping[str, Output], start: float) -> Recall:
    """What outputs that look back want to be remembered."""
    found: list[Lookback] = []
    taken: dict[str, int] = {}
    for name, output in outputs.items():
        if not isinstance(output, MSD | VelocityCorrelation):
            continue
        source, store, _ = CORRELATIONS[output.kind]
        for level in range(output.doublings + 1):
            place = taken.get(store, 0)
            found.append(Lookback(name, source, store, place, output.every * 2**level, start, output.lags))
            taken[store] = place + output.lags
    return Recall(tuple(found))


def correlated(
    state: AtomState, recall: Recall, name: str, compare: Callable[[Tensor, Tensor], Tensor], groups: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Means over the atoms of each group at all lags of an output, float64 [batch, lag]; not a number where nothing is
    remembered. groups: indices of atoms, by the name of the quantity."""
    numbers = recall.of(name)
    every = recall.outputs[numbers[0]].every
    now = getattr(state, recall.outputs[numbers[0]].source)
    parts, there = [compare(now, now[:, None])], [torch.ones(len(now), 1, dtype=torch.bool, device=now.device)]
    for index in numbers:
        one = recall.outputs[index]
        new = slice(0 if index == numbers[0] else one.lags // 2, None)  # the shorter half is known from finer frames
        parts.append(compare(now, getattr(state, one.store)[:, one.places][:, new]))
        there.append(known(state, index, one, numbers[0], every)[:, new])
    found, remembered = torch.cat(parts, dim=1), torch.cat(there, dim=1)
    means = {name: found[:, :, atoms].mean(dim=2, dtype=torch.float64) for name, atoms in groups.items()}
    return {name: torch.where(remembered, mean, torch.nan) for name, mean in means.items()}
