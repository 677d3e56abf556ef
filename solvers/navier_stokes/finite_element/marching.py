"""BDF2 with steps of any length."""

from __future__ import annotations

from torch import Tensor

__all__ = ["before_last", "rates"]


def rates(u: Tensor, before: Tensor, pace: Tensor, dt: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(c, m, ahead): du/dt at the end of the step is c u_new + m, and `ahead` is u extrapolated to there.

    With r the length of this step over that of the last one,
    du/dt dt = (1 + 2 r) / (1 + r) u_new - (1 + r) u + r^2 / (1 + r) u_before [Hairer, Norsett & Wanner, Solving ODEs I,
    section III.5]. pace: 1 over the last length, 0 where there was none, which makes it backward Euler. All are
    [batch, ...].
    """
    ratio = dt * pace
    ones = [1] * (u.ndim - 1)

    def each(value: Tensor) -> Tensor:
        return value.view(-1, *ones)

    memory = (each(ratio**2 / (1.0 + ratio)) * before - each(1.0 + ratio) * u) / each(dt)
    return (1.0 + 2.0 * ratio) / ((1.0 + ratio) * dt), memory, u + each(ratio) * (u - before)


def before_last(u: Tensor, steady: bool, after: Tensor) -> Tensor:
    """What the next step remembers: nothing of it matters to a steady state."""
    return after if steady else u
