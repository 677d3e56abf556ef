"""What atoms were doing at earlier frames, remembered in the state for outputs that compare with it.

A step that begins at the time of a frame first stores where the atoms are: so what was remembered is part of the state,
a run that is taken up again goes on with the same bits, and gradients reach back through it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.state import with_tensors
from scenegrad.solvers.md.state import AtomState

__all__ = ["Lookback", "Recall", "known"]

SAME = 1e-9  # relative distance below which two times are one


@dataclass(frozen=True)
class Lookback:
    """An output that compares `source` with what it was at the last `lags` frames, one `every` from `start` on."""

    source: str  # a field of the state: position or velocity
    store: str  # where it is remembered, the latest first: [batch, lag, ...]
    every: float  # [time]
    start: float
    lags: int

    def due(self, time: Tensor) -> Tensor:
        """Members that stand at a frame [batch], bool."""
        frame = torch.round((time - self.start) / self.every).clamp(min=0.0)
        return (time - self.start - frame * self.every).abs() <= SAME * time.abs().clamp(min=self.every)


@dataclass(frozen=True)
class Recall:
    """All that is remembered for the outputs of a scene."""

    outputs: tuple[Lookback, ...] = ()

    def begin(self, state: AtomState) -> AtomState:
        """With room for what will be remembered, and nothing in it."""
        if not self.outputs:
            return state
        made = {one.store: empty(getattr(state, one.source), one.lags) for one in self.outputs}
        looked = torch.zeros(len(state.position), len(self.outputs), 2, dtype=torch.float64, device=state.step.device)
        return replace(state, looked=looked, **made)

    def keep(self, state: AtomState, time: Tensor) -> AtomState:
        """The state at this time [batch], with what frames that are due now leave behind."""
        for index, one in enumerate(self.outputs):
            if not bool((mask := one.due(time.cpu())).any()):
                continue
            assert state.looked is not None
            store, fresh = getattr(state, one.store), getattr(state, one.source).detach()
            now, due = time.to(state.looked), mask.to(store.device)
            count, before = state.looked[:, index].unbind(dim=1)
            follows = (now - before - one.every).abs() <= SAME * now.abs().clamp(min=one.every)
            count = torch.where(follows, count, 0.0) + 1.0
            looked = state.looked.clone()
            looked[:, index] = torch.where(due[:, None], torch.stack([count, now], dim=1), looked[:, index])
            moved = torch.cat([fresh[:, None], store[:, :-1]], dim=1)
            if not bool(mask.all()):
                moved = torch.where(due.view(-1, 1, 1, 1), moved, store)
            state = with_tensors(replace(state, looked=looked), {one.store: moved})
        return state

    def other(self, cotangent: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Cotangents of what is no part of the memory."""
        stores = {"looked", *(one.store for one in self.outputs)}
        return {name: bar for name, bar in cotangent.items() if name not in stores}

    def pull_back(self, time: Tensor, cotangent: Mapping[str, Tensor], moved: dict[str, Tensor]) -> dict[str, Tensor]:
        """Adds the transposed derivative of `keep` to that of the motion."""
        bars = dict(moved)
        for one in self.outputs:
            if (bar := cotangent.get(one.store)) is None:
                continue
            due = one.due(time.cpu()).to(bar.device).view(-1, 1, 1, 1)
            bars[one.store] = torch.where(due, torch.cat([bar[:, 1:], torch.zeros_like(bar[:, :1])], dim=1), bar)
            first = torch.where(due[:, 0], bar[:, 0], 0.0)
            given = bars.get(one.source)
            bars[one.source] = first if given is None else given + first
        return bars

    def find(self, store: str) -> int:
        return next(n for n, one in enumerate(self.outputs) if one.store == store)


def empty(source: Tensor, lags: int) -> Tensor:
    return torch.zeros(len(source), lags, *source.shape[1:], dtype=source.dtype, device=source.device)


def known(state: AtomState, index: int, lags: int) -> Tensor:
    """Which of the lags 0 ... lags reach back to a frame that is remembered [batch, lag]."""
    assert state.looked is not None
    lag = torch.arange(lags + 1, device=state.looked.device)
    return lag <= state.looked[:, index, :1]
