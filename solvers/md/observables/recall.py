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
    """Where an output remembers `source` as it was at the last `lags` frames, one `every` from `start` on.

    An output whose lags are spaced wider and wider has several.
    """

    output: str  # its name
    source: str  # a field of the state: position or velocity
    store: str  # the field where it is remembered, the latest first: [batch, lag, ...]
    first: int  # place there of the latest
    every: float  # [time]
    start: float
    lags: int

    @property
    def places(self) -> slice:
        """In the store."""
        return slice(self.first, self.first + self.lags)

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
        # Those of one store follow each other: the last one of each says how much room it takes.
        made = {one.store: empty(getattr(state, one.source), one.places.stop) for one in self.outputs}
        looked = torch.zeros(len(state.position), len(self.outputs), 2, dtype=torch.float64, device=state.step.device)
        return replace(state, looked=looked, **made)

    def keep(self, state: AtomState, time: Tensor) -> AtomState:
        """The state at this time [batch], with what frames that are due now leave behind."""
        idle = ""
        for index, one in enumerate(self.outputs):
            if one.output == idle:  # frames further apart are among those that are not due
                continue
            if not bool((mask := one.due(time.cpu())).any()):
                idle = one.output
                continue
            assert state.looked is not None
            store, fresh = getattr(state, one.store), getattr(state, one.source)
            now, due = time.to(state.looked), mask.to(store.device)
            count, before = state.looked[:, index].unbind(dim=1)
            follows = (now - before - one.every).abs() <= SAME * now.abs().clamp(min=one.every)
            count = torch.where(follows, count, 0.0) + 1.0
            looked = state.looked.clone()
            looked[:, index] = torch.where(due[:, None], torch.stack([count, now], dim=1), looked[:, index])
            row = store[:, one.places]
            moved = torch.cat([fresh[:, None], row[:, :-1]], dim=1)
            if not bool(mask.all()):
                moved = torch.where(due.view(-1, 1, 1, 1), moved, row)
            if one.lags < store.shape[1]:
                moved = torch.cat([store[:, : one.places.start], moved, store[:, one.places.stop :]], dim=1)
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
            due, row = one.due(time.cpu()).to(bar.device).view(-1, 1, 1, 1), bar[:, one.places]
            before = torch.where(due, torch.cat([row[:, 1:], torch.zeros_like(row[:, :1])], dim=1), row)
            bars[one.store] = torch.cat([bars[one.store], before], dim=1) if one.first else before
            first = torch.where(due[:, 0], row[:, 0], 0.0)
            given = bars.get(one.source)
            bars[one.source] = first if given is None else given + first
        return bars

    def of(self, output: str) -> tuple[int, ...]:
        """Numbers of what is remembered for an output."""
        return tuple(n for n, one in enumerate(self.outputs) if one.output == output)


def empty(source: Tensor, lags: int) -> Tensor:
    return torch.zeros(len(source), lags, *source.shape[1:], dtype=source.dtype, device=source.device)


def known(state: AtomState, index: int, one: Lookback, clock: int, every: float) -> Tensor:
    """Which of the lags 1 ... lags reach back to a frame that is remembered [batch, lag]; of frames wider apart than
    those of the output, one `every`, none does while no such frame is due. clock: number of what remembers each."""
    assert state.looked is not None
    count, last = state.looked[:, index].unbind(dim=1)
    now = state.looked[:, clock, 1] + every
    due = (now - last - one.every).abs() <= 0.5 * every
    lag = torch.arange(1, one.lags + 1, device=count.device)
    return due[:, None] & (lag <= count[:, None])
