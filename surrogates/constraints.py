"""What fields keep for ever, imposed on what a network says of them.

A constraint is linear: it projects a change of the fields onto those changes that keep it, orthogonally, so that what
is right already stays as it is. Networks of every kind take them: FNO(..., constraints=[DivergenceFree("velocity")]).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError

__all__ = [
    "CONSTRAINTS",
    "Constraint",
    "DivergenceFree",
    "DivergenceFreeBox",
    "Keeping",
    "divergence",
    "held",
    "tangent",
]

Fields = Mapping[str, Tensor]


class Constraint(Protocol):
    @property
    def field(self) -> str: ...  # among the outputs

    def tangent(self, change: Tensor) -> Tensor:
        """The part of a change of the field that keeps the constraint; [batch, *grid] or [batch, *grid, component]."""
        ...

    def hold(self, field: Tensor, before: Tensor | None) -> Tensor:
        """The nearest field that obeys. before: the same field at the beginning of the step, where it is known."""
        ...


@dataclass(frozen=True)
class DivergenceFree:
    """The Leray projection of a periodic velocity, u_k - k (k . u_k) / |k|^2 [Chorin & Marsden 1993, section 1.3].

    spacing: of the grid along each axis, up to a common factor; equal ones unless said. The mean flow is left as it is.
    """

    field: str = "velocity"
    spacing: tuple[float, ...] = ()

    def tangent(self, change: Tensor) -> Tensor:
        axes = tuple(range(1, change.ndim - 1))
        k = waves(change, self.spacing)
        u_hat = torch.fft.rfftn(change, dim=axes)
        along = (k * u_hat).sum(-1, keepdim=True) / k.square().sum(-1, keepdim=True).clamp(min=1e-30)
        return torch.fft.irfftn(u_hat - k * along, s=change.shape[1:-1], dim=axes)

    def hold(self, field: Tensor, before: Tensor | None) -> Tensor:
        return self.tangent(field)


@dataclass(frozen=True)
class DivergenceFreeBox:
    """The same within walls that nothing passes, for velocities [batch, nx, ny, 2] at the middles of square cells that
    are means of those on their faces, as staggered grids show them.

    With images beyond the walls u is a series of sin(k x) cos(l y) and v one of cos(k x) sin(l y). The mean of two
    faces makes cos(k h / 2) of a wave, their difference 2 i sin(k h / 2), so that what is free of divergence on the
    faces obeys tan(k h / 2) u + tan(l h / 2) v = 0 at the middles, exactly.
    """

    field: str = "velocity"

    def tangent(self, change: Tensor) -> Tensor:
        if change.ndim != 4 or change.shape[-1] != 2:
            raise EngineError(f"DivergenceFreeBox got {tuple(change.shape)}; it takes [batch, nx, ny, 2].")
        nx, ny = change.shape[1:3]
        u_hat = torch.fft.fftn(mirrored(change), dim=(1, 2))
        k = torch.stack(torch.meshgrid(half_tangents(2 * nx, change), half_tangents(2 * ny, change), indexing="ij"), -1)
        along = (k * u_hat).sum(-1, keepdim=True) / k.square().sum(-1, keepdim=True).clamp(min=1e-30)
        return torch.fft.ifftn(u_hat - k * along, dim=(1, 2)).real[:, :nx, :ny]

    def hold(self, field: Tensor, before: Tensor | None) -> Tensor:
        return self.tangent(field)


@dataclass(frozen=True)
class Keeping:
    """The mean over the grid stays what it was: mass, where nothing enters or leaves."""

    field: str

    def tangent(self, change: Tensor) -> Tensor:
        return change - mean(change)

    def hold(self, field: Tensor, before: Tensor | None) -> Tensor:
        if before is None:
            raise EngineError(f"Keeping({self.field!r}) needs the field among those that the network is given.")
        return field + (mean(before) - mean(field))


CONSTRAINTS = (DivergenceFree, DivergenceFreeBox, Keeping)


def tangent(constraints: Sequence[Constraint], change: Fields) -> dict[str, Tensor]:
    """The part of a change of named fields that keeps all constraints."""
    found = dict(change)
    for one in constraints:
        found[one.field] = one.tangent(found[one.field])
    return found


def held(constraints: Sequence[Constraint], outputs: Fields, before: Fields) -> dict[str, Tensor]:
    """The outputs of a step as the constraints want them."""
    found = dict(outputs)
    for one in constraints:
        found[one.field] = one.hold(found[one.field], before.get(one.field))
    return found


def mean(field: Tensor) -> Tensor:
    """Of each scalar [batch, *grid] over its grid."""
    return field.mean(dim=tuple(range(1, field.ndim)), keepdim=True)


def divergence(velocity: Tensor, spacing: tuple[float, ...] = ()) -> Tensor:
    """Of a periodic velocity [batch, *grid, component], by its Fourier series [batch, *grid]; spacing: as above, 2 pi
    over the number of points unless said."""
    grid = velocity.shape[1:-1]
    axes = tuple(range(1, velocity.ndim - 1))
    k = waves(velocity, spacing or tuple(2.0 * math.pi / n for n in grid))
    return torch.fft.irfftn((1j * k * torch.fft.rfftn(velocity, dim=axes)).sum(-1), s=grid, dim=axes)


def waves(like: Tensor, spacing: tuple[float, ...]) -> Tensor:
    """Wavenumbers of a real transform of [batch, *grid, component], [*modes, component].

    The highest of an even grid is 0: the slope of a wave that is sampled at its nodes alone is not known.
    """
    grid = like.shape[1:-1]
    if len(grid) != like.shape[-1] or (spacing and len(spacing) != len(grid)):
        raise EngineError(
            f"A divergence got {like.shape[-1]} components on a grid of {len(grid)} axes and spacing={spacing}: one of "
            f"each for every axis, [batch, *grid, component]."
        )
    rows = []
    for axis, (n, h) in enumerate(zip(grid, spacing or (1.0,) * len(grid), strict=True)):
        made = torch.fft.rfftfreq if axis == len(grid) - 1 else torch.fft.fftfreq
        k = made(n, h, dtype=like.dtype, device=like.device) * 2.0 * math.pi
        if n % 2 == 0:
            k[n // 2] = 0.0
        rows.append(k)
    return torch.stack(torch.meshgrid(*rows, indexing="ij"), dim=-1)


def mirrored(u: Tensor) -> Tensor:
    """A velocity in a box and its images on the other sides: the component across a wall changes its sign."""
    for axis in (1, 2):
        signs = torch.ones(2, dtype=u.dtype, device=u.device)
        signs[axis - 1] = -1.0
        u = torch.cat([u, u.flip(axis) * signs], dim=axis)
    return u


def half_tangents(points: int, like: Tensor) -> Tensor:
    """tan(k h / 2) for the waves of a periodic axis. The highest one has no mean between faces: there it is very large,
    so that a component along it is taken away whole."""
    half = math.pi * torch.fft.fftfreq(points, dtype=torch.float64)
    tangent = torch.tan(half)
    tangent[points // 2] = 1e7
    return tangent.to(like)
