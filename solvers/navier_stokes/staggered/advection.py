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
    """Warp functions of one precision.

    upwind (w, q0, q1, q2, q3, small): the value between q1 and q2 that a velocity w takes along.
    The others, of (a, b, small): derivatives of what is above by a and by b.
    small: a square of steps below which a field counts as smooth."""

    upwind: Any
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
    def upwind(w: real, q0: real, q1: real, q2: real, q3: real, small: real):
        return real(0.5) * (q1 + q2)

    @wp.func
    def one_half(a: real, b: real, small: real):
        return real(0.5)

    @wp.func
    def zero(a: real, b: real, small: real):
        return real(0.0)

    return Ends(upwind, zero, one_half, one_half, zero)


@cache
def van_leer(real: Any) -> Ends:
    """ahead = behind = max(ab, 0) / (a + b), which does not change with the order of a and b."""
    # a + b = 0 with ab > 0 cannot be: the tiny number only keeps 0/0 away, also from the square in a derivative
    tiny = wp.constant(real(1e-150 if real == wp.float64 else 1e-18))

    @wp.func
    def upwind(w: real, q0: real, q1: real, q2: real, q3: real, small: real):
        up = w > real(0.0)
        a = wp.where(up, q1 - q0, q3 - q2)
        b = q2 - q1
        half = wp.max(a * b, real(0.0)) / (a + b + tiny)
        return wp.where(up, q1 + half, q2 - half)

    @wp.func
    def by_a(a: real, b: real, small: real):
        share = b * (real(1.0) / (a + b + tiny))
        return wp.where(a * b > real(0.0), share * share, real(0.0))

    @wp.func
    def by_b(a: real, b: real, small: real):
        share = a * (real(1.0) / (a + b + tiny))
        return wp.where(a * b > real(0.0), share * share, real(0.0))

    return Ends(upwind, by_a, by_b, by_a, by_b)


@cache
def weno3(real: Any) -> Ends:
    """Weights 1/3 of the line from behind and 2/3 of the one ahead, divided by the squares of their roughness; with
    A = ((a^2 + small) / small)^2 and B likewise,  ahead = f(a, b) = (A b + B a / 2) / (2 A + B),  behind = f(b, a).

    f has  (2 A + B)^2 f_a = B ((2 A + B) / 2 + A_a (b - a)),  (2 A + B)^2 f_b = A (2 A + B + B_b (a - b)).
    """

    @wp.func
    def rough(a: real, small: real):
        return a * a * (real(1.0) / small) + real(1.0)

    @wp.func
    def f(a: real, b: real, small: real):
        x, y = rough(a, small), rough(b, small)
        x2, y2 = x * x, y * y
        return (x2 * b + y2 * (real(0.5) * a)) / (real(2.0) * x2 + y2)

    @wp.func
    def upwind(w: real, q0: real, q1: real, q2: real, q3: real, small: real):
        up = w > real(0.0)
        b = q2 - q1
        a = wp.where(up, q1 - q0, q3 - q2)
        half = f(a, b, small)
        return wp.where(up, q1 + half, q2 - half)

    @wp.func
    def f_a(a: real, b: real, small: real):
        x, y = rough(a, small), rough(b, small)
        x2, y2 = x * x, y * y
        bottom = real(2.0) * x2 + y2
        share = real(1.0) / bottom
        return share * share * y2 * (real(0.5) * bottom + real(4.0) * a * (real(1.0) / small) * x * (b - a))

    @wp.func
    def f_b(a: real, b: real, small: real):
        x, y = rough(a, small), rough(b, small)
        x2, y2 = x * x, y * y
        bottom = real(2.0) * x2 + y2
        share = real(1.0) / bottom
        return share * share * x2 * (bottom + real(4.0) * b * (real(1.0) / small) * y * (a - b))

    @wp.func
    def behind_a(a: real, b: real, small: real):
        return f_b(b, a, small)

    @wp.func
    def behind_b(a: real, b: real, small: real):
        return f_a(b, a, small)

    return Ends(upwind, f_a, f_b, behind_a, behind_b)
