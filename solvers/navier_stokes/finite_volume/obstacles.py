"""Free shares of faces and cells around the obstacles of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.fluids import Obstacle
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.shapes import Shape
from scenegrad.solvers.navier_stokes.finite_volume.distances import Distance
from scenegrad.solvers.navier_stokes.finite_volume.ghosts import HELD, WRAP
from scenegrad.solvers.navier_stokes.finite_volume.grid import Grid

__all__ = ["Obstacles"]

CLOSED = 1e-9  # shares below are 0


class Obstacles:
    """What the obstacles of scenes leave free; smooth functions of the numbers of their shapes.

    A face is open by s = smoothstep(1/2 + phi / dx), phi the signed distance of its middle, and a cell is free by
    1 - prod(1 - s) over its faces. So no cell is smaller than what flows through its faces, and obstacles put no bound
    on the step; a wall stands where it should to about half a cell. Faces of ghost cells are those of the cells that
    these are made of: a wall mirrors an obstacle too, and a periodic box has it again beyond its sides.
    """

    def __init__(self, scenes: Sequence[Scene], grid: Grid, kinds: Sequence[int], device: str):
        """kinds: of the sides x_lo, x_hi, y_lo, ..."""
        self.grid = grid
        self.names = [name for name, part in scenes[0].entities.items() if isinstance(part, Obstacle)]
        self.shapes: dict[str, list[Shape]] = {n: [one.at(f"{n}.shape") for one in scenes] for n in self.names}
        places = self.faces().to(device)
        self.distances = [Distance(scenes, f"{name}.shape", places) for name in self.names]
        # A face upon a seam is one with that on the other side of the box, and has what is near either.
        self.images = [self.image(kinds, low).to(device) for low in ((True, False) if WRAP in kinds else (True,))]

    def faces(self) -> Tensor:
        """Middles of the low faces of all padded cells along each axis [dim * padded cell, dim]."""
        grid, found = self.grid, []
        for axis in range(grid.dim):
            edges = [
                (torch.arange(n, dtype=torch.float64) - grid.ghosts + (0.0 if a == axis else 0.5)) * h
                for a, (n, h) in enumerate(zip(grid.padded, grid.spacing, strict=False))
            ]
            found.append(torch.stack(torch.meshgrid(*edges, indexing="ij"), dim=-1).view(-1, grid.dim))
        return torch.cat(found)

    def image(self, kinds: Sequence[int], low: bool) -> Tensor:
        """Which of these faces each of them is the image of; low: at which end of the box those upon a seam are."""
        grid, found = self.grid, []
        for axis in range(grid.dim):
            columns = []
            for a, n in enumerate(grid.cells):
                k, own = torch.arange(grid.padded[a]) - grid.ghosts, int(a == axis)
                if kinds[2 * a] == WRAP:
                    k = k % n
                    k = torch.where(k == 0, n, k) if own and not low else k
                else:
                    k = torch.where(k < 0, own - 1 - k, k) if kinds[2 * a] < HELD else k
                    k = torch.where(k >= n + own, 2 * n - 1 + own - k, k) if kinds[2 * a + 1] < HELD else k
                columns.append(k + grid.ghosts)
            where = torch.zeros((), dtype=torch.int64)
            for count, column in zip(grid.padded[: grid.dim], columns, strict=True):
                where = where[..., None] * count + column
            found.append(axis * prod(grid.padded) + where.flatten())
        return torch.cat(found)

    def addresses(self) -> list[str]:
        return [address for distance in self.distances for address in distance.addresses()]

    def phi(self, params: Params) -> Tensor:
        """Signed distance of each face from each obstacle [obstacle, batch, dim, padded cell]."""
        there = torch.stack([distance(params) for distance in self.distances])
        phi = torch.stack([there.index_select(-1, image) for image in self.images]).amin(0)
        return phi.unflatten(-1, (self.grid.dim, prod(self.grid.padded)))

    def open(self, params: Params) -> Tensor:
        """Share of each face [batch, dim, padded cell]."""
        s = (0.5 + self.phi(params).amin(0) / min(self.grid.spacing)).clamp(0.0, 1.0)
        share = s * s * (3.0 - 2.0 * s)
        return torch.where(share > CLOSED, share, 0.0)

    def cover(self, open: Tensor, side: int) -> bool:
        """Whether nothing of a side of the box (x_lo, x_hi, y_lo, ...) is left open in some member."""
        grid, (axis, high) = self.grid, divmod(side, 2)
        where = [slice(grid.ghosts, grid.ghosts + n) for n in grid.cells]
        where[axis] = slice(grid.ghosts + high * grid.cells[axis], grid.ghosts + high * grid.cells[axis] + 1)
        faces = open.view(-1, grid.dim, *grid.padded[: grid.dim])[:, axis][(slice(None), *where)]
        return bool((faces.flatten(1).amax(1) == 0.0).any())

    def free(self, open: Tensor) -> Tensor:
        """Share of each cell [batch, cell]; never quite 0, so that it can be divided by."""
        grid = self.grid
        axes = open.view(-1, grid.dim, *grid.padded[: grid.dim])
        inner = tuple(slice(grid.ghosts, grid.ghosts + n) for n in grid.cells)
        closed: Tensor | None = None
        for axis in range(grid.dim):
            for shift in (0, 1):
                where = list(inner)
                where[axis] = slice(grid.ghosts + shift, grid.ghosts + shift + grid.cells[axis])
                # log(1 - s) of a face that is open is as good as -infinity, and has no slope there
                part = torch.log1p(-axes[:, axis][(slice(None), *where)].clamp(max=1.0 - 1e-15))
                closed = part if closed is None else closed + part
        assert closed is not None
        return (-torch.expm1(closed)).clamp(min=CLOSED).flatten(1)
