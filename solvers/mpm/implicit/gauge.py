"""From an imbalance of momentum to the error of the velocities, about: what guides conjugate gradients.

z = (the stiffness of each node by itself)^-1 r + (the stiffness of a coarse grid)^-1 r, the second for motions that are
wide, which the first would correct node by node [two-level additive Schwarz; Toselli & Widlund 2005, chapter 3].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.implicit.coarse import (
    coarse_held,
    coarse_masses,
    coarse_type,
    from_coarse,
    solve_coarse,
    to_coarse,
)
from scenegrad.solvers.mpm.implicit.coarse_stiffness import coarse_stiffness
from scenegrad.solvers.mpm.implicit.motion import stiffness_blocks
from scenegrad.solvers.mpm.implicit.nodes import block_product, inverse_blocks, places_of_nodes
from scenegrad.solvers.mpm.passes import Pass

if TYPE_CHECKING:
    from scenegrad.solvers.mpm.workspace import Workspace

__all__ = ["Gauge", "GaugePasses"]

MOST = 360  # unknowns of the coarse grid of a member
STIFF = 10.0  # dt^2 stiffness / mass of a node from which on a coarse grid pays
SHIFT = {torch.float32: 1e-5, torch.float64: 1e-12}  # of the diagonal, relative, so that rounding leaves it positive
COARSE = ("lattice", "coarse grid", "lightest")
HELD = ("hold", "holds")


class GaugePasses:
    """What is launched to make and to use a gauge."""

    def __init__(self, work: Workspace):
        n, device = work.n, str(work.device)
        self.work = work
        self.places = Pass(places_of_nodes(n), "nodes", device, ("lattice",), ("place",))
        self.blocks = Pass(
            stiffness_blocks(n), "particles", device, ("lattice", "x", "tangent", "yield"), ("stiff blocks",)
        )
        alone = ("lightest", "dt", "momentum", "cling", "stiff blocks")
        self.inverse = Pass(inverse_blocks(n), "nodes", device, alone, ("inverse",))
        self.each = Pass(block_product(n), "nodes", device, (*HELD, "inverse", "r"), ("z",))
        self.masses = Pass(coarse_masses(n), "nodes", device, (*COARSE, "momentum", "cling"), ("matrix coarse",))
        where = ("lattice", "coarse grid", "dt", "x", "tangent", "yield")
        self.stiffness = Pass(coarse_stiffness(n), "particles", device, where, ("matrix coarse",))
        self.held = Pass(coarse_held(n), "nodes", device, (*COARSE, *HELD, "momentum"), ("held",))
        self.restrict = Pass(to_coarse(n), "nodes", device, (*COARSE, "momentum", "r"), ("right",))
        self.solve = Pass(solve_coarse(n), "coarse", device, ("coarse grid", "inverse coarse", "right"), ("left",))
        self.prolong = Pass(from_coarse(n), "nodes", device, (*COARSE, *HELD, "momentum", "left"), ("z",))


class Gauge:
    """Of one step, made at its beginning; linear, symmetric, positive definite.

    The coarse grid of a member lies on multiples of its own width, so that it does not depend on the companions.
    """

    def __init__(self, passes: GaugePasses, arrays: Mapping[str, Any], filled: Tensor, mass: Tensor):
        self.passes, self.work = passes, passes.work
        work, dim, n = self.work, self.work.grid.dim, self.work.n
        matrices = {name: work.room(f"implicit {name}", dim**2) for name in ("stiff blocks", "inverse")}
        self.inverse = matrices["inverse"].view(*matrices["inverse"].shape[:2], dim, dim)
        blocks = matrices["stiff blocks"].zero_().view_as(self.inverse)
        self.r, self.z = work.room("implicit r", dim), work.room("implicit z", dim)
        self.arrays = {
            **arrays,
            "stiff blocks": wp.from_torch(blocks, dtype=n.mat, return_ctype=True),
            "inverse": wp.from_torch(self.inverse, dtype=n.mat, return_ctype=True),
            "r": wp.from_torch(self.r, dtype=n.vec, return_ctype=True),
            "z": wp.from_torch(self.z, dtype=n.vec, return_ctype=True),
        }
        passes.blocks.run(self.arrays)
        passes.inverse.run(self.arrays)
        dt = wp.to_torch(arrays["dt"])[:, None]
        trace = blocks.diagonal(dim1=2, dim2=3).sum(-1)
        ratio = torch.where(filled[..., 0], dt * trace / torch.where(filled[..., 0], mass[..., 0], 1.0), 0.0)
        stiff = (ratio.amax(1) > STIFF).cpu()
        self.coarse = bool(stiff.any()) and not any(work.grid.wraps)
        use = [passes.each]
        if self.coarse:
            self.make_coarse(filled, stiff)
            use += [passes.restrict, passes.solve, passes.prolong]
        self.launches = [each.recorded(self.arrays) for each in use]

    def make_coarse(self, filled: Tensor, stiff: Tensor) -> None:
        """The inverse of the coarse stiffness of every member for which it pays."""
        work, passes, n = self.work, self.passes, self.work.n
        dim, device, dtype = work.grid.dim, work.device, work.dtype
        place = work.room("implicit place", dim)
        passes.places.run(self.arrays | {"place": wp.from_torch(place, dtype=n.vec, return_ctype=True)})
        first = torch.where(filled, place, torch.inf).amin(1).double().cpu() / work.grid.dx
        last = torch.where(filled, place, -torch.inf).amax(1).double().cpu() / work.grid.dx
        wide = [coarse_grid(first[b], last[b]) for b in range(len(first))]
        sizes = [dim * int(count.prod()) if bool(stiff[b]) else 0 for b, (_, _, count) in enumerate(wide)]
        most = max(max(sizes), dim * 2**dim)
        matrix = torch.zeros((work.batch, most, most), dtype=dtype, device=device)
        held = torch.zeros((work.batch, most), dtype=torch.int32, device=device)
        self.right = torch.zeros((work.batch, most), dtype=dtype, device=device)
        self.left = torch.zeros_like(self.right)
        inv_width = torch.tensor([1.0 / (ratio * work.grid.dx) for ratio, _, _ in wide], dtype=dtype, device=device)
        low = torch.stack([low for _, low, _ in wide]).to(device, torch.int32)
        # A member without a coarse grid keeps to one cell, of which nothing is read.
        count = torch.stack([count if sizes[b] else count.clamp(max=2) for b, (_, _, count) in enumerate(wide)])
        grid = coarse_type(n)()
        grid.inv_width, grid.size = wp.from_torch(inv_width), wp.from_torch(torch.tensor(sizes).to(low))
        grid.low = wp.from_torch(low.contiguous(), dtype=n.ivec)
        grid.count = wp.from_torch(count.to(low).contiguous(), dtype=n.ivec)
        self.arrays |= {
            "coarse": (work.batch, most),
            "coarse grid": grid,
            "matrix coarse": wp.from_torch(matrix),
            "held": wp.from_torch(held),
            "inverse coarse": wp.from_torch(matrix),
            "right": wp.from_torch(self.right),
            "left": wp.from_torch(self.left),
        }
        passes.masses.run(self.arrays)
        passes.stiffness.run(self.arrays)
        passes.held.run(self.arrays)
        for b, size in enumerate(sizes):
            if size:
                whole = matrix[b, :size, :size].double()
                matrix[b, :size, :size] = inverse_of(0.5 * (whole + whole.mT), held[b, :size] > 0, SHIFT[dtype])

    def __call__(self, r: Tensor) -> Tensor:
        self.r.copy_(r)
        if self.coarse:
            self.right.zero_()
        for each in self.launches:
            each.launch()
        return self.z.clone()


def coarse_grid(first: Tensor, last: Tensor) -> tuple[int, Tensor, Tensor]:
    """Width in cells of the fine grid, first node and nodes along each axis, around places in units of dx."""
    dim, ratio = len(first), 2
    if not bool(torch.isfinite(first).all() & torch.isfinite(last).all()):
        return ratio, torch.zeros(dim, dtype=torch.int64), torch.full((dim,), 2)
    while True:
        low = (first / ratio).floor()
        count = ((last / ratio).floor() - low + 2).clamp(min=2)
        if dim * float(count.prod()) <= max(MOST, dim * 2**dim):
            return ratio, low.long(), count.long()
        ratio += 1 + ratio // 4


def inverse_of(matrix: Tensor, held: Tensor, shift: float) -> Tensor:
    """By Cholesky's factors; held and empty unknowns do not move, nor does any where there are no factors."""
    diagonal = matrix.diagonal()
    moves = ~held & (diagonal > 1e-12 * diagonal.max())
    both = moves[:, None] & moves[None]
    filled = torch.where(both, matrix, 0.0)
    filled.diagonal().copy_(torch.where(moves, diagonal * (1.0 + shift), 1.0))
    factor, failed = torch.linalg.cholesky_ex(filled)
    if int(failed):
        return torch.zeros_like(matrix)
    return torch.where(both, torch.cholesky_inverse(factor), 0.0)
