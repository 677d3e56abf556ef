# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)
"""How Stillinger & Weber's pairs and triplets fall off with distance, with their derivatives, inside kernels."""

from functools import cache
from typing import Any

import torch
import warp as wp

from scenegrad.solvers.md.numbers import numbers

__all__ = ["falls"]


@cache
def falls(dtype: torch.dtype) -> tuple[Any, Any]:
    """(phi, phi', phi'', dphi'/dB) over A, and (h, h', h'', dh/dgamma, dh'/dgamma) at r; theta = (epsilon, sigma, A, B,
    lambda, gamma, end)."""
    n = numbers(3, dtype)
    real, theta, four, five = n.real, n.theta(7), n.theta(4), n.theta(5)

    @wp.func
    def pair(r: real, t: theta) -> four:
        gap = r - t[6]
        tail = wp.exp(t[1] / gap)
        first = -t[1] / (gap * gap)  # of the exponent
        second = real(-2.0) * first / gap
        s = t[1] / r
        power = s * s * s * s
        core = t[3] * power - real(1.0)
        core_1 = real(-4.0) * t[3] * power / r
        core_2 = real(20.0) * t[3] * power / (r * r)
        slope = (core_1 + core * first) * tail
        bend = (core_2 + real(2.0) * core_1 * first + core * (second + first * first)) * tail
        by_b = (real(-4.0) * power / r + power * first) * tail
        return four(core * tail, slope, bend, by_b)

    @wp.func
    def fall(r: real, t: theta) -> five:
        gap = r - t[6]
        h = wp.exp(t[5] * t[1] / gap)
        unit = -t[1] / (gap * gap)
        first = t[5] * unit
        second = real(-2.0) * first / gap
        by_gamma = h * t[1] / gap
        return five(h, h * first, h * (second + first * first), by_gamma, by_gamma * first + h * unit)

    return pair, fall
