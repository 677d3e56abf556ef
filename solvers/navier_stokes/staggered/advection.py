"""What is carried through the faces between samples: conservative schemes, told apart by the values they put there.

A flux is the velocity times the value upwind,  F = U/2 (left + right) - |U|/2 (right - left).
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

    def flux(self, q: Tensor, steps: Tensor, half: Tensor, axis: int) -> Tensor:
        """Through the m + 1 interfaces of m samples. q: with ghosts; steps: differences of q; half: U/2."""
        ...


@dataclass(frozen=True)
class Central:
    """left = right = mean of the neighbours: keeps kinetic energy [Harlow & Welch 1965]."""

    width = 1
    upwind = 0.0

    def flux(self, q: Tensor, steps: Tensor, half: Tensor, axis: int) -> Tensor:
        return half * torch.add(but_first(q, axis), but_last(q, axis))


@dataclass(frozen=True)
class VanLeer:
    """Straight lines in the cells, their slopes the harmonic mean of the differences to both sides, zero at extrema
    [van Leer 1974, J. Comput. Phys. 14, 361-370]: no new extrema, second order elsewhere."""

    width = 2
    upwind = 2.0

    def flux(self, q: Tensor, steps: Tensor, half: Tensor, axis: int) -> Tensor:
        return upwinded(q, steps, half, axis, *harmonic(steps, axis))


def harmonic(steps: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Half the slope in each cell, as a fraction: max(ab, 0) / (a + b)."""
    a, b = but_last(steps, axis), but_first(steps, axis)
    # a + b = 0 with ab > 0 cannot be, so that the tiny number only keeps 0/0 away
    return torch.mul(a, b).clamp(min=0.0), torch.add(a, b).add_(torch.finfo(steps.dtype).tiny)


def upwinded(q: Tensor, steps: Tensor, half: Tensor, axis: int, above: Tensor, below: Tensor) -> Tensor:
    """The flux between cells whose values at their ends are q -+ above / below."""
    middle = inner(q, axis)
    left = but_last(torch.addcdiv(middle, above, below), axis)
    right = but_first(torch.addcdiv(middle, above, below, value=-1.0), axis)
    return torch.mul(half, left + right) - half.abs() * (right - left)


@dataclass(frozen=True)
class Weno3:
    """Two straight lines for each end of a cell, weighed by how smooth they are [Jiang & Shu 1996, J. Comput. Phys.
    126, 202-228]: third order where the flow is smooth."""

    width = 2
    upwind = 2.0

    def flux(self, q: Tensor, steps: Tensor, half: Tensor, axis: int) -> Tensor:
        a, b = but_last(steps, axis), but_first(steps, axis)
        # relative to the largest step, so that the result scales with the field
        small = 1e-6 * steps.detach().square().amax(tuple(range(1, steps.ndim)), keepdim=True) + 1e-30
        rough_a, rough_b = (a.square() + small).square(), (b.square() + small).square()
        # weights 1/3 of the line from behind and 2/3 of the one ahead, divided by their roughness
        ahead = 0.5 * (2.0 * rough_a * b + rough_b * a) / (2.0 * rough_a + rough_b)
        behind = 0.5 * (2.0 * rough_b * a + rough_a * b) / (2.0 * rough_b + rough_a)
        middle = inner(q, axis)
        left, right = but_last(middle + ahead, axis), but_first(middle - behind, axis)
        return half * (left + right) - half.abs() * (right - left)


SCHEMES: Mapping[str, Scheme] = {"central": Central(), "van_leer": VanLeer(), "weno3": Weno3()}
