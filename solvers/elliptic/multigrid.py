"""Multigrid for diffusion with any coefficients on faces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.streams import on_torch_stream
from scenegrad.solvers.elliptic.diffusion import Diffusion
from scenegrad.solvers.elliptic.galerkin_kernels import GalerkinKernels, galerkin_kernels
from scenegrad.solvers.elliptic.galerkin_setup import SetupKernels, setup_kernels
from scenegrad.solvers.elliptic.grids import Level, Triple, finest, merged_axes, run_of
from scenegrad.solvers.elliptic.islands import Islands, has_weak_links, islands
from scenegrad.solvers.elliptic.iteration import Found, beside, dot, look, norm
from scenegrad.solvers.elliptic.multigrid_kernels import multigrid_kernels
from scenegrad.solvers.shared.hush import hush_warp

__all__ = ["Cycles", "Grid", "Multigrid", "hierarchy", "stencil"]

SWEEPS_AT_THE_BOTTOM = 16

Launch = Callable[[], object]


@dataclass(frozen=True)
class Grid:
    """One grid of a hierarchy: its place in it, and arrays of [batch, *cells].

    faces: of the finest grid, its weights. entries: of the coarser ones, their stencils [batch * 3^dim, *cells].
    islands: of cells that hardly hang on the others, in three dimensions.
    """

    dim: int
    cells: Triple
    wraps: wp.vec3i
    spacing: tuple[float, float, float]
    diagonal: Tensor
    faces: Level | None = None
    entries: Tensor | None = None
    islands: Islands | None = None

    @cached_property
    def x(self) -> Tensor:
        return torch.zeros_like(self.diagonal)

    @cached_property
    def b(self) -> Tensor:
        return torch.zeros_like(self.diagonal)

    @cached_property
    def r(self) -> Tensor:
        return torch.zeros_like(self.diagonal)

    @property
    def merged(self) -> Triple:
        return merged_axes(self.cells, self.wraps, self.spacing)

    @property
    def kernels(self) -> GalerkinKernels:
        return galerkin_kernels(self.diagonal.dtype, self.dim)

    @property
    def setup(self) -> SetupKernels:
        return setup_kernels(self.diagonal.dtype, self.dim)


@dataclass(frozen=True)
class Multigrid:
    """One V-cycle: `sweeps` Gauss-Seidel relaxations before and after each coarser grid, in colours that are not
    neighbours [Brandt 1977, Math. Comp. 31, 333-390; Trottenberg, Oosterlee & Schueller 2001].

    Every second cell along an axis is a cell of the next grid. Values go up as the equation of a cell itself has them
    between its neighbours, and the coarse equations are P' A P: black-box multigrid [Dendy 1982, J. Comp. Phys. 48,
    366-386]. So layers, jumps and walls of no thickness are seen on every grid. Relaxations after are in the reverse
    order of those before: the cycle is a symmetric preconditioner. A periodic axis is halved while that leaves an even
    number of cells.

    Iterations of conjugate gradients to 1e-8, from 64 to 1024 cells across: 7 for constant coefficients, a cylinder or
    permeabilities of 12 and 3; 8 for a contrast of 100, 8 to 10 for 10000 and a million; 10 to 12 around walls of no
    thickness. Where every cell is a random number of its own, over four decades, they grow: 17 to 35. In three
    dimensions small regions that hardly hang on the others are relaxed as wholes, see islands.py: 10 to 14 iterations
    at contrasts of 10000 and a million, where it was up to 35.
    """

    sweeps: int = 2
    linear: bool = True

    def prepare(self, operator: Diffusion) -> Callable[[Tensor], Tensor]:
        grids, shares = hierarchy(operator)
        first, shape, device = grids[0], grids[0].diagonal.shape, grids[0].diagonal.device
        with on_torch_stream(device):
            launches = self.cycle(grids, shares)

        def once(r: Tensor) -> Tensor:
            first.b.copy_(r.reshape(shape))
            with on_torch_stream(device):
                for launch in launches:
                    launch()
            return first.x.reshape(r.shape).clone()

        return once

    def cycle(self, grids: list[Grid], shares: list[Tensor]) -> list[Launch]:
        grid = grids[0]
        there = relaxations(grid)
        begin: list[Launch] = [grid.x.zero_]
        if len(grids) == 1:
            return begin + there * SWEEPS_AT_THE_BOTTOM + there[::-1] * SWEEPS_AT_THE_BOTTOM
        down, up = transfers(grid, grids[1], shares[0])
        middle, ashore = self.cycle(grids[1:], shares[1:]), relaxed_islands(grid, down[0])
        return begin + there * self.sweeps + ashore + down + middle + up + ashore + there[::-1] * self.sweeps


@dataclass(frozen=True)
class Cycles:
    """Multigrid on its own: x += step e, e = cycle(b - A x), until the residual is small; the step is the one that
    brings x nearest in energy, e.r / e.Ae, so that it converges whatever the coefficients."""

    multigrid: Multigrid = Multigrid()
    iterations: int = 100

    def run(self, operator: Diffusion, b: Tensor, guess: Tensor | None, goal: Tensor) -> Found:
        once = self.multigrid.prepare(operator)
        x = torch.zeros_like(b) if guess is None else guess.to(b).clone()
        r = b - operator.apply(x)
        active = norm(r) > goal
        count = torch.zeros_like(active, dtype=torch.int64)
        often = look(b.device)
        for n in range(self.iterations):
            if n % often == 0 and not bool(active.any()):
                break
            e = operator.within(once(r))
            image = operator.apply(e)
            step = beside(torch.where(active, dot(e, r) / dot(e, image), 0.0), x)
            x.addcmul_(step, e)
            r.addcmul_(step, image, value=-1.0)
            count += active
            active = active & (norm(r) > goal)
        return Found(x, count, norm(r) <= goal)


# ---- coarse equations


def hierarchy(operator: Diffusion) -> tuple[list[Grid], list[Tensor]]:
    """Grids from the finest to the coarsest, and the shares that each takes in the cells of the one before."""
    hush_warp()
    top = finest(operator)
    grids = [Grid(max(1, len(operator.axes)), top.cells, top.wraps, top.spacing, top.diagonal, faces=top)]
    shares: list[Tensor] = []
    with on_torch_stream(top.shift.device):
        entries = stencil(grids[0], operator)
        weak = has_weak_links(top.weights) if len(operator.axes) == 3 else None
        while any(grids[-1].merged):
            if weak is not None and bool(weak.any()):
                last = grids[-1]
                found = islands(entries, last.cells, (last.wraps[0], last.wraps[1], last.wraps[2]), last.dim, weak)
                grids[-1] = replace(last, islands=found)
            shares.append(interpolation(grids[-1], entries))
            grids.append(coarse(grids[-1], entries, shares[-1]))
            below = grids[-1].entries
            assert below is not None
            entries = below
    return grids, shares


def stencil(grid: Grid, operator: Diffusion) -> Tensor:
    """Of the finest grid [batch * 3^dim, *cells]."""
    assert grid.faces is not None
    held = operator.held.reshape(grid.diagonal.shape).contiguous()
    entries = held.new_zeros(len(held) * 3**grid.dim, *grid.cells)
    inputs = [grid.wraps, wp.from_torch(held), *(wp.from_torch(weight) for weight in grid.faces.weights)]
    launch(grid.setup.stencil, held.shape, inputs, entries)
    return entries


def interpolation(grid: Grid, entries: Tensor) -> Tensor:
    """Shares of coarse cells [batch * 2^dim, *cells]."""
    shape = grid.diagonal.shape
    shares = entries.new_zeros(shape[0] * 2**grid.dim, *grid.cells)
    for order in range(sum(grid.merged) + 1):
        inputs = [order, wp.vec3i(*grid.merged), grid.wraps, wp.from_torch(entries)]
        launch(grid.setup.interpolation, shape, inputs, shares)
    whole = shares.clone()
    inputs = [wp.vec3i(*grid.merged), grid.wraps, wp.from_torch(entries), wp.from_torch(shares)]
    launch(grid.setup.dead_ends, shape, inputs, whole)
    return whole


def coarse(grid: Grid, entries: Tensor, shares: Tensor) -> Grid:
    """The grid with every merged axis halved."""
    merged, batch = grid.merged, len(grid.diagonal)
    first, second, third = ((n + 1) // 2 if halve else n for n, halve in zip(grid.cells, merged, strict=True))
    cells = (first, second, third)
    below = entries.new_zeros(batch * 3**grid.dim, *cells)
    inputs = [wp.vec3i(*merged), grid.wraps, wp.vec3i(*grid.cells), wp.from_torch(entries), wp.from_torch(shares)]
    launch(grid.setup.coarse, (batch, *cells), inputs, below)
    diagonal = entries.new_zeros(batch, *cells)
    launch(grid.setup.diagonal, diagonal.shape, [wp.from_torch(below)], diagonal)
    a, b, c = (h * (2.0 if halve else 1.0) for h, halve in zip(grid.spacing, merged, strict=True))
    return Grid(grid.dim, cells, grid.wraps, (a, b, c), diagonal, entries=below)


def launch(kernel: Any, size: tuple[int, ...], inputs: list[Any], out: Tensor) -> None:
    wp.launch(kernel, tuple(size), [*inputs, wp.from_torch(out)], device=wp.device_from_torch(out.device))


# ---- what a cycle does


def matrix(grid: Grid) -> list[Any]:
    if grid.faces is not None:
        return [grid.wraps, wp.from_torch(grid.diagonal), *(wp.from_torch(weight) for weight in grid.faces.weights)]
    assert grid.entries is not None
    return [grid.wraps, wp.from_torch(grid.diagonal), wp.from_torch(grid.entries)]


def relaxations(grid: Grid) -> list[Launch]:
    """Of each colour: of a chessboard on the finest grid, of every second cell along each axis on the others."""
    batch, rows = len(grid.diagonal), [*grid.cells]
    half = (grid.cells[2] + 1) // 2
    run = run_of(grid.diagonal.device, half)
    known, out = [*matrix(grid), wp.from_torch(grid.b)], grid.x
    if grid.faces is not None:
        kernel = multigrid_kernels(out.dtype).relax
        return [recorded(kernel, (batch, *rows[:2], half // run), [run, c, *known], out) for c in (0, 1)]
    size = (batch, (rows[0] + 1) // 2, (rows[1] + 1) // 2, half // run)
    colours = [c for c in range(8) if all(n > 1 or not c >> (2 - axis) & 1 for axis, n in enumerate(grid.cells))]
    return [recorded(grid.kernels.relax, size, [run, c, *known], out) for c in colours]


def transfers(grid: Grid, below: Grid, shares: Tensor) -> tuple[list[Launch], list[Launch]]:
    """To the coarser grid and back."""
    batch, device = len(grid.diagonal), grid.diagonal.device
    merged, p = wp.vec3i(*grid.merged), wp.from_torch(shares)
    run, few = run_of(device, grid.cells[2]), run_of(device, below.cells[2])
    size, down = (batch, *grid.cells[:2], grid.cells[2] // run), (batch, *below.cells[:2], below.cells[2] // few)
    residual = grid.kernels.residual if grid.faces is None else multigrid_kernels(grid.x.dtype).residual
    left = recorded(residual, size, [run, *matrix(grid), wp.from_torch(grid.b), wp.from_torch(grid.x)], grid.r)
    known = [merged, grid.wraps, p]
    lower = recorded(grid.kernels.restrict, down, [few, *known, wp.from_torch(grid.r)], below.b)
    raised = recorded(grid.kernels.prolong, size, [run, *known, wp.from_torch(below.x)], grid.x)
    return [left, lower], [raised]


def relaxed_islands(grid: Grid, residual: Launch) -> list[Launch]:
    """residual: makes that of the grid."""
    if grid.islands is None:
        return []
    relax, r, x = grid.islands.relax, grid.r, grid.x
    return [residual, lambda: relax(r, x)]


def recorded(kernel: object, size: tuple[int, ...], inputs: list[object], out: Tensor) -> Launch:
    """A launch that needs not look at its arrays again; it keeps them alive."""
    device = wp.device_from_torch(out.device)
    arrays = [*inputs, wp.from_torch(out)]
    command = wp.launch(kernel, tuple(size), arrays, device=device, record_cmd=True)

    def launch(keep: list[object] = arrays) -> None:
        command.launch()

    return launch
