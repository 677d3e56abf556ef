"""What rigid things have been given since the last frame that looks at them: the force on them is its mean in time."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.numbers import Numbers
from scenegrad.solvers.mpm.rigid.numbers import rigid_numbers

__all__ = ["Watch", "feel"]


@dataclass(frozen=True)
class Watch:
    """An obstacle whose force somebody wants to know, and when the frames are."""

    obstacle: int
    still: bool  # torques about the origin, else about the centre of what moves
    every: float  # [s]
    start: float

    def kept(self, time: Tensor, dt: Tensor) -> Tensor:
        """0 where a frame lies at the beginning of the step, 1 elsewhere [batch]; float64."""
        frame = self.start + self.every * ((time - self.start) / self.every).round()
        return ((time - frame).abs() >= 0.5 * dt).double()

    def mean(self, felt: Tensor, dim: int) -> dict[str, Tensor]:
        """Force [N], [batch, dim] and torque [N m], [batch] where dim = 2, of what was felt [batch, FELT]."""
        mean = felt[:, :6] / torch.where(felt[:, 6:] > 0, felt[:, 6:], 1.0)
        return {"force": mean[:, :dim], "torque": mean[:, 5] if dim == 2 else mean[:, 3:]}


@cache
def feel(n: Numbers) -> Any:
    """(J, L, t)' = kept (J, L, t) + (P, T + X x P, dt): impulse [N s], its moment [N m s] and the time they took.

    P, T: what contact gives an obstacle in the step, T about its place; X is that place where the moment is wanted
    about the origin, else 0; kept: 0 in the first step after a frame.
    """
    r = rigid_numbers(n)
    real, vec, Pose, Twist, Felt = r.real, r.vec, r.pose, r.twist, r.felt

    @wp.kernel(module="unique")
    def kernel(
        dt_in: wp.array[real],
        watched_in: wp.array[int],
        still_in: wp.array[int],
        kept_in: wp.array2d[real],
        now_in: wp.array2d[Pose],
        push_in: wp.array2d[Twist],
        grip_in: wp.array2d[Twist],
        felt_in: wp.array2d[Felt],
        felt_out: wp.array2d[Felt],
    ):
        b, q = wp.tid()
        c = watched_in[q]
        push, now = push_in[b, c] + grip_in[b, c], now_in[b, c]
        impulse, moment = vec(push[0], push[1], push[2]), vec(push[3], push[4], push[5])
        if still_in[q] != 0:
            moment = moment + wp.cross(vec(now[0], now[1], now[2]), impulse)
        felt_out[b, q] = kept_in[b, q] * felt_in[b, q] + Felt(
            impulse[0], impulse[1], impulse[2], moment[0], moment[1], moment[2], dt_in[b]
        )

    return kernel
