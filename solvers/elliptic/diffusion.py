"""Diffusion with coefficients on the faces of cells, as a symmetric operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import prod
from typing import Literal

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from scenegrad.solvers.elliptic.axes import Axis, End

__all__ = ["WALL", "Diffusion", "Side", "between", "diffusion", "face_counts", "pockets", "right_side"]

Side = tuple[int, Literal["lo", "hi"]]  # axis, end

# Part of (x_wall - x) beta / spacing^2 that crosses the last face: a wall at half a spacing, or at a whole one.
WALL: dict[End, float] = {"neumann": 0.0, "dirichlet": 2.0, "node": 1.0, "periodic": 1.0}


def face_counts(axes: Sequence[Axis], normal: int) -> tuple[int, ...]:
    """Shape of the faces across axis `normal`: face i is the lower one of cell i; the upper wall comes last, and a
    periodic axis has none."""
    return tuple(axis.count + (number == normal and not axis.periodic) for number, axis in enumerate(axes))


@dataclass(frozen=True)
class Diffusion:
    """A x = shift x - div(beta grad x), second order, beta on faces.

    weights: for each axis beta / spacing^2 on its faces [batch, *face_counts], twice that where a wall stands at half a
    spacing and 0 where nothing passes. shift: [batch, 1, ...] or [batch, *cells], >= 0. Cells that nothing reaches
    (weights and shift zero: inside of an obstacle) are no unknowns: x = 0 there, whatever b. apart: numbers of regions
    that nothing connects, see `pockets`; left out, the unknowns of a member are taken to hang together.
    """

    axes: tuple[Axis, ...]
    weights: tuple[Tensor, ...]
    shift: Tensor
    apart: Tensor | None = None

    def apply(self, x: Tensor) -> Tensor:
        y = self.shift * x
        for number, (axis, weight) in enumerate(zip(self.axes, self.weights, strict=True)):
            dim, n = 1 + number, axis.count
            if axis.periodic:
                flux = weight * (x - x.roll(1, dim))
                y += flux
                y -= flux.roll(-1, dim)
                continue
            if n > 1:
                flux = (x.narrow(dim, 1, n - 1) - x.narrow(dim, 0, n - 1)).mul_(weight.narrow(dim, 1, n - 1))
                y.narrow(dim, 1, n - 1).add_(flux)
                y.narrow(dim, 0, n - 1).sub_(flux)
            if axis.lo != "neumann":
                y.narrow(dim, 0, 1).addcmul_(weight.narrow(dim, 0, 1), x.narrow(dim, 0, 1))
            if axis.hi != "neumann":
                y.narrow(dim, n - 1, 1).addcmul_(weight.narrow(dim, n, 1), x.narrow(dim, n - 1, 1))
        return y

    @cached_property
    def diagonal(self) -> Tensor:
        """[batch, *cells]"""
        total = self.shift
        for number, (axis, weight) in enumerate(zip(self.axes, self.weights, strict=True)):
            dim, n = 1 + number, axis.count
            upper = weight.roll(-1, dim) if axis.periodic else weight.narrow(dim, 1, n)
            total = total + weight.narrow(dim, 0, n) + upper
        return total

    @cached_property
    def unknown(self) -> Tensor:
        """1 where a cell is an unknown, 0 where nothing reaches it [batch, *cells]."""
        return (self.diagonal > 0.0).to(self.diagonal.dtype)

    @cached_property
    def held(self) -> Tensor:
        """What ties each cell to a value: shift and weights of walls [batch, *cells]."""
        held = self.shift.expand_as(self.diagonal).clone()
        for number, (axis, weight) in enumerate(zip(self.axes, self.weights, strict=True)):
            if not axis.periodic:
                for place, face in ((0, 0), (axis.count - 1, axis.count)):
                    held.narrow(1 + number, place, 1).add_(weight.narrow(1 + number, face, 1))
        return held

    @cached_property
    def regions(self) -> Tensor:
        """Number of the region that a cell belongs to [batch * cells]; unless `apart` says more, a member is one."""
        if self.apart is not None:
            return self.apart.flatten()
        batch, count = self.diagonal.shape[0], self.diagonal[0].numel()
        return torch.arange(batch, device=self.diagonal.device).repeat_interleave(count)

    def total(self, field: Tensor) -> Tensor:
        """Sum over each region [region]."""
        if self.apart is None:
            return field.flatten(1).sum(1)
        return field.new_zeros(self.apart_count).index_add_(0, self.regions, field.flatten())

    @cached_property
    def apart_count(self) -> int:
        assert self.apart is not None
        return int(self.apart.max()) + 1

    @cached_property
    def loose(self) -> tuple[Tensor, Tensor]:
        """1 / cells of regions in which a constant is in the null space, 0 for others [region]; the same for each of
        their cells, times that number [batch, *cells]."""
        cells = self.total(self.unknown).clamp(min=1.0)
        free = (self.total(self.held * self.unknown) == 0.0).to(cells.dtype)
        return free / cells, self.each(free) * self.unknown

    def each(self, numbers: Tensor) -> Tensor:
        """[region] -> that of each cell [batch, *cells], or [batch, 1, ...]"""
        if self.apart is None:
            return numbers.view(-1, *[1] * len(self.axes))
        return numbers[self.regions].view_as(self.diagonal)

    def within(self, b: Tensor) -> Tensor:
        """The part of b that has a solution, or of x that is determined: zero in cells that are no unknowns, and of
        mean zero over the others of a region where a constant is in the null space."""
        b = b * self.unknown
        share, where = self.loose
        return b - self.each(self.total(b) * share) * where

    @cached_property
    def mean(self) -> tuple[Tensor, Tensor]:
        """Mean shift and beta over unknowns and the faces through which something passes [batch]."""
        shift = (self.shift * self.unknown).flatten(1).sum(1) / self.unknown.flatten(1).sum(1).clamp(min=1.0)
        total, faces = torch.zeros_like(shift), torch.zeros_like(shift)
        for number, (axis, weight) in enumerate(zip(self.axes, self.weights, strict=True)):
            inner = weight if axis.periodic else weight.narrow(1 + number, 1, axis.count - 1)
            total = total + inner.flatten(1).sum(1) * axis.spacing**2
            faces = faces + (inner > 0.0).flatten(1).sum(1)
        return shift, torch.where(faces > 0, total / faces.clamp(min=1.0), 1.0)

    def pairing(self, y: Tensor, x: Tensor) -> tuple[Tensor, ...]:
        """d(y . A x) / d weights, for each axis [batch, *face_counts]."""
        found = []
        for number, (axis, weight) in enumerate(zip(self.axes, self.weights, strict=True)):
            dim, n = 1 + number, axis.count
            if axis.periodic:
                found.append((y - y.roll(1, dim)) * (x - x.roll(1, dim)))
                continue
            product = torch.zeros_like(weight)
            if n > 1:
                product.narrow(dim, 1, n - 1).copy_(y.diff(dim=dim) * x.diff(dim=dim))
            for place, face in ((0, 0), (n - 1, n)):
                product.narrow(dim, face, 1).copy_(y.narrow(dim, place, 1) * x.narrow(dim, place, 1))
            found.append(product)
        return tuple(found)


def diffusion(
    axes: Sequence[Axis], faces: Sequence[Tensor], shift: Tensor | float = 0.0, apart: Tensor | None = None
) -> Diffusion:
    """faces: beta >= 0 on the faces across each axis [batch, *face_counts]. shift: [batch], [batch, *cells], or one
    number for all."""
    weights = tuple(weigh(axes, number, beta) for number, beta in enumerate(faces))
    return Diffusion(tuple(axes), weights, spread(shift, weights[0]), apart)


def pockets(axes: Sequence[Axis], faces: Sequence[Tensor]) -> Tensor:
    """Numbers of regions that nothing connects, different in every member [batch, *cells]; made on the host, so once
    for a geometry and not in every step."""
    batch, cells = faces[0].shape[0], tuple(axis.count for axis in axes)
    number = np.arange(batch * prod(cells)).reshape(batch, *cells)
    ends: list[tuple[np.ndarray, np.ndarray]] = []
    for n, (axis, beta) in enumerate(zip(axes, faces, strict=True)):
        below = np.roll(number, 1, 1 + n)
        inner = slice(0, None) if axis.periodic else slice(1, -1)
        open_face = np.moveaxis(beta.detach().cpu().numpy(), 1 + n, 0)[inner] > 0.0
        first = np.moveaxis(below, 1 + n, 0)[slice(0, None) if axis.periodic else slice(1, None)]
        second = np.moveaxis(number, 1 + n, 0)[slice(0, None) if axis.periodic else slice(1, None)]
        ends.append((first[open_face], second[open_face]))
    rows, columns = (np.concatenate(one) for one in zip(*ends, strict=True))
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(number.size, number.size))
    _, labels = connected_components(graph, directed=False)
    return torch.from_numpy(labels.astype(np.int64)).view(batch, *cells).to(faces[0].device)


def spread(shift: Tensor | float, like: Tensor) -> Tensor:
    """As [batch, 1, ...] or [batch, *cells]."""
    if not isinstance(shift, Tensor):
        return torch.full((like.shape[0], *[1] * (like.ndim - 1)), shift, dtype=like.dtype, device=like.device)
    if shift.ndim == like.ndim:
        return shift.to(like)
    return shift.to(like).expand(like.shape[0]).reshape(-1, *[1] * (like.ndim - 1))


def weigh(axes: Sequence[Axis], number: int, beta: Tensor) -> Tensor:
    """beta / spacing^2, times what the walls make of it."""
    axis = axes[number]
    if beta.shape[1:] != face_counts(axes, number):
        raise ValueError(f"faces across axis {number} are {face_counts(axes, number)}; got {tuple(beta.shape[1:])}")
    if axis.periodic:
        return beta / axis.spacing**2
    shape = [1] * beta.ndim
    shape[1 + number] = axis.count + 1
    return beta * factors(axis, beta.dtype, beta.device).view(shape)


@cache
def factors(axis: Axis, dtype: torch.dtype, device: torch.device) -> Tensor:
    """1 / spacing^2 for each face of an axis between walls, times what the walls make of it."""
    found = torch.full((axis.count + 1,), 1.0 / axis.spacing**2, dtype=torch.float64)
    found[0] *= WALL[axis.lo]
    found[-1] *= WALL[axis.hi]
    return found.to(device, dtype)


def right_side(axes: Sequence[Axis], faces: Sequence[Tensor], b: Tensor, values: Mapping[Side, Tensor]) -> Tensor:
    """b and what the walls add to it; differentiable.

    values: at a "dirichlet" or "node" end x on the wall, at a "neumann" end the flux beta dx/dn into the domain;
    [batch, *cells of the wall] or [batch].
    """
    for (number, side), value in values.items():
        axis, dim = axes[number], 1 + number
        end, face = (axis.lo, 0) if side == "lo" else (axis.hi, axis.count)
        value = value.unsqueeze(dim) if value.ndim == b.ndim - 1 else value.view(-1, *[1] * (b.ndim - 1))
        wall = faces[number].narrow(dim, face, 1)
        added = value / axis.spacing if end == "neumann" else WALL[end] * wall * value / axis.spacing**2
        added = added.expand(*b.shape[:dim], 1, *b.shape[dim + 1 :])
        others = b.new_zeros(*b.shape[:dim], axis.count - 1, *b.shape[dim + 1 :])
        b = b + torch.cat((added, others) if side == "lo" else (others, added), dim)
    return b


def between(axes: Sequence[Axis], cells: Tensor) -> tuple[Tensor, ...]:
    """beta on faces from beta in cells [batch, *cells]: the harmonic mean of the two, which keeps the flux through
    layers exact [Patankar 1980, section 4.2-3]; at a wall that of the cell before it."""
    found = []
    for number, axis in enumerate(axes):
        dim, n = 1 + number, axis.count
        if axis.periodic:
            below = cells.roll(1, dim)
            found.append(2.0 * cells * below / (cells + below))
            continue
        low, high = cells.narrow(dim, 0, n - 1), cells.narrow(dim, 1, n - 1)
        inner = 2.0 * low * high / (low + high)
        found.append(torch.cat((cells.narrow(dim, 0, 1), inner, cells.narrow(dim, n - 1, 1)), dim))
    return tuple(found)
