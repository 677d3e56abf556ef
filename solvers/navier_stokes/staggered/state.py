"""What a step of the projection method changes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["StaggeredState", "bits"]


@dataclass(frozen=True)
class StaggeredState:
    """A batch of flows on staggered grids [Harlow & Welch 1965, Phys. Fluids 8, 2182-2189].

    u stands at the middles of the faces across x: face i at x = i dx, cells + 1 of them along x, or as many as cells
    where x is periodic. v and w likewise. Pressure and tracers stand at the middles of the cells.

    What the step before left for a multi-step method: rates of change without pressure, along paths those of all
    change, and 1 / dt, which is 0 where there was none; in whole numbers, since dt is never differentiated. What is not
    needed is not there.
    """

    u: Float[Tensor, batch * x_faces]  # [m/s]
    v: Float[Tensor, batch * y_faces]  # [m/s]
    w: Float[Tensor, batch * z_faces] | None  # [m/s]
    pressure: Float[Tensor, batch * cells]  # [Pa]
    tracers: Float[Tensor, "batch tracer *cells"] | None
    u_rate: Float[Tensor, batch * x_faces] | None  # [m/s^2]
    v_rate: Float[Tensor, batch * y_faces] | None
    w_rate: Float[Tensor, batch * z_faces] | None
    tracer_rates: Float[Tensor, "batch tracer *cells"] | None
    pace: Int[Tensor, "batch 1"] | None  # [1/s], as `bits`
    felt: Float[Tensor, "batch watch 7"] | None  # of watched obstacles: impulse, its moment, time [N s, N m s, s]

    @property
    def velocity(self) -> tuple[Tensor, ...]:
        return (self.u, self.v) if self.w is None else (self.u, self.v, self.w)

    @property
    def rates(self) -> tuple[Tensor, ...] | None:
        if self.u_rate is None or self.v_rate is None:
            return None
        return (self.u_rate, self.v_rate) if self.w_rate is None else (self.u_rate, self.v_rate, self.w_rate)

    @property
    def frequency(self) -> Tensor:
        """1 / dt of the step before, 0 where there was none; float64 [batch] [1/s]."""
        assert self.pace is not None
        return self.pace.view(torch.float64)[:, 0]


def bits(numbers: Tensor) -> Tensor:
    """Those of doubles [batch], as whole numbers [batch, 1]."""
    return numbers.double().view(-1, 1).view(torch.int64)
