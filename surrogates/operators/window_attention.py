"""Attention within windows of a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenegrad.surrogates.operators.grids import Surroundings, Torus

__all__ = ["ToldNorm", "WindowAttention", "WindowBlock"]


class ToldNorm(nn.Module):
    """(1 + scale(c)) norm(x) + shift(c) over the channels of each point, linear in the constants c [Herde et al. 2024,
    arXiv:2405.19101, time-conditioned layer norm]. x: [batch, *grid, width]."""

    def __init__(self, width: int, constants: int):
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.linear = nn.Linear(constants, 2 * width)

    def forward(self, x: Tensor, constants: Tensor) -> Tensor:
        scale, shift = self.linear(constants).view(len(x), *[1] * (x.ndim - 2), -1).chunk(2, dim=-1)
        return self.norm(x) * (1.0 + scale) + shift


class WindowAttention(nn.Module):
    """softmax(cos(q, k) / tau + B) v among the points of each window [Liu et al. 2022, arXiv:2111.09883].

    B is a small network of the logarithms of the distances along each axis, so that windows of any size can be asked.
    shift: by how much the windows are moved; walls are not seen through.
    """

    def __init__(self, width: int, heads: int, dim: int, surroundings: Surroundings):
        super().__init__()
        self.heads, self.periodic = heads, isinstance(surroundings, Torus)
        self.ask, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.sharpness = nn.Parameter(torch.full((heads, 1, 1), math.log(10.0)))
        self.bias = nn.Sequential(nn.Linear(dim, 64), nn.ReLU(), nn.Linear(64, heads, bias=False))

    def forward(self, x: Tensor, window: Sequence[int], shift: Sequence[int]) -> Tensor:  # x: [batch, *grid, width]
        grid, axes = x.shape[1:-1], tuple(range(1, x.ndim - 1))
        v = torch.roll(x, [-s for s in shift], axes) if any(shift) else x
        parts = self.ask(parted(v, window)).unflatten(-1, (3, self.heads, -1)).permute(3, 0, 1, 4, 2, 5)
        q, k, values = parts  # each [batch, window, head, point, size]
        weights = functional.normalize(q, dim=-1) @ functional.normalize(k, dim=-1).transpose(-1, -2)
        weights = weights * self.sharpness.clamp(max=math.log(100.0)).exp() + self.places(x, window, grid)
        if any(shift) and not self.periodic:
            weights = weights + seams(x, window, shift)
        found = (torch.softmax(weights, dim=-1) @ values).transpose(2, 3).flatten(3)
        v = joined(self.out(found), window, grid)
        return torch.roll(v, list(shift), axes) if any(shift) else v

    def places(self, like: Tensor, window: Sequence[int], grid: Sequence[int]) -> Tensor:
        """B [head, point, point]: 16 sigmoid(network(sign(d) log2(1 + |d|) / 3)), d in eighths of a window.

        Along an axis that one window fills on a torus d goes the shorter way round.
        """
        axes = []
        for w, n in zip(window, grid, strict=True):
            index = torch.arange(w, device=like.device)
            d = index[:, None] - index
            if self.periodic and w == n:
                d = (d + w // 2) % w - w // 2
            axes.append(8.0 * d.to(like.dtype) / max(w - 1, 1))
        points = torch.meshgrid(*[torch.arange(w, device=like.device) for w in window], indexing="ij")
        d = torch.stack([a[p.flatten()[:, None], p.flatten()] for a, p in zip(axes, points, strict=True)], dim=-1)
        told = torch.sign(d) * torch.log2(1.0 + d.abs()) / 3.0
        return 16.0 * torch.sigmoid(self.bias(told)).movedim(-1, 0)


class WindowBlock(nn.Module):
    """x + norm(attention(x)), then x + norm(perceptron(x)): norms behind what they scale."""

    def __init__(self, width: int, heads: int, dim: int, constants: int, surroundings: Surroundings):
        super().__init__()
        self.attention = WindowAttention(width, heads, dim, surroundings)
        self.perceptron = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.norms = nn.ModuleList(ToldNorm(width, constants) for _ in range(2))

    def forward(self, x: Tensor, constants: Tensor, window: Sequence[int], shift: Sequence[int]) -> Tensor:
        x = x + self.norms[0](self.attention(x, window, shift), constants)
        return x + self.norms[1](self.perceptron(x), constants)


def parted(x: Tensor, window: Sequence[int]) -> Tensor:
    """[batch, *grid, channel] to [batch, window, point, channel]."""
    dim = len(window)
    sizes = [size for n, w in zip(x.shape[1:-1], window, strict=True) for size in (n // w, w)]
    order = [0, *range(1, 2 * dim, 2), *range(2, 2 * dim + 1, 2), 2 * dim + 1]
    v = x.reshape(len(x), *sizes, x.shape[-1]).permute(order)
    return v.flatten(1 + dim, 2 * dim).flatten(1, dim)


def joined(x: Tensor, window: Sequence[int], grid: Sequence[int]) -> Tensor:
    """Undoes `parted`."""
    dim = len(window)
    v = x.reshape(len(x), *(n // w for n, w in zip(grid, window, strict=True)), *window, x.shape[-1])
    order = [0, *(axis for a in range(dim) for axis in (1 + a, 1 + dim + a)), 2 * dim + 1]
    return v.permute(order).reshape(len(x), *grid, x.shape[-1])


def seams(like: Tensor, window: Sequence[int], shift: Sequence[int]) -> Tensor:
    """[window, 1, point, point]: minus infinity between points that were rolled to opposite sides of the domain."""
    grid = like.shape[1:-1]
    side = torch.zeros(1, *grid, 1, device=like.device)
    for axis, (n, s) in enumerate(zip(grid, shift, strict=True), start=1):
        rolled = (torch.arange(n, device=like.device) >= n - s).to(side)
        side = side + 2.0**axis * rolled.view([-1 if a == axis else 1 for a in range(side.ndim)])
    of = parted(side, window)[0, :, :, 0]
    apart = of[:, :, None] != of[:, None, :]
    return torch.zeros(apart.shape, device=like.device, dtype=like.dtype).masked_fill(apart, -math.inf)[:, None]
