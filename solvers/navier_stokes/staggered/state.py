"""What a step of the projection method changes."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

__all__ = ["StaggeredState"]


@dataclass(frozen=True)
class StaggeredState:
    """A batch of flows on staggered grids [Harlow & Welch 1965, Phys. Fluids 8, 2182-2189].

    u stands at the middles of the faces across x: face i at x = i dx, cells + 1 of them along x, or as many as cells
    where x is periodic. v and w likewise. Pressure and tracers stand at the middles of the cells.

    What the step before left for a multi-step method: rates of change without pressure, along paths those of all
    change, and 1 / dt, which is 0 where there was none. What is not needed is not there.
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
    pace: Float[Tensor, "batch 1"] | None  # [1/s]
    felt: Float[Tensor, "batch watch 7"] | None  # of watched obstacles: impulse, its moment, time [N s, N m s, s]

    @property
    def velocity(self) -> tuple[Tensor, ...]:
        return (self.u, self.v) if self.w is None else (self.u, self.v, self.w)

    @property
    def rates(self) -> tuple[Tensor, ...] | None:
        if self.u_rate is None or self.v_rate is None:
            return None
        return (self.u_rate, self.v_rate) if self.w_rate is None else (self.u_rate, self.v_rate, self.w_rate)
