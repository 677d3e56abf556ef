"""The exact solution of Riemann's problem for an ideal gas, and of the breaking of a dam.

Two states meet at x = 0. Pressure and velocity between the two outer waves are found as the root of a monotone function
[Toro 2009, Riemann Solvers and Numerical Methods for Fluid Dynamics, chapter 4].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

__all__ = ["GasRiemann", "State", "dam_break"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class State:
    """Density, velocity, pressure."""

    density: float
    velocity: float
    pressure: float

    def sound(self, gamma: float) -> float:
        return float(np.sqrt(gamma * self.pressure / self.density))


@dataclass(frozen=True)
class GasRiemann:
    """A left and a right state of one gas, without vacuum between them."""

    left: State
    right: State
    gamma: float = 1.4

    def change(self, p: float, side: State) -> float:
        """By how much a wave to the pressure p slows the gas behind it down (a shock) or speeds it up."""
        g, c = self.gamma, side.sound(self.gamma)
        if p > side.pressure:
            a, b = 2 / ((g + 1) * side.density), (g - 1) / (g + 1) * side.pressure
            return float((p - side.pressure) * np.sqrt(a / (p + b)))
        return float(2 * c / (g - 1) * ((p / side.pressure) ** ((g - 1) / (2 * g)) - 1))

    @property
    def star(self) -> tuple[float, float]:
        """Pressure and velocity between the outer waves."""
        jump = self.right.velocity - self.left.velocity

        def excess(p: float) -> float:
            return self.change(p, self.left) + self.change(p, self.right) + jump

        top = 10 * max(self.left.pressure, self.right.pressure)
        while excess(top) < 0:
            top *= 10
        p = float(brentq(excess, 1e-14 * top, top, xtol=1e-15 * top, rtol=1e-14))
        u = 0.5 * (self.left.velocity + self.right.velocity)
        return p, u + 0.5 * (self.change(p, self.right) - self.change(p, self.left))

    def at(self, speed: Array) -> tuple[Array, Array, Array]:
        """Density, velocity, pressure at x / t = speed."""
        p, u = self.star
        left = self.beside(self.left, speed, p, u, 1.0)
        right = self.beside(self.right, -speed, p, -u, -1.0)
        density, velocity, pressure = (np.where(speed < u, a, b) for a, b in zip(left, right, strict=True))
        return density, velocity, pressure

    def beside(self, side: State, speed: Array, p: float, u: float, sign: float) -> tuple[Array, Array, Array]:
        """The states on one side of the contact; seen in a mirror for the right one (sign -1)."""
        g, c, own = self.gamma, side.sound(self.gamma), sign * side.velocity
        ratio = p / side.pressure
        outer = [np.full_like(speed, v) for v in (side.density, own, side.pressure)]
        if p > side.pressure:
            shock = own - c * np.sqrt((g + 1) / (2 * g) * ratio + (g - 1) / (2 * g))
            squeezed = side.density * (ratio + (g - 1) / (g + 1)) / ((g - 1) / (g + 1) * ratio + 1)
            found = [np.where(speed < shock, o, s) for o, s in zip(outer, (squeezed, u, p), strict=True)]
        else:
            behind = c * ratio ** ((g - 1) / (2 * g))
            fan = 2 / (g + 1) + (g - 1) / ((g + 1) * c) * (own - speed)
            fan = np.maximum(fan, 1e-300)
            within = (
                side.density * fan ** (2 / (g - 1)),
                2 / (g + 1) * (c + (g - 1) / 2 * own + speed),
                side.pressure * fan ** (2 * g / (g - 1)),
            )
            inner = (side.density * ratio ** (1 / g), u, p)
            found = [
                np.where(speed < own - c, o, np.where(speed < u - behind, w, i))
                for o, w, i in zip(outer, within, inner, strict=True)
            ]
        return found[0], sign * found[1], found[2]


def dam_break(speed: Array, high: float, low: float, gravity: float) -> tuple[Array, Array]:
    """Depth and velocity at x / t = speed, after water of two depths at rest was let go.

    On dry ground [Ritter 1892], on wet ground [Stoker 1957, Water Waves, 10.8].
    """
    c = np.sqrt(gravity * high)
    fan = np.clip(2 * c - speed, 0, None) / 3
    depth, velocity = fan**2 / gravity, 2 / 3 * (c + speed)
    if low == 0:
        dry, quiet = speed >= 2 * c, speed <= -c
        depth = np.where(quiet, high, np.where(dry, 0.0, depth))
        return depth, np.where(quiet | dry, 0.0, velocity)

    def mismatch(h: float) -> float:
        """The rise through a shock less the fall through a fan, as velocities."""
        shock = (h - low) * np.sqrt(0.5 * gravity * (1 / h + 1 / low))
        return float(shock - 2 * (c - np.sqrt(gravity * h)))

    middle = float(brentq(mismatch, low, high, xtol=1e-15))
    flow = 2 * (c - np.sqrt(gravity * middle))
    front = middle * flow / (middle - low)
    quiet, inside, ahead = speed <= -c, speed >= flow - np.sqrt(gravity * middle), speed >= front
    depth = np.where(quiet, high, np.where(ahead, low, np.where(inside, middle, depth)))
    return depth, np.where(quiet | ahead, 0.0, np.where(inside, flow, velocity))
