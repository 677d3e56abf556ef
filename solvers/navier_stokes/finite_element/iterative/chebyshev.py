"""Relaxation by the polynomials of Chebyshev."""

from __future__ import annotations

from functools import cache

__all__ = ["shares"]


@cache
def shares(steps: int, low: float, high: float) -> tuple[tuple[float, float], ...]:
    """(going, share) of each step d = going d + share D^-1 r, x = x + d, which damps what lies between `low` and `high`
    of the spectrum of D^-1 A [Saad 2003, Iterative Methods for Sparse Linear Systems, algorithm 12.1]."""
    middle, half = 0.5 * (high + low), 0.5 * (high - low)
    ratio = middle / half
    found, rho = [(0.0, 1.0 / middle)], 1.0 / ratio
    for _ in range(steps - 1):
        after = 1.0 / (2.0 * ratio - rho)
        found.append((after * rho, 2.0 * after / half))
        rho = after
    return tuple(found)
