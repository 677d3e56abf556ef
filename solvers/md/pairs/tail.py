"""What a plainly cut Lennard-Jones potential leaves out, for a fluid that is uniform beyond the cutoff (g = 1)."""

from __future__ import annotations

import math
from typing import TypeVar

from torch import Tensor

__all__ = ["tail_energy", "tail_pressure"]

Number = TypeVar("Number", float, Tensor)


def tail_energy(
    density: float, cutoff: Number, epsilon: Number | float = 1.0, sigma: Number | float = 1.0, dim: int = 3
) -> Number:
    """Energy per atom 1/2 rho int_rc^inf u(r) dV; in 3D (8/3) pi rho eps sigma^3 [(sigma/rc)^9/3 - (sigma/rc)^3]

    [Frenkel & Smit 2002, eq. 3.2.5]. For a mixture add up x_a x_b of every ordered pair of species.
    """
    s, scale = sigma / cutoff, density * sphere(dim) * 2.0 * epsilon * cutoff**dim
    return scale * (s**12 / (12 - dim) - s**6 / (6 - dim))


def tail_pressure(
    density: float, cutoff: Number, epsilon: Number | float = 1.0, sigma: Number | float = 1.0, dim: int = 3
) -> Number:
    """-(rho^2 / 2 dim) int_rc^inf r u'(r) dV; in 3D (16/3) pi rho^2 eps sigma^3 [(2/3)(sigma/rc)^9 - (sigma/rc)^3]

    [Frenkel & Smit 2002, eq. 3.2.10]
    """
    s, scale = sigma / cutoff, density**2 * sphere(dim) * 2.0 * epsilon * cutoff**dim / dim
    return scale * (12.0 * s**12 / (12 - dim) - 6.0 * s**6 / (6 - dim))


def sphere(dim: int) -> float:
    """Surface of the unit sphere."""
    return 2.0 * math.pi ** (dim / 2) / math.gamma(dim / 2)
