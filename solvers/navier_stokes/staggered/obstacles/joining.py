"""How bodies hold the samples near them: fluid and body are joined within a window of the grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.obstacles.motion import Pose
from scenegrad.solvers.navier_stokes.staggered.slices import but_first, but_last, first, last

__all__ = ["Held", "Immersion", "Place", "Window", "embedded"]

Place = tuple[slice, ...]  # of samples along each axis

# Times that a step joins fluid and body. Joining once leaves the fluid next to a surface the acceleration of one step,
# so that the body seems thinner the longer the step is. Measured on the cylinder at Reynolds 20 (docs/sources.md): its
# drag is 5.47 if joined once, 5.65 with four times, on ten cells across it.
REPEATS = 4


@dataclass(frozen=True)
class Window:
    """A block of cells beyond which no body is felt. spans: (first, end) along each axis."""

    spans: tuple[tuple[int, int], ...]

    @classmethod
    def around(cls, near: Tensor, grid: Grid) -> Window:
        """near [*cells]: whether a cell must be in it. Along a periodic axis all cells are, where the first or the last
        one is."""
        spans = []
        for axis, n in zip(grid.axes, grid.cells, strict=True):
            line = near.movedim(axis, 0).flatten(1).any(1)
            found = line.nonzero().flatten().tolist() or [0]
            lo, hi = found[0], found[-1] + 1
            spans.append((0, n) if grid.periodic[axis] and (lo == 0 or hi == n) else (lo, hi))
        return cls(tuple(spans))

    def place(self, grid: Grid, component: int | None) -> Place:
        ends = zip(grid.axes, self.spans, strict=True)
        return tuple(slice(lo, min(hi + (component == axis), grid.count(component, axis))) for axis, (lo, hi) in ends)


@dataclass(frozen=True)
class Held:
    """How the bodies hold the samples of one component, or of one tracer.

    share: mu_0 [batch, *samples], 1 beyond a window. Within it, near: the same; slopes: mu_1 n along each axis; own: V.
    """

    share: Tensor
    near: Tensor
    slopes: list[Tensor]
    own: Tensor | float
    place: Place

    @property
    def value(self) -> Tensor | float:
        """V, and 0 beyond the window, where nobody asks for it."""
        if not isinstance(self.own, Tensor):
            return self.own
        like = (
            self.share if len(self.share) >= len(self.own) else self.share.expand(len(self.own), *self.share.shape[1:])
        )
        return embedded(torch.zeros_like(like), self.own.expand_as(like[(slice(None), *self.place)]), self.place)

    def joined(self, fluid: Tensor, grid: Grid) -> Tensor:
        """V + B^n f, with B f = mu_0 f + mu_1 n.grad f and f = fluid - V."""
        own: Tensor | None = None
        if isinstance(self.own, Tensor):
            own = self.own
        elif self.own:
            own = self.near.new_full([1] * self.near.ndim, self.own)
        found: Tensor = Joined.apply(self.place, grid.periodic, fluid, own, self.near, *self.slopes)
        return found


@dataclass(frozen=True)
class Immersion:
    """All bodies at one time. components: by axis; insulating: mu_0 of the bodies that let nothing of a tracer pass,
    on the faces across each axis; parts: share of each body in what is solid at a face, by body and axis."""

    components: list[Held]
    tracers: dict[int, Held]
    insulating: dict[int, list[Tensor]]
    nearest: list[list[Tensor]]
    poses: list[Pose]


class Joined(torch.autograd.Function):
    """Of a window of the fluid; beyond it nothing changes."""

    @staticmethod
    def forward(
        ctx: Any,
        place: Place,
        periodic: tuple[bool, ...],
        fluid: Tensor,
        own: Tensor | None,
        share: Tensor,
        *slopes: Tensor,
    ) -> Tensor:
        near = fluid[(slice(None), *place)]
        f = near.clone() if own is None else near - own
        ctx.place, ctx.periodic, ctx.alone = place, periodic, own is None
        ctx.save_for_backward(f, share, *slopes)
        for _ in range(REPEATS):
            f = once(f, share, slopes, periodic)
        found = fluid.clone() if len(fluid) == len(f) else fluid.expand(len(f), *fluid.shape[1:]).clone()
        # what no body is near stays to the last bit, wherever windows end
        found[(slice(None), *place)] = f if own is None else torch.where(share < 1.0, f + own, near)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, bar: Tensor) -> tuple[Tensor | None, ...]:
        f, share, *slopes = ctx.saved_tensors
        place, periodic = ctx.place, ctx.periodic
        learns = any(ctx.needs_input_grad[4:])
        powers = [f]
        for _ in range(REPEATS - 1 if learns else 0):
            powers.append(once(powers[-1], share, slopes, periodic))
        axes = range(-len(slopes), 0)
        after = g = bar[(slice(None), *place)]
        share_bar: Tensor | None = None
        slope_bars: list[Tensor | None] = [None] * len(slopes)
        for n in reversed(range(REPEATS)):
            if learns:
                share_bar = total(share_bar, g * powers[n])
                slope_bars = [
                    total(each, g * central(powers[n], axis, periodic[axis]))
                    for axis, each in zip(axes, slope_bars, strict=True)
                ]
            back = share * g
            for axis, slope in zip(axes, slopes, strict=True):
                back = back + central_bar(slope * g, axis, periodic[axis])
            g = back
        found = bar.clone()
        found[(slice(None), *place)] = g
        own_bar = (after - g) if ctx.needs_input_grad[3] else None
        numbers = [
            None if one is None or not wanted else one.sum_to_size(like.shape)
            for one, like, wanted in zip(
                (share_bar, *slope_bars), (share, *slopes), ctx.needs_input_grad[4:], strict=True
            )
        ]
        return None, None, found, own_bar, *numbers


def once(f: Tensor, share: Tensor, slopes: Sequence[Tensor], periodic: Sequence[bool]) -> Tensor:
    found = share * f
    for axis, slope in zip(range(-len(slopes), 0), slopes, strict=True):
        found = torch.addcmul(found, slope, central(f, axis, periodic[axis]))
    return found


def total(a: Tensor | None, b: Tensor) -> Tensor:
    return b if a is None else a.add_(b)


def central(f: Tensor, axis: int, periodic: bool) -> Tensor:
    """(f_i+1 - f_i-1) / 2, one-sided at the ends."""
    ends = (last(f, axis), first(f, axis)) if periodic else (first(f, axis), last(f, axis))
    return halves(torch.cat([ends[0], f, ends[1]], dim=axis), axis)


def central_bar(g: Tensor, axis: int, periodic: bool) -> Tensor:
    """Its transpose."""
    ends = (last(g, axis), first(g, axis)) if periodic else (-first(g, axis), -last(g, axis))
    return halves(torch.cat([ends[0], g, ends[1]], dim=axis), axis).neg_()


def halves(padded: Tensor, axis: int) -> Tensor:
    ahead, behind = but_first(but_first(padded, axis), axis), but_last(but_last(padded, axis), axis)
    return (ahead - behind).mul_(0.5)


def embedded(around: Tensor, part: Tensor, place: Place) -> Tensor:
    """`part` in its place amid constants."""
    found: Tensor = Embedded.apply(around, part, place)
    return found


class Embedded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, around: Tensor, part: Tensor, place: Place) -> Tensor:
        ctx.place = place
        found = around.expand(len(part), *around.shape[1:]).clone()
        found[(slice(None), *place)] = part
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, bar: Tensor) -> tuple[Tensor | None, ...]:
        return None, bar[(slice(None), *ctx.place)].clone(), None
