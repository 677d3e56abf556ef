"""A field with ghosts beyond both ends of an axis, as one node of torch's graph.

A ghost is a combination of the value at the side and of the two samples next to it. Taking slices and joining them says
the same, but the way back through a slice fills a field with zeros, and there are dozens of slices in a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["Ghost", "faced", "padded", "wrapped"]


@dataclass(frozen=True)
class Ghost:
    """value * (what holds at the side) + edge * (outermost sample) + within * (the next one)."""

    value: float
    edge: float
    within: float = 0.0


def padded(
    q: Tensor, axis: int, ghosts: tuple[Sequence[Ghost], Sequence[Ghost]], values: tuple[Tensor | None, Tensor | None]
) -> Tensor:
    """ghosts: at the lower and the upper end, from the side outwards; values: what holds there, None for zero."""
    found: Tensor = Padded.apply(q, axis, ghosts, *values)
    return found


def wrapped(q: Tensor, axis: int, before: int, after: int) -> Tensor:
    """The last samples once more before the first, and the first after the last."""
    found: Tensor = Wrapped.apply(q, axis, before, after)
    return found


def faced(q: Tensor, axis: int, held: tuple[bool, bool], values: tuple[Tensor | None, Tensor | None]) -> Tensor:
    """With the values in the place of the outermost samples at the ends that hold one; None for zero."""
    found: Tensor = Faced.apply(q, axis, held, *values)
    return found


class Faced(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, q: Tensor, axis: int, held: tuple[bool, bool], lo: Tensor | None, hi: Tensor | None
    ) -> Tensor:
        ctx.axis, ctx.held = axis, held
        ctx.shapes = [None if value is None else value.shape for value in (lo, hi)]
        found = q.clone(memory_format=torch.contiguous_format)
        for place, holds, value in zip((0, -1), held, (lo, hi), strict=True):
            if holds:
                slab = found.narrow(axis, place, 1)
                slab.zero_() if value is None else slab.copy_(value)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, bar: Tensor) -> tuple[Tensor | None, ...]:
        q_bar, values = bar.clone(memory_format=torch.contiguous_format), list[Tensor | None]()
        for end, (place, holds, shape) in enumerate(zip((0, -1), ctx.held, ctx.shapes, strict=True)):
            needed = holds and shape is not None and ctx.needs_input_grad[3 + end]
            values.append(bar.narrow(ctx.axis, place, 1).sum_to_size(shape) if needed else None)
            if holds:
                q_bar.narrow(ctx.axis, place, 1).zero_()
        return q_bar, None, None, *values


class Padded(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, q: Tensor, axis: int, ghosts: tuple[Sequence[Ghost], ...], lo: Tensor | None, hi: Tensor | None
    ) -> Tensor:
        ctx.axis, ctx.ghosts = axis, ghosts
        ctx.shapes = [None if value is None else value.shape for value in (lo, hi)]
        n = q.shape[axis]
        columns = []
        for end, value in enumerate((lo, hi)):
            edge, within = (q.narrow(axis, place, 1) for place in ((0, min(1, n - 1)) if end == 0 else (n - 1, n - 2)))
            column = []
            for ghost in ghosts[end]:
                slab = edge if ghost.edge == 1.0 else edge * ghost.edge
                if ghost.within:
                    slab = slab.add(within, alpha=ghost.within)
                if value is not None and ghost.value:
                    slab = slab.add(value, alpha=ghost.value)
                column.append(slab)
            columns.append(column)
        return torch.cat([*reversed(columns[0]), q, *columns[1]], dim=axis)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, bar: Tensor) -> tuple[Tensor | None, ...]:
        axis, (below, above) = ctx.axis, ctx.ghosts
        n = bar.shape[axis] - len(below) - len(above)
        q_bar = bar.narrow(axis, len(below), n).clone(memory_format=torch.contiguous_format)
        values: list[Tensor | None] = []
        for end, ghosts in enumerate((below, above)):
            edge, within = (0, min(1, n - 1)) if end == 0 else (n - 1, n - 2)
            shape = ctx.shapes[end]
            value = None
            for k, ghost in enumerate(ghosts):
                slab = bar.narrow(axis, len(below) - 1 - k if end == 0 else len(below) + n + k, 1)
                q_bar.narrow(axis, edge, 1).add_(slab, alpha=ghost.edge)
                if ghost.within:
                    q_bar.narrow(axis, within, 1).add_(slab, alpha=ghost.within)
                if shape is not None and ghost.value and ctx.needs_input_grad[3 + end]:
                    part = slab.mul(ghost.value).sum_to_size(shape)
                    value = part if value is None else value + part
            values.append(value)
        return q_bar, None, None, *values


class Wrapped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, axis: int, before: int, after: int) -> Tensor:
        ctx.axis, ctx.before, ctx.after = axis, before, after
        n = q.shape[axis]
        pieces = [q.narrow(axis, n - before, before)] if before else []
        return torch.cat([*pieces, q, q.narrow(axis, 0, after)] if after else [*pieces, q], dim=axis)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, bar: Tensor) -> tuple[Tensor | None, ...]:
        axis, before, after = ctx.axis, ctx.before, ctx.after
        n = bar.shape[axis] - before - after
        q_bar = bar.narrow(axis, before, n).clone(memory_format=torch.contiguous_format)
        if before:
            q_bar.narrow(axis, n - before, before).add_(bar.narrow(axis, 0, before))
        if after:
            q_bar.narrow(axis, 0, after).add_(bar.narrow(axis, before + n, after))
        return q_bar, None, None, None
