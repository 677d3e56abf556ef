"""What passes through the faces between samples: conservative schemes, told apart by the values they put there.

A flux is the velocity times the value upwind less what diffuses,  F = max(u, 0) left + min(u, 0) right - k dq,  with k
the diffusivity over the distance. A cell with q, and with the steps a from its neighbour below and b to the one above,
has  q + ahead(a, b)  at its upper face and  q - behind(a, b)  at its lower one.
"""

# (no `from __future__ import annotations`: Warp reads these annotations)

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import warp as wp

__all__ = ["SCHEMES", "Central", "Ends", "Paused", "Scheme", "VanLeer", "Weno3"]


@dataclass(frozen=True)
class Ends:
    """Warp functions (a, b, small) of one precision: the two above and their derivatives by a and by b.

    small: a square of steps below which a field counts as smooth."""

    ahead: Any
    behind: Any
    ahead_a: Any
    ahead_b: Any
    behind_a: Any
    behind_b: Any


class Scheme(Protocol):
    @property
    def upwind(self) -> float:
        """Largest damping rate in units of u/h, which bounds the step of an explicit method."""
        ...

    @property
    def carries(self) -> bool: ...

    @property
    def small(self) -> float:
        """`small`, relative to the square of the largest step."""
        ...

    def ends(self, real: Any) -> Ends: ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True)
class Central:
    """left = right = mean of the neighbours: keeps kinetic energy [Harlow & Welch 1965]."""

    upwind = 0.0
    carries = True
    small = 0.0

    def ends(self, real: Any) -> Ends:
        return central(real)


@dataclass(frozen=True)
class Paused:
    """Nothing is carried, as where paths carry the fields."""

    upwind = 0.0
    carries = False
    small = 0.0

    def ends(self, real: Any) -> Ends:
        return central(real)


@dataclass(frozen=True)
class VanLeer:
    """Straight lines in the cells, their slopes the harmonic mean of the differences to both sides, zero at extrema
    [van Leer 1974, J. Comput. Phys. 14, 361-370]: no new extrema, second order elsewhere."""

    upwind = 2.0
    carries = True
    small = 0.0

    def ends(self, real: Any) -> Ends:
        return van_leer(real)


@dataclass(frozen=True)
class Weno3:
    """Two straight lines for each end of a cell, weighed by how smooth they are [Jiang & Shu 1996, J. Comput. Phys.
    126, 202-228]: third order where the flow is smooth."""

    upwind = 2.0
    carries = True
    small = 1e-6

    def ends(self, real: Any) -> Ends:
        return weno3(real)


SCHEMES: Mapping[str, Scheme] = {
    "central": Central(),
    "van_leer": VanLeer(),
    "weno3": Weno3(),
    "maccormack": Paused(),  # see maccormack.py
}


@cache
def central(real: Any) -> Ends:
    @wp.func
    def half_a(a: real, b: real, small: real):
        return real(0.5) * a

    @wp.func
    def half_b(a: real, b: real, small: real):
        return real(0.5) * b

    @wp.func
    def one_half(a: real, b: real, small: real):
        return real(0.5)

    @wp.func
    def zero(a: real, b: real, small: real):
        return real(0.0)

    return Ends(half_b, half_a, zero, one_half, one_half, zero)


@cache
def van_leer(real: Any) -> Ends:
    """ahead = behind = max(ab, 0) / (a + b)"""
    # a + b = 0 with ab > 0 cannot be: the tiny number only keeps 0/0 away, also from the square in a derivative
    tiny = wp.constant(real(1e-150 if real == wp.float64 else 1e-18))

    @wp.func
    def half(a: real, b: real, small: real):
        return wp.max(a * b, real(0.0)) / (a + b + tiny)

    @wp.func
    def by_a(a: real, b: real, small: real):
        share = b / (a + b + tiny)
        return wp.where(a * b > real(0.0), share * share, real(0.0))

    @wp.func
    def by_b(a: real, b: real, small: real):
        share = a / (a + b + tiny)
        return wp.where(a * b > real(0.0), share * share, real(0.0))

    return Ends(half, half, by_a, by_b, by_a, by_b)


@cache
def weno3(real: Any) -> Ends:
    """Weights 1/3 of the line from behind and 2/3 of the one ahead, divided by the squares of their roughness; with
    r = ((a^2 + small) / (b^2 + small))^2,  ahead = (r b + a / 2) / (2 r + 1),  behind = (a + r b / 2) / (2 + r)."""

    @wp.func
    def ratio(a: real, b: real, small: real):
        share = (a * a + small) / (b * b + small)
        return share * share

    @wp.func
    def by_a(a: real, b: real, small: real):
        """dr/da"""
        return real(4.0) * a * ratio(a, b, small) / (a * a + small)

    @wp.func
    def by_b(a: real, b: real, small: real):
        """dr/db"""
        return real(-4.0) * b * ratio(a, b, small) / (b * b + small)

    @wp.func
    def ahead(a: real, b: real, small: real):
        r = ratio(a, b, small)
        return (r * b + real(0.5) * a) / (real(2.0) * r + real(1.0))

    @wp.func
    def behind(a: real, b: real, small: real):
        r = ratio(a, b, small)
        return (a + real(0.5) * r * b) / (real(2.0) + r)

    @wp.func
    def ahead_a(a: real, b: real, small: real):
        bottom = real(2.0) * ratio(a, b, small) + real(1.0)
        return real(0.5) / bottom + (b - a) / (bottom * bottom) * by_a(a, b, small)

    @wp.func
    def ahead_b(a: real, b: real, small: real):
        r = ratio(a, b, small)
        bottom = real(2.0) * r + real(1.0)
        return r / bottom + (b - a) / (bottom * bottom) * by_b(a, b, small)

    @wp.func
    def behind_a(a: real, b: real, small: real):
        bottom = real(2.0) + ratio(a, b, small)
        return real(1.0) / bottom + (b - a) / (bottom * bottom) * by_a(a, b, small)

    @wp.func
    def behind_b(a: real, b: real, small: real):
        r = ratio(a, b, small)
        bottom = real(2.0) + r
        return real(0.5) * r / bottom + (b - a) / (bottom * bottom) * by_b(a, b, small)

    return Ends(ahead, behind, ahead_a, ahead_b, behind_a, behind_b)
