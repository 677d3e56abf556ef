"""A multigrid cycle whose relaxation a small network chooses by the coefficients around each cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scenegrad.engine.streams import on_torch_stream
from scenegrad.solvers.elliptic.diffusion import Diffusion
from scenegrad.solvers.elliptic.multigrid import hierarchy, stencil

__all__ = ["CycleNet", "Learned", "cycle"]

STENCIL, MIDDLE = 9, 4
FEWEST = 2  # cells across the coarsest grid


class CycleNet(nn.Module):
    """From the equations around a cell to two 3 x 3 stencils that relax [after Greenfeld et al. 2019, Learning to
    optimize multigrid PDE solvers, ICML]. What it sees are entries over the diagonal, which have no scale, and it is
    the same on every grid of a cycle: so it serves any number of cells.

    Linear in the residual, as x += stencil (b - A x) / diagonal; what it begins with is damped Jacobi relaxation.
    """

    def __init__(self, width: int = 16):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(STENCIL, width, 3, padding=1), nn.GELU(), nn.Conv2d(width, width, 1), nn.GELU()
        )
        self.relax = nn.Conv2d(width, 2 * STENCIL, 1)
        with torch.no_grad():
            self.relax.weight.normal_(std=1e-2)
            self.relax.get_parameter("bias").zero_()
            self.relax.get_parameter("bias")[[MIDDLE, STENCIL + MIDDLE]] = 0.8

    def stencils(self, entries: Tensor) -> Tensor:
        """[batch, 2, 9, *cells] of the conductances of a cell to the 9 around it, in the middle what holds it, over its
        diagonal [batch, 9, *cells]."""
        hidden = self.body(4.0 * entries.to(self.relax.weight))
        return self.relax(hidden).unflatten(1, (2, STENCIL))


@dataclass(frozen=True)
class Learned:
    """Any module with `stencils` as a preconditioner, in two dimensions, on the grids of `Multigrid` with their coarse
    equations and interpolation. It is symmetric by construction and not sure to be positive, so conjugate gradients
    take their flexible form."""

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
        if len(operator.axes) != 2:
            raise ValueError(f"learned cycles work in two dimensions; got {len(operator.axes)}")
        levels, shares = hierarchy(operator)
        periodic = (operator.axes[0].periodic, operator.axes[1].periodic)
        with on_torch_stream(operator.diagonal.device):
            first = stencil(levels[0], operator)
        found = []
        for number, level in enumerate(levels):
            diagonal = level.diagonal[:, 0]
            entries = (first if level.entries is None else level.entries).view(-1, STENCIL, *diagonal.shape[1:])
            over = torch.where(diagonal > 0.0, 1.0 / diagonal, 0.0)
            seen = (entries * over[:, None]).clamp(-1.0, 1.0)  # hardly a cell, it may be tied by far more than it holds
            relax = self.net.stencils(seen).to(diagonal.dtype)
            last = number == len(levels) - 1 or max(diagonal.shape[1:]) <= FEWEST
            up = None if last else Transfer(shares[number].view(-1, 4, *diagonal.shape[1:]), level.merged[1:])
            found.append(Grid(entries, diagonal, periodic, relax, up))
            if last:
                break
        return found


@dataclass(frozen=True)
class Transfer:
    """Shares of 4 coarse cells in a fine one [batch, 4, *cells], the second of each pair a cell further along the first
    axis, the last two along the second. merged: 1 for the axes that are halved."""

    shares: Tensor
    merged: tuple[int, int]

    def raised(self, x: Tensor) -> Tensor:
        """P x"""
        total = torch.zeros_like(self.shares[:, 0])
        for kind in range(4):
            fine = x.roll((-(kind & 1), -(kind >> 1)), (1, 2))
            for dim, halve in ((1, self.merged[0]), (2, self.merged[1])):
                if halve:
                    fine = fine.repeat_interleave(2, dim).narrow(dim, 0, total.shape[dim])
            total = total + self.shares[:, kind] * fine
        return total

    def lowered(self, r: Tensor) -> Tensor:
        """P' r"""
        parts = []
        for kind in range(4):
            part = self.shares[:, kind] * r
            for dim, halve in ((1, self.merged[0]), (2, self.merged[1])):
                if halve:
                    if part.shape[dim] % 2:
                        part = torch.cat((part, torch.zeros_like(part.narrow(dim, 0, 1))), dim)
                    part = part.unflatten(dim, (-1, 2)).sum(dim + 1)
            parts.append(part.roll((kind & 1, kind >> 1), (1, 2)))
        return sum(parts[1:], parts[0])


@dataclass(frozen=True)
class Grid:
    """entries: conductances, and what holds the cell in the middle [batch, 9, *cells]. relax [batch, 2, 9, *cells]."""

    entries: Tensor
    diagonal: Tensor
    periodic: tuple[bool, bool]
    relax: Tensor
    transfer: Transfer | None

    def apply(self, x: Tensor) -> Tensor:
        """A x"""
        near = self.entries * around(x, self.periodic)
        return self.diagonal * x - (near.sum(1) - near[:, MIDDLE])


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


def cycle(grids: list[Grid], b: Tensor) -> Tensor:
    """Two relaxations, the coarser grid, and the transposes of the two in the reverse order."""
    grid = grids[0]
    inverse = torch.where(grid.diagonal > 0.0, 1.0 / grid.diagonal, 0.0).sqrt()
    x = torch.zeros_like(b)
    for number in (0, 1):
        r = inverse * (b - grid.apply(x))
        x = x + inverse * (grid.relax[:, number] * around(r, grid.periodic)).sum(1)
    if grid.transfer is not None:
        x = x + grid.transfer.raised(cycle(grids[1:], grid.transfer.lowered(b - grid.apply(x))))
    for number in (1, 0):
        r = inverse * (b - grid.apply(x))
        x = x + inverse * gather(grid.relax[:, number] * r[:, None], grid.periodic)
    return x
