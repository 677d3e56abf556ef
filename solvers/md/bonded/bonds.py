"""Bonds: functions of the distance of two atoms."""

from typing import Any

import warp as wp

from scenegrad.solvers.md.bonded.laws import BondedFunctions, BondedLaw, register_bonded

__all__ = ["FENE", "HARMONIC_BOND"]

CLOSE = 1.0 - 1e-6  # to the square of the extent: nearer than that no energy is asked for


def harmonic(real: Any, theta: Any) -> BondedFunctions:
    """u = k (r - r0)^2 / 2, p = (k, r0)"""

    @wp.func
    def energy(r: real, p: theta) -> real:
        return real(0.5) * p[0] * (r - p[1]) * (r - p[1])

    @wp.func
    def first(r: real, p: theta) -> real:
        return p[0] * (r - p[1])

    @wp.func
    def second(r: real, p: theta) -> real:
        return p[0]

    @wp.func
    def energy_by(r: real, p: theta) -> theta:
        return theta(real(0.5) * (r - p[1]) * (r - p[1]), -p[0] * (r - p[1]))

    @wp.func
    def first_by(r: real, p: theta) -> theta:
        return theta(r - p[1], -p[0])

    @wp.func
    def stiffest(r: real, p: theta, height: real) -> real:
        return p[0]

    return BondedFunctions(energy, first, second, energy_by, first_by, stiffest)


def fene(real: Any, theta: Any) -> BondedFunctions:
    """u = -k R^2 ln(1 - r^2/R^2) / 2, p = (k, R)   [Kremer & Grest 1990, J. Chem. Phys. 92, 5057]

    Of a bond beyond R the force is not a number, like the energy: a step that breaks it ends the run.
    """

    @wp.func
    def rest(z: real) -> real:
        """1 - z, not a number where that is negative."""
        s = wp.sqrt(real(1.0) - z)
        return s * s

    @wp.func
    def energy(r: real, p: theta) -> real:
        return real(-0.5) * p[0] * p[1] * p[1] * wp.log(real(1.0) - r * r / (p[1] * p[1]))

    @wp.func
    def first(r: real, p: theta) -> real:
        return p[0] * r / rest(r * r / (p[1] * p[1]))

    @wp.func
    def second(r: real, p: theta) -> real:
        z = r * r / (p[1] * p[1])
        return p[0] * (real(1.0) + z) / (rest(z) * rest(z))

    @wp.func
    def energy_by(r: real, p: theta) -> theta:
        z = r * r / (p[1] * p[1])
        w = wp.log(real(1.0) - z)
        return theta(real(-0.5) * p[1] * p[1] * w, -p[0] * p[1] * (w + z / (real(1.0) - z)))

    @wp.func
    def first_by(r: real, p: theta) -> theta:
        z = r * r / (p[1] * p[1])
        y = real(1.0) / rest(z)
        return theta(r * y, real(-2.0) * p[0] * r * z * y * y / p[1])

    @wp.func
    def stiffest(r: real, p: theta, height: real) -> real:
        met = wp.min(real(1.0) - wp.exp(real(-2.0) * height / (p[0] * p[1] * p[1])), real(CLOSE))
        z = wp.max(r * r / (p[1] * p[1]), met)
        return p[0] * (real(1.0) + z) / ((real(1.0) - z) * (real(1.0) - z))

    return BondedFunctions(energy, first, second, energy_by, first_by, stiffest)


HARMONIC_BOND = register_bonded(BondedLaw("harmonic_bond", "length", ("stiffness", "length"), harmonic))
FENE = register_bonded(BondedLaw("fene", "length", ("stiffness", "extent"), fene))
