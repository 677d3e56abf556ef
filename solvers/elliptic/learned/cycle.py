"""A multigrid cycle whose relaxation and interpolation a small network chooses by the coefficients around each cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from scenegrad.engine.streams import on_torch_stream
from scenegrad.solvers.elliptic.diffusion import Diffusion, face_counts
from scenegrad.solvers.elliptic.halving import Level, coarser, finest
from scenegrad.solvers.shared.hush import hush_warp

__all__ = ["CycleNet", "Learned"]

FEATURES, STENCIL = 5, 9


class CycleNet(nn.Module):
    """From the coefficients around a cell to two 3 x 3 stencils that relax and one that interpolates [after Greenfeld
    et al. 2019, Learning to optimize multigrid PDE solvers, ICML]. The same on every grid of a cycle, so that it serves
    any number of cells.

    Linear in the residual, as x += stencil (b - A x) / diagonal; what it begins with is damped Jacobi relaxation and
    interpolation from four neighbours with equal coefficients.
    """

    def __init__(self, width: int = 16):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(FEATURES, width, 3, padding=1), nn.GELU(), nn.Conv2d(width, width, 1), nn.GELU()
        )
        self.relax = nn.Conv2d(width, 2 * STENCIL, 1)
        self.share = nn.Conv2d(width, STENCIL, 1)
        with torch.no_grad():
            for head in (self.relax, self.share):
                head.weight.normal_(std=1e-2)
                head.get_parameter("bias").zero_()
            self.relax.get_parameter("bias")[[STENCIL // 2, STENCIL + STENCIL // 2]] = 0.8

    def stencils(self, operator: Diffusion) -> tuple[Tensor, Tensor]:
        """Of relaxation [batch, 2, 9, *cells], and logarithms of the shares of 9 coarse cells [batch, 9, *cells]."""
        hidden = self.body(features(operator).to(self.relax.weight))
        return self.relax(hidden).unflatten(1, (2, STENCIL)), self.share(hidden)


def features(operator: Diffusion) -> Tensor:
    """How the four conductances and the shift share the diagonal of a cell [batch, 5, *cells]."""
    diagonal = torch.where(operator.diagonal > 0.0, operator.diagonal, 1.0)
    found = [operator.shift.expand_as(diagonal)]
    for number, (axis, weight) in enumerate(zip(operator.axes, operator.weights, strict=True)):
        dim = 1 + number
        upper = weight.roll(-1, dim) if axis.periodic else weight.narrow(dim, 1, axis.count)
        found += [weight.narrow(dim, 0, axis.count), upper]
    return torch.stack([one / diagonal for one in found], dim=1) * 4.0


@dataclass(frozen=True)
class Learned:
    """Any module with `stencils` as a preconditioner, in two dimensions, with cells that can be halved to a few. It is
    symmetric by construction and not sure to be positive, so conjugate gradients take their flexible form."""

    net: CycleNet
    linear: bool = False

    def prepare(self, operator: Diffusion) -> Callable[[Tensor], Tensor]:
        with torch.no_grad():
            grids = self.grids(operator)

        def once(r: Tensor) -> Tensor:
            with torch.no_grad():
                return cycle(grids, r)

        return once

    def grids(self, operator: Diffusion) -> list[Grid]:
        """From the finest to the coarsest."""
        found = []
        for one in halved(operator):
            relax, shares = self.net.stencils(one)
            found.append(Grid(one, relax.to(one.diagonal.dtype), interpolation(one, shares.to(one.diagonal.dtype))))
        return found


@dataclass(frozen=True)
class Grid:
    """relax [batch, 2, 9, *cells]; shares of 9 coarse cells, which add up to one [batch, 9, *cells]."""

    operator: Diffusion
    relax: Tensor
    shares: Tensor


def halved(operator: Diffusion) -> list[Diffusion]:
    """The operator on coarser and coarser grids."""
    if len(operator.axes) != 2:
        raise ValueError(f"learned cycles work in two dimensions; got {len(operator.axes)}")
    hush_warp()
    found, level = [operator], finest(operator)
    with on_torch_stream(operator.diagonal.device):
        while min(level.cells[1:]) >= 4 and all(n % 2 == 0 for n in level.cells[1:]):
            level = coarser(level)
            found.append(as_diffusion(level, operator))
    return found


def as_diffusion(level: Level, like: Diffusion) -> Diffusion:
    axes = tuple(
        replace(axis, count=count, spacing=spacing)
        for axis, count, spacing in zip(like.axes, level.cells[1:], level.spacing[1:], strict=True)
    )
    weights = tuple(
        weight[:, 0].narrow(1 + n, 0, face_counts(axes, n)[n]) for n, weight in enumerate(level.weights[1:])
    )
    return Diffusion(axes, weights, level.shift[:, 0])


def around(x: Tensor, periodic: tuple[bool, bool]) -> Tensor:
    """The 9 values around each cell, zero beyond walls [batch, 9, *cells]."""
    x = x[:, None]
    for dim, wraps in ((2, periodic[0]), (3, periodic[1])):
        zero = torch.zeros_like(x.narrow(dim, 0, 1))
        ends = (x.narrow(dim, x.shape[dim] - 1, 1), x.narrow(dim, 0, 1)) if wraps else (zero, zero)
        x = torch.cat((ends[0], x, ends[1]), dim)
    n, m = x.shape[2] - 2, x.shape[3] - 2
    return torch.cat([x[:, :, a : a + n, b : b + m] for a in range(3) for b in range(3)], dim=1)


def gather(y: Tensor, periodic: tuple[bool, bool]) -> Tensor:
    """The transpose of `around`."""
    n, m = y.shape[2:]
    padded = y.new_zeros(len(y), n + 2, m + 2)
    for k in range(STENCIL):
        a, b = divmod(k, 3)
        padded[:, a : a + n, b : b + m] += y[:, k]
    for dim, wraps in ((1, periodic[0]), (2, periodic[1])):
        count = padded.shape[dim] - 2
        inner = padded.narrow(dim, 1, count)
        if wraps:
            inner = inner.clone()
            inner.narrow(dim, count - 1, 1).add_(padded.narrow(dim, 0, 1))
            inner.narrow(dim, 0, 1).add_(padded.narrow(dim, count + 1, 1))
        padded = inner
    return padded


def doubled(y: Tensor) -> Tensor:
    """Each value for its four children [..., 2 n, 2 m]."""
    return y.repeat_interleave(2, -2).repeat_interleave(2, -1)


def pooled(y: Tensor) -> Tensor:
    """The transpose of `doubled`."""
    n, m = y.shape[-2:]
    return y.reshape(*y.shape[:-2], n // 2, 2, m // 2, 2).sum((-3, -1))


def interpolation(operator: Diffusion, logarithms: Tensor) -> Tensor:
    """Shares of the 9 coarse cells around the one that a fine cell is part of. Those on its own side begin with the
    9 : 3 : 3 : 1 of equal coefficients, the others with nothing."""
    n, m = logarithms.shape[-2:]
    side = [torch.arange(size, device=logarithms.device) % 2 * 2 for size in (n, m)]
    weights = []
    for k in range(STENCIL):
        a, b = divmod(k, 3)
        one = [torch.where(s == t, 0.25, 0.75 if t == 1 else 0.0) for s, t in zip(side, (a, b), strict=True)]
        weights.append(one[0][:, None] * one[1])
    prior = torch.stack(weights).to(logarithms)
    shares = prior * logarithms.exp()
    return shares / shares.sum(1, keepdim=True)


def cycle(grids: list[Grid], b: Tensor) -> Tensor:
    """Two relaxations, the coarser grid, and the transposes of the two in the reverse order."""
    grid = grids[0]
    a, periodic = grid.operator, (grid.operator.axes[0].periodic, grid.operator.axes[1].periodic)
    inverse = torch.where(a.diagonal > 0.0, 1.0 / a.diagonal, 0.0).sqrt()
    x = torch.zeros_like(b)
    for number in (0, 1):
        r = inverse * (b - a.apply(x))
        x = x + inverse * (grid.relax[:, number] * around(r, periodic)).sum(1)
    if len(grids) > 1:
        r = b - a.apply(x)
        down = gather(pooled(grid.shares * r[:, None]), periodic) * 0.25
        up = around(cycle(grids[1:], down), periodic)
        x = x + (grid.shares * doubled(up)).sum(1)
    for number in (1, 0):
        r = inverse * (b - a.apply(x))
        x = x + inverse * gather(grid.relax[:, number] * r[:, None], periodic)
    return x
