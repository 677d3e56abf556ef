"""Real spherical harmonics up to degree 3, and what a rotation does to a sum of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["harmonics", "turned_harmonics"]

Array = NDArray[np.float64]

BLOCK = 1 << 14  # rotations at once
EVEN = np.arange(16) + 0.5
HEIGHT, AROUND = 1 - EVEN / 8, np.pi * (1 + 5**0.5) * EVEN
# 16 directions spread evenly over the sphere [Vogel's spiral], on which a degree l <= 3 is known from its values
SPREAD = np.stack([(1 - HEIGHT**2) ** 0.5 * np.cos(AROUND), (1 - HEIGHT**2) ** 0.5 * np.sin(AROUND), HEIGHT], axis=1)


def harmonics(degree: int, directions: Array) -> Array:
    """Y_lm(d), m = -l..l, at unit vectors d [..., 3] as [..., 2 l + 1].

    Orthonormal on the sphere; odd m with the sign of Condon and Shortley, as files of Gaussian splats have it
    [Kerbl et al. 2023]."""
    x, y, z = np.moveaxis(directions, -1, 0)
    xx, yy, zz = x * x, y * y, z * z
    match degree:
        case 0:
            terms = [(1 / 4, np.ones_like(x))]
        case 1:
            terms = [(3 / 4, -y), (3 / 4, z), (3 / 4, -x)]
        case 2:
            terms = [
                (15 / 4, x * y), (15 / 4, -y * z), (5 / 16, 2 * zz - xx - yy), (15 / 4, -x * z), (15 / 16, xx - yy),
            ]  # fmt: skip
        case 3:
            terms = [
                (35 / 32, -y * (3 * xx - yy)), (105 / 4, x * y * z), (21 / 32, -y * (4 * zz - xx - yy)),
                (7 / 16, z * (2 * zz - 3 * xx - 3 * yy)), (21 / 32, -x * (4 * zz - xx - yy)),
                (105 / 16, z * (xx - yy)), (35 / 32, -x * (xx - 3 * yy)),
            ]  # fmt: skip
        case _:
            raise ValueError(f"harmonics are known up to degree 3, not {degree}")
    return np.stack([np.sqrt(square / np.pi) * term for square, term in terms], axis=-1)


def turned_harmonics(coefficients: Array, rotations: Array) -> Array:
    """Coefficients c [n, channel, (L + 1)^2] of f(d) = sum c_lm Y_lm(d) to those of f(R' d), R [n, 3, 3].

    A rotation mixes the harmonics of one degree among each other. The matrix that does it follows from their values:
    D = Y(d_i)^+ Y(R' d_i) on directions d_i enough to tell them apart."""
    out = np.array(coefficients, dtype=np.float64)
    for degree in range(1, round(out.shape[2] ** 0.5)):
        part = slice(degree**2, (degree + 1) ** 2)
        known = np.linalg.pinv(harmonics(degree, SPREAD))
        for first in range(0, len(out), BLOCK):
            block = slice(first, first + BLOCK)
            matrix = known @ harmonics(degree, SPREAD @ rotations[block])
            out[block, :, part] = out[block, :, part] @ matrix.swapaxes(1, 2)
    return out
