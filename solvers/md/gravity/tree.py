"""A tree of cells about bodies: each halved along every axis until it holds few [Barnes & Hut 1986, Nature 324, 446].

Bodies are put in Morton's order, in which those of a cell stand side by side; each level of the tree is then a cut of
that order, and the moments of its cells are sums over stretches of it. Made in float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Cells", "grow"]

BITS = {2: 30, 3: 20}  # levels that a key has room for


@dataclass(frozen=True)
class Cells:
    """The tree of one system. Walked without a stack: `down` leads into a cell, `past` around it; -1 is nowhere.

    order: bodies in Morton's order [body] int32. first, last: the stretch of a cell in it; down, past [cell] int32.
    mass [cell]; center: of mass [cell, dim]; moment: sum of m y y^T about it [cell, dim, dim]; radius: distance of the
    farthest body from it [cell].
    """

    order: Tensor
    first: Tensor
    last: Tensor
    down: Tensor
    past: Tensor
    mass: Tensor
    center: Tensor
    moment: Tensor
    radius: Tensor


def keys(x: Tensor) -> Tensor:
    """Morton's [body] int64: bits of the coordinates, in units of the smallest cube around all, taken in turns."""
    dim, low = x.shape[1], x.amin(dim=0)
    bits = BITS[dim]
    size = (x.amax(dim=0) - low).max().clamp(min=1e-300)
    whole = ((x - low) / size * (1 << bits)).long().clamp(max=(1 << bits) - 1)
    key = torch.zeros(len(x), dtype=torch.int64, device=x.device)
    for level in range(bits):
        for axis in range(dim):
            key |= ((whole[:, axis] >> level) & 1) << (level * dim + axis)
    return key


def grow(x: Tensor, mass: Tensor, leaf: int) -> Cells:
    """x [body, dim], mass [body], both float64; cells of no more than `leaf` bodies are not divided."""
    dim = x.shape[1]
    sorted_keys, order = keys(x).sort()
    x, mass = x[order], mass[order]
    bodies, device = len(x), x.device
    first = torch.zeros(1, dtype=torch.int64, device=device)
    last = torch.full((1,), bodies, dtype=torch.int64, device=device)
    past = torch.full((1,), -1, dtype=torch.int64, device=device)
    levels, made = [], 0
    for level in range(BITS[dim] - 1, -2, -1):
        count = len(first)
        divided = (last - first > leaf) & (level >= 0)
        down = torch.full((count,), -1, dtype=torch.int64, device=device)
        levels.append([first, last, down, past])
        own = divided.nonzero()[:, 0]
        if len(own) == 0:
            break
        # Bodies of the divided cells, and where the key changes among them: there a cell of the next level begins.
        lengths = last[own] - first[own]
        parent = torch.repeat_interleave(own, lengths)
        offset = torch.arange(len(parent), device=device) - torch.repeat_interleave(
            lengths.cumsum(0) - lengths, lengths
        )
        body = first[parent] + offset
        prefix = sorted_keys[body] >> (level * dim)
        begins = torch.ones_like(prefix, dtype=torch.bool)
        begins[1:] = (prefix[1:] != prefix[:-1]) | (parent[1:] != parent[:-1])
        at = begins.nonzero()[:, 0]
        ends = torch.cat([at[1:], at.new_tensor([len(prefix)])])
        child_parent, made = parent[at], made + count
        down[own] = made + torch.searchsorted(child_parent, own)
        only = torch.ones_like(at, dtype=torch.bool)
        only[:-1] = child_parent[1:] != child_parent[:-1]  # the last child leads past its parent, others to the next
        sibling = made + 1 + torch.arange(len(at), device=device)
        first, last, past = body[at], body[at] + (ends - at), torch.where(only, past[child_parent], sibling)
    first, last, down, past = (torch.cat(parts) for parts in zip(*levels, strict=True))
    return Cells(order.int(), first.int(), last.int(), down.int(), past.int(), *moments(x, mass, first, last))


def moments(x: Tensor, mass: Tensor, first: Tensor, last: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Mass, centre, second moment and radius of stretches of bodies; about the centre, so that nothing cancels."""
    lengths = last - first
    cell = torch.repeat_interleave(torch.arange(len(first), device=x.device), lengths)
    body = first[cell] + torch.arange(len(cell), device=x.device) - (lengths.cumsum(0) - lengths)[cell]
    dim, m = x.shape[1], mass[body]

    def added(values: Tensor) -> Tensor:
        return values.new_zeros(len(first), *values.shape[1:]).index_add_(0, cell, values)

    total = added(m)
    center = added(m[:, None] * x[body]) / total[:, None]
    y = x[body] - center[cell]
    moment = added((m[:, None, None] * y[:, :, None] * y[:, None, :]).reshape(-1, dim * dim))
    radius = y.new_zeros(len(first)).scatter_reduce_(0, cell, y.norm(dim=1), "amax")
    return total, center, moment.view(-1, dim, dim), radius
