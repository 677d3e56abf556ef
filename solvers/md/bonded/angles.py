"""Angles: functions of the cosine of the angle that three atoms make."""

from typing import Any

import warp as wp

from scenegrad.solvers.md.bonded.laws import BondedFunctions, BondedLaw, register_bonded

__all__ = ["COSINE_ANGLE", "HARMONIC_ANGLE"]

FLAT = 1e-7  # square of the sine below which three atoms count as in line, where d(angle)/d(cosine) has no limit


def harmonic(real: Any, theta: Any) -> BondedFunctions:
    """u = k (a - a0)^2 / 2 with a = arccos c, p = (k, a0); da/dc = -1/s, d2a/dc2 = -c/s^3, s = sin a."""

    @wp.func
    def sine(c: real) -> real:
        return wp.sqrt(wp.max(real(1.0) - c * c, real(FLAT)))

    @wp.func
    def angle(c: real) -> real:
        return wp.acos(wp.clamp(c, real(-1.0), real(1.0)))

    @wp.func
    def energy(c: real, p: theta) -> real:
        return real(0.5) * p[0] * (angle(c) - p[1]) * (angle(c) - p[1])

    @wp.func
    def first(c: real, p: theta) -> real:
        return -p[0] * (angle(c) - p[1]) / sine(c)

    @wp.func
    def second(c: real, p: theta) -> real:
        s = sine(c)
        return p[0] * (real(1.0) - (angle(c) - p[1]) * c / s) / (s * s)

    @wp.func
    def energy_by(c: real, p: theta) -> theta:
        a = angle(c) - p[1]
        return theta(real(0.5) * a * a, -p[0] * a)

    @wp.func
    def first_by(c: real, p: theta) -> theta:
        return theta(-(angle(c) - p[1]) / sine(c), p[0] / sine(c))

    @wp.func
    def stiffest(c: real, p: theta, height: real) -> real:
        s = sine(c)
        return p[0] / (s * s)

    return BondedFunctions(energy, first, second, energy_by, first_by, stiffest)


def cosine(real: Any, theta: Any) -> BondedFunctions:
    """u = k (1 + c), p = (k): least where the three atoms stand in line, at c = -1."""

    @wp.func
    def energy(c: real, p: theta) -> real:
        return p[0] * (real(1.0) + c)

    @wp.func
    def first(c: real, p: theta) -> real:
        return p[0]

    @wp.func
    def second(c: real, p: theta) -> real:
        return real(0.0)

    @wp.func
    def energy_by(c: real, p: theta) -> theta:
        return theta(real(1.0) + c)

    @wp.func
    def first_by(c: real, p: theta) -> theta:
        return theta(real(1.0))

    @wp.func
    def stiffest(c: real, p: theta, height: real) -> real:
        # In terms of the angle a the curvature is -k c, and dc = s da: never above k/s^2.
        return p[0] / wp.max(real(1.0) - c * c, real(FLAT))

    return BondedFunctions(energy, first, second, energy_by, first_by, stiffest)


HARMONIC_ANGLE = register_bonded(BondedLaw("harmonic_angle", "cosine", ("stiffness", "angle"), harmonic))
COSINE_ANGLE = register_bonded(BondedLaw("cosine_angle", "cosine", ("stiffness",), cosine))
