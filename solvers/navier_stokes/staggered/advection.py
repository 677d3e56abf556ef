"""What is carried through the faces between samples: conservative schemes, told apart by the values they put there.

A flux is the velocity times the value upwind,  F = max(U, 0) left + min(U, 0) right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.slices import but_first, but_last, inner

__all__ = ["SCHEMES", "Central", "Scheme", "VanLeer", "Weno3"]


class Scheme(Protocol):
    @property
    def width(self) -> int:
        """Ghosts that it needs on either side."""
        ...

    @property
    def upwind(self) -> float:
        """Largest damping rate in units of U/h, which bounds the step of an explicit method."""
        ...

    def flux(self, q: Tensor, steps: Tensor, u: Tensor, axis: int) -> Tensor:
        """Through the m + 1 interfaces of m samples. q: with ghosts; steps: differences of q; u: velocity there."""
        ...


@dataclass(frozen=True)
class Central:
    """left = right = mean of the neighbours: keeps kinetic energy [Harlow & Welch 1965]."""

    width = 1
    upwind = 0.0

    def flux(self, q: Tensor, steps: Tensor, u: Tensor, axis: int) -> Tensor:
        return torch.add(but_first(q, axis), but_last(q, axis)).mul_(u).mul_(0.5)


@dataclass(frozen=True)
class VanLeer:
    """Straight lines in the cells, their slopes the harmonic mean of the differences to both sides, zero at extrema
    [van Leer 1974, J. Comput. Phys. 14, 361-370]: no new extrema, second order elsewhere."""

    width = 2
    upwind = 2.0

    def flux(self, q: Tensor, steps: Tensor, u: Tensor, axis: int) -> Tensor:
        above, below = harmonic(steps, axis)
        middle = inner(q, axis)
        left = torch.addcdiv(middle, above, below)
        right = torch.addcdiv(middle, above, below, value=-1.0)
        return upwind(left, right, u, axis)


def harmonic(steps: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Half the slope in each cell, as a fraction: max(ab, 0) / (a + b)."""
    a, b = but_last(steps, axis), but_first(steps, axis)
    # a + b = 0 with ab > 0 cannot be: the tiny number only keeps 0/0 away, also from the square that a derivative has
    return torch.mul(a, b).clamp(min=0.0), torch.add(a, b).add_(torch.finfo(steps.dtype).tiny ** 0.5)


def upwind(ahead: Tensor, behind: Tensor, u: Tensor, axis: int) -> Tensor:
    """The flux between cells with the values `ahead` at their upper and `behind` at their lower ends."""
    forward = torch.mul(but_last(ahead, axis), u.clamp(min=0.0))
    return torch.addcmul(forward, but_first(behind, axis), u.clamp(max=0.0))


@dataclass(frozen=True)
class Weno3:
    """Two straight lines for each end of a cell, weighed by how smooth they are [Jiang & Shu 1996, J. Comput. Phys.
    126, 202-228]: third order where the flow is smooth."""

    width = 2
    upwind = 2.0

    def flux(self, q: Tensor, steps: Tensor, u: Tensor, axis: int) -> Tensor:
        a, b = but_last(steps, axis), but_first(steps, axis)
        # relative to the largest step, so that the result scales with the field
        small = 1e-6 * steps.square().amax(tuple(range(1, steps.ndim)), keepdim=True) + 1e-30
        # weights 1/3 of the line from behind and 2/3 of the one ahead, divided by the squares of their roughness
        ratio = torch.div(a.square() + small, b.square() + small).square()
        ahead = 0.5 * (2.0 * ratio * b + a) / (2.0 * ratio + 1.0)
        behind = 0.5 * (2.0 * a + ratio * b) / (2.0 + ratio)
        middle = inner(q, axis)
        return upwind(middle + ahead, middle - behind, u, axis)


SCHEMES: Mapping[str, Scheme] = {"central": Central(), "van_leer": VanLeer(), "weno3": Weno3()}
