"""What bodies at rest hold, worked out once for the same numbers, and differentiated as often as a step asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from scenegrad.solvers.navier_stokes.staggered.obstacles.joining import Immersion

__all__ = ["recalled"]


def recalled(graph: Immersion, leaves: Sequence[Tensor], values: Sequence[Tensor]) -> Immersion:
    """An immersion that depends on `values` as `graph` does on its leaves, which are equal to them."""
    parts: list[Tensor] = []

    def told(tensor: Tensor) -> Tensor:
        parts.append(tensor)
        return tensor

    rebuilt(graph, told)
    found = iter(Recalled.apply(parts, leaves, *values))
    return rebuilt(graph, lambda tensor: next(found))


def rebuilt(given: Immersion, change: Callable[[Tensor], Tensor]) -> Immersion:
    """With every tensor changed, one after the other; masks of what is nearest have no derivative and stay."""

    def held(one: Any) -> Any:
        own = change(one.own) if isinstance(one.own, Tensor) else one.own
        slopes = [change(slope) for slope in one.slopes]
        return replace(one, share=change(one.share), near=change(one.near), slopes=slopes, own=own)

    return replace(
        given,
        components=[held(one) for one in given.components],
        tracers={number: held(one) for number, one in given.tracers.items()},
        insulating={number: [change(face) for face in faces] for number, faces in given.insulating.items()},
        poses=[replace(pose, center=[change(c) for c in pose.center]) for pose in given.poses],
    )


class Recalled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, parts: Sequence[Tensor], leaves: Sequence[Tensor], *values: Tensor) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.parts, ctx.leaves = parts, leaves
        return tuple(part.detach() for part in parts)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *bars: Tensor | None) -> tuple[Tensor | None, ...]:
        pairs = [(part, bar) for part, bar in zip(ctx.parts, bars, strict=True) if bar is not None]
        pairs = [(part, bar) for part, bar in pairs if part.requires_grad]
        wanted = [n for n in range(len(ctx.leaves)) if ctx.needs_input_grad[2 + n]]
        found: list[Tensor | None] = [None] * len(ctx.leaves)
        if pairs and wanted:
            outputs, cotangents = zip(*pairs, strict=True)
            leaves = [ctx.leaves[n] for n in wanted]
            each = torch.autograd.grad(outputs, leaves, cotangents, retain_graph=True, allow_unused=True)
            for n, bar in zip(wanted, each, strict=True):
                found[n] = bar
        return None, None, *found
