"""A smooth field through scattered points that carry it."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.surrogates.particles.neighbours import apart, close_to

__all__ = ["farthest_points", "spread"]

STIFF = 1e-6  # of the mean square distance: where carriers lie on a line, the field does not vary across it
MANY = 2**22  # distances looked at together


def spread(queries: Tensor, carriers: Tensor, values: Tensor, reach: float) -> Tensor:
    """The field at `queries` [batch, query, dim] of which `values` [batch, carrier, component] are given at `carriers`.

        u(x) = sum_c w_c(x) (u_c + G_c (x - x_c)) / sum_c w_c(x)

    w(r) = (1 - r/R)^4 (1 + 4 r/R) [Wendland 1995], R = reach; G_c the gradient that fits the carriers around c best, in
    the same weights [Franke & Nielson 1980]. A linear field is given back as it is. Where no carrier is in reach the
    nearest one speaks alone. Differentiable.
    """
    batch, _, dim = carriers.shape
    x, u = carriers.flatten(0, 1), values.flatten(0, 1)
    pairs = close_to(carriers, carriers, reach)
    d, w = ways(pairs, carriers, carriers, reach)
    square = summed(pairs[0], w[:, None, None] * d[:, :, None] * d[:, None, :], len(x))
    slope = summed(pairs[0], w[:, None, None] * (u[pairs[1]] - u[pairs[0]])[:, :, None] * d[:, None, :], len(x))
    size = square.diagonal(dim1=1, dim2=2).mean(1) + torch.finfo(u.dtype).tiny
    eye = torch.eye(dim, dtype=u.dtype, device=u.device)
    gradient = torch.linalg.solve(square + STIFF * size[:, None, None] * eye, slope.mT).mT  # [carrier, component, dim]
    pairs = close_to(queries, carriers, reach)
    d, w = ways(pairs, queries, carriers, reach)
    told = u[pairs[1]] - (gradient[pairs[1]] @ d[:, :, None])[:, :, 0]
    points = queries.shape[0] * queries.shape[1]
    total = summed(pairs[0], w, points)
    field = summed(pairs[0], w[:, None] * told, points) / total.clamp(min=torch.finfo(u.dtype).tiny)[:, None]
    alone = (total <= torch.finfo(u.dtype).eps).nonzero()[:, 0]
    if len(alone):
        field = field.index_copy(0, alone, u[nearest(queries, carriers, alone)])
    return field.unflatten(0, (batch, -1))


def ways(pairs: Tensor, queries: Tensor, carriers: Tensor, reach: float) -> tuple[Tensor, Tensor]:
    """From the first of each pair to the second [pair, dim], and the weight of the second there [pair]."""
    d = apart(pairs, queries, carriers)
    r = (d.square().sum(1) + torch.finfo(d.dtype).tiny).sqrt() / reach
    return d, (1.0 - r).clamp(min=0.0) ** 4 * (1.0 + 4.0 * r)


def summed(places: Tensor, values: Tensor, count: int) -> Tensor:
    return values.new_zeros(count, *values.shape[1:]).index_add(0, places, values)


@torch.no_grad()
def nearest(queries: Tensor, carriers: Tensor, which: Tensor) -> Tensor:
    """The number of the nearest carrier of some of the queries, of the same member."""
    count = carriers.shape[1]
    flat, member = queries.flatten(0, 1), which // queries.shape[1]
    found = torch.empty_like(which)
    for some in torch.arange(len(which), device=which.device).split(max(1, MANY // count)):
        for b in member[some].unique().tolist():
            mine = some[member[some] == b]
            found[mine] = torch.cdist(flat[which[mine]], carriers[b]).argmin(1) + b * count
    return found


@torch.no_grad()
def farthest_points(position: Tensor, count: int) -> Tensor:
    """Numbers of `count` of the points [point, dim] that are spread over all of them, in order: each is the farthest
    from those before it [Gonzalez 1985]."""
    distance = torch.full_like(position[:, 0], float("inf"))
    chosen = [int((position - position.mean(0)).square().sum(1).argmin())]
    for _ in range(min(count, len(position)) - 1):
        distance = torch.minimum(distance, (position - position[chosen[-1]]).square().sum(1))
        chosen.append(int(distance.argmax()))
    return torch.tensor(sorted(chosen), device=position.device)
