"""Which points are close to each other, in batches of open and periodic boxes, and where they are from each other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.streams import on_torch_stream
from scenegrad.surrogates.particles.search import PRECISIONS, search

__all__ = ["apart", "close_pairs", "close_to"]

Wrap = Sequence[float] | None


def close_pairs(position: Tensor, radius: float, wrap: Wrap = None) -> Tensor:
    """All pairs of points within the radius, each once [2, pair]; points of other members are never among them.

    position: [batch, point, dim], numbered through. wrap: edges of a box that repeats, infinite along an axis that does
    not; positions may be unwrapped. The order is that of the first point, and of the second among equal ones.
    """
    found = find(position, position, radius, wrap, mutual=True)
    # Of an edge, which end finds it is chance in space and certain in number: the order must not depend on the grid.
    return found[:, torch.argsort(found[0] * (position.shape[0] * position.shape[1]) + found[1])]


def close_to(queries: Tensor, sources: Tensor, radius: float, wrap: Wrap = None) -> Tensor:
    """Which sources [batch, source, dim] are within the radius of which queries [batch, query, dim]: [2, pair], queries
    first, both numbered through."""
    return find(queries, sources, radius, wrap, mutual=False)


def apart(pairs: Tensor, queries: Tensor, sources: Tensor, wrap: Wrap = None) -> Tensor:
    """From the first point of each pair to the second [pair, dim], by the shortest way; differentiable.

    queries, sources: [batch, point, dim], that the two rows of `pairs` number.
    """
    d = sources.flatten(0, 1)[pairs[1]] - queries.flatten(0, 1)[pairs[0]]
    if wrap is None:
        return d
    box = d.new_tensor(wrap)
    return d - torch.where(box.isinf(), 0.0, box * torch.round(d.detach() / box))


@torch.no_grad()
def find(queries: Tensor, sources: Tensor, radius: float, wrap: Wrap, mutual: bool) -> Tensor:
    refuse_narrow(radius, wrap, sources.shape[-1])
    device, dtype = sources.device, sources.dtype if sources.dtype in PRECISIONS else torch.float32
    vec, real = PRECISIONS[dtype]
    x, y = (in_space(points, wrap, dtype) for points in (queries, sources))
    of_x, of_y = (members(points) for points in (queries, sources))
    edges = [0.0 if edge == float("inf") else float(edge) for edge in (*(wrap or ()), 0.0, 0.0, 0.0)]
    box, reach = (torch.tensor(numbers, dtype=dtype, device=device) for numbers in ([edges[:3]], [radius]))
    images = 3 ** sources.shape[-1] if any(edges) else 1
    count = torch.zeros(len(x), dtype=torch.int32, device=device)
    start = torch.zeros(len(x), dtype=torch.int64, device=device)
    found = start[:0]
    with on_torch_stream(device):
        grid = hash_grid(str(device), dtype, sources.shape[-1])
        grid.build(seen(y, vec), float(radius), groups=seen(of_y, wp.int32))
        for _ in range(2):  # first count, then write
            wp.launch(
                search(dtype), dim=len(x), device=str(device), record_tape=False,
                inputs=[
                    grid.id, seen(reach, real), seen(box, vec), images, int(mutual), seen(x, vec), seen(of_x, wp.int32),
                    seen(y, vec), seen(start, wp.int64), seen(count, wp.int32), seen(found, wp.int64),
                ],
            )  # fmt: skip
            if len(found):
                break
            end = count.cumsum(0, dtype=torch.int64)
            start = end - count
            found = torch.empty(int(end[-1]) if len(end) else 0, dtype=torch.int64, device=device)
            if not len(found):
                break
    first = torch.repeat_interleave(torch.arange(len(x), device=device), count.long(), output_size=len(found))
    return torch.stack([first, found])


def in_space(points: Tensor, wrap: Wrap, dtype: torch.dtype) -> Tensor:
    """In three dimensions [batch * point, 3], and inside the box where it repeats."""
    flat = points.detach().flatten(0, 1).to(dtype)
    if wrap is not None:
        box = flat.new_tensor(wrap)
        inside = flat - box * torch.floor(flat / box)
        inside = torch.where(inside >= box, 0.0, inside)  # of what is just below zero, by rounding
        flat = torch.where(box.isinf(), flat, inside)
    return torch.nn.functional.pad(flat, (0, 3 - flat.shape[1])).contiguous()


def members(points: Tensor) -> Tensor:
    """To which member of the batch each point belongs [batch * point]."""
    batch, count, _ = points.shape
    return torch.arange(batch, dtype=torch.int32, device=points.device).repeat_interleave(count)


def seen(tensor: Tensor, dtype: Any) -> Any:
    """torch's memory as Warp's array, which must not outlive it."""
    return wp.from_torch(tensor, dtype=dtype, requires_grad=False)


@cache
def hash_grid(device: str, dtype: torch.dtype, dim: int) -> wp.HashGrid:
    wp.init()  # a grid is made before the first launch
    cells = {1: (1024, 1, 1), 2: (128, 128, 1), 3: (32, 32, 32)}[dim]
    return wp.HashGrid(*cells, device=device, dtype=PRECISIONS[dtype][1])


def refuse_narrow(radius: float, wrap: Wrap, dim: int) -> None:
    if not radius > 0.0:
        raise EngineError(f"Neighbours within radius={radius} were asked for; it is a positive length.")
    if wrap is not None and (len(wrap) != dim or min(wrap) <= 2.0 * radius):
        raise EngineError(
            f"Neighbours within {radius:g} were asked for in a box with edges {tuple(wrap)}, in {dim} dimensions; it "
            f"has an edge for each, longer than twice the radius, so that no neighbour is met twice. Take a shorter "
            f"radius or a larger box, and float('inf') along axes that do not repeat."
        )
