"""Hermite's scheme of fourth order, for forces whose rate of change is known: gravity."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.motions.pace import by_frequency
from scenegrad.solvers.md.motions.torch_motion import TorchMotion
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System

__all__ = ["HermiteMotion", "Rated", "aarseth"]

LANDING = 0.1  # of the pace: shorter steps tell nothing of higher derivatives but rounding


class Rated(Protocol):
    """A term that knows how its forces change."""

    def rates(self, x: Tensor, v: Tensor, params: Params) -> tuple[Tensor, Tensor]:
        """Acceleration and its rate of change, each [batch, atom, dim]."""
        ...


@dataclass(frozen=True)
class HermiteMotion(TorchMotion):
    """Predicts x and v by a and j = da/dt at the beginning; evaluates a', j' there and corrects, several times:

    v' = v + h (a + a')/2 + h^2 (j - j')/12,    x' = x + h (v + v')/2 + h^2 (a - a')/12.

    Fourth order, and symmetric in time once the corrections no longer change anything. The next step is as long as the
    derivatives at the end of this one say. [Makino & Aarseth 1992, Publ. Astron. Soc. Japan 44, 141]
    """

    terms: tuple[Rated, ...]
    accuracy: float
    corrections: int
    order = 4

    def rates(self, x: Tensor, v: Tensor, params: Params) -> tuple[Tensor, Tensor]:
        found = [term.rates(x, v, params) for term in self.terms]
        return sum((a for a, _ in found[1:]), found[0][0]), sum((jerk for _, jerk in found[1:]), found[0][1])

    def begin(self, system: System, state: AtomState, params: Params) -> AtomState:
        return replace(state, pace=self.first(system, state, params))

    def first(self, system: System, state: AtomState, params: Params) -> Tensor:
        """From the closest pair alone; for two bodies on a circle 0.7 of Aarseth's step."""
        return by_frequency(self.accuracy**0.5)(system, state, params)

    def pace(self, system: System, state: AtomState, params: Params) -> Tensor:
        assert state.pace is not None
        return state.pace

    def advance(self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> AtomState:
        h = dt.to(state.position)[:, None, None]
        x, v = state.position, state.velocity
        a, jerk = self.rates(x, v, params)
        x_after = x + h * (v + 0.5 * h * (a + h * jerk / 3.0))
        v_after = v + h * (a + 0.5 * h * jerk)
        for _ in range(self.corrections):
            a_after, jerk_after = self.rates(x_after, v_after, params)
            v_after = v + 0.5 * h * (a + a_after) + h.square() / 12.0 * (jerk - jerk_after)
            x_after = x + 0.5 * h * (v + v_after) + h.square() / 12.0 * (a - a_after)
        after = replace(state, position=x_after, velocity=v_after)
        with torch.no_grad():
            told = aarseth(a, jerk, a_after, jerk_after, h, self.accuracy)
            assert state.pace is not None
            landed = dt.to(state.pace) < LANDING * state.pace
            pace = torch.where(landed, self.first(system, after, params), told)
        return replace(after, pace=pace.detach())


def aarseth(a: Tensor, jerk: Tensor, a_after: Tensor, jerk_after: Tensor, h: Tensor, accuracy: float) -> Tensor:
    """dt = min over bodies of sqrt(eta (|a| |a''| + |a'|^2) / (|a'| |a'''| + |a''|^2)) at the end of a step of h, the
    higher derivatives from the cubic through both ends [batch], float64.   [Aarseth 1985, in Multiple Time Scales]"""
    change = a - a_after
    second = (-6.0 * change - h * (4.0 * jerk + 2.0 * jerk_after)) / h.square()
    third = (12.0 * change + 6.0 * h * (jerk + jerk_after)) / h**3
    second = second + h * third
    sizes = (one.double().norm(dim=2) for one in (a_after, jerk_after, second, third))
    s0, s1, s2, s3 = sizes
    square = accuracy * (s0 * s2 + s1.square()) / (s1 * s3 + s2.square())
    return square.sqrt().nan_to_num(nan=torch.inf).amin(dim=1)
