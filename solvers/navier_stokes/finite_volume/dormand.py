"""Steps by the 5(4) pair of Dormand and Prince, for strict tolerances where a flow is smooth.

Its stages are no convex combinations of Euler's steps, so that at strong shocks it may make densities or pressures that
are not positive; where a tolerance is held, such a step is taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.finite_volume.rooms import Rooms
from scenegrad.solvers.navier_stokes.finite_volume.tables import Tables
from scenegrad.solvers.navier_stokes.finite_volume.workspace import Workspace
from scenegrad.solvers.shared.dormand_prince import ESTIMATE, ESTIMATE_ORDER, ROWS

__all__ = ["DormandPrince"]

STAGES = len(ROWS) - 1
RESULT = ROWS[-1]
EULER = 0  # the stage of a workspace that is a step of Euler's


class DormandPrince:
    """The same four verbs as the steps of a workspace. A slope is dt times the rate of change.

    reach: its bound, in units of that of SSPRK3: 1.25 with WENO5, more with MUSCL.
    """

    order, estimate_order, reach = 5, ESTIMATE_ORDER, 1.25

    def __init__(self, work: Workspace):
        self.work = work

    def slope(self, arguments: dict[str, Any], state: Tensor, kept: Rooms, stage: int) -> Tensor:
        work, after = self.work, torch.empty_like(state)
        arguments |= {"u": work.view(state), "begin": work.view(state), **work.between(kept, stage)}
        work.fill.run(arguments)
        work.advance(arguments, EULER, after)
        return after.sub_(state)

    def step(self, u: Tensor, tables: Tables, dt: Tensor, entered: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The state after the step, and what parts it from that of fourth order [batch, field, cell]."""
        arguments = self.work.arguments(tables, dt)
        slopes: list[Tensor] = []
        state = u
        for row, share in zip(ROWS, (*RESULT, 0.0), strict=True):
            state = combined(u, row, slopes)
            slopes.append(self.slope(arguments, state, self.work.scratch, 0))
            if share != 0.0:
                self.work.count_in(entered, dt, share, self.work.scratch)
        return state, combined(torch.zeros_like(u), ESTIMATE, slopes)

    def ahead(
        self, u: Tensor, tables: Tables, dt: Tensor, kept: Rooms, whole: bool, entered: Tensor | None = None
    ) -> Tensor:
        """What the transpose needs of a step, into `kept`; the state after it."""
        arguments = self.work.arguments(tables, dt)
        slopes: list[Tensor] = []
        for stage, row in enumerate(ROWS[:STAGES]):
            state = u if stage == 0 else kept.empty(f"stage {stage}", *u.shape[1:]).copy_(combined(u, row, slopes))
            slopes.append(self.slope(arguments, state, kept, stage))
            if whole:
                self.work.count_in(entered, dt, RESULT[stage], kept, stage)
        return combined(u, RESULT, slopes)

    def back(
        self, u: Tensor, tables: Tables, dt: Tensor, kept: Rooms, bar: Tensor, entered_bar: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Cotangents of the state before the step and of the tables, from those of the state after it and of what came
        in."""
        work = self.work
        arguments, gathered = work.arguments(tables, dt), work.gathered(tables)
        start, nothing = bar.clone(), torch.zeros_like(u)
        slope_bars = [weight * bar for weight in RESULT]
        for stage in reversed(range(STAGES)):
            state = u if stage == 0 else kept.made[f"stage {stage}"]
            arguments["begin"] = work.view(state)
            before, after = torch.zeros_like(u), slope_bars[stage]
            came = work.share_of(entered_bar, dt, RESULT[stage])
            work.back_through(arguments, gathered, kept, stage, 0.0, state, (nothing, before, after), came)
            before -= after
            start += before
            for earlier, weight in enumerate(ROWS[stage]):
                slope_bars[earlier].add_(before, alpha=weight)
        return start, gathered


def combined(u: Tensor, row: Sequence[float], slopes: Sequence[Tensor]) -> Tensor:
    total = u.clone()
    for weight, slope in zip(row, slopes, strict=True):
        if weight != 0.0:
            total.add_(slope, alpha=weight)
    return total
