"""A tree of cells about bodies: each halved along every axis until it holds few [Barnes & Hut 1986, Nature 324, 446].

Bodies are put in Morton's order, in which those of a cell stand side by side; each level of the tree is then a cut of
that order, and each of its cells a stretch of it.
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

    order: bodies in Morton's order [body]. first, last: the stretch of a cell in it; down, past [cell]. All int32.
    """

    order: Tensor
    first: Tensor
    last: Tensor
    down: Tensor
    past: Tensor

    @property
    def leaves(self) -> Tensor:
        """Cells that are not divided [leaf] int32."""
        return (self.down < 0).nonzero()[:, 0].int()


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


def grow(x: Tensor, leaf: int) -> Cells:
    """x [body, dim], float64; cells of no more than `leaf` bodies are not divided."""
    dim = x.shape[1]
    sorted_keys, order = keys(x).sort()
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
    first, last, down, past = (torch.cat(parts).int() for parts in zip(*levels, strict=True))
    return Cells(order.int(), first, last, down, past)
