"""Pairs that are named one by one, such as the ends of dihedrals, with numbers of their own."""

from typing import Any

import warp as wp

from scenegrad.solvers.md.bonded.laws import BondedFunctions, BondedLaw, register_bonded

__all__ = ["CHARGES_14", "LENNARD_JONES_14"]


def lennard_jones(real: Any, theta: Any) -> BondedFunctions:
    """u = 4 epsilon (s^12 - s^6), s = sigma/r; p = (epsilon, sigma)"""

    @wp.func
    def sixth(r: real, p: theta) -> real:
        s = p[1] / r
        return s * s * s * s * s * s

    @wp.func
    def energy(r: real, p: theta) -> real:
        s = sixth(r, p)
        return real(4.0) * p[0] * s * (s - real(1.0))

    @wp.func
    def first(r: real, p: theta) -> real:
        s = sixth(r, p)
        return real(-24.0) * p[0] * s * (real(2.0) * s - real(1.0)) / r

    @wp.func
    def second(r: real, p: theta) -> real:
        s = sixth(r, p)
        return real(24.0) * p[0] * s * (real(26.0) * s - real(7.0)) / (r * r)

    @wp.func
    def energy_by(r: real, p: theta) -> theta:
        s = sixth(r, p)
        return theta(
            real(4.0) * s * (s - real(1.0)),
            real(24.0) * p[0] * s * (real(2.0) * s - real(1.0)) / p[1],
        )

    @wp.func
    def first_by(r: real, p: theta) -> theta:
        s = sixth(r, p)
        return theta(
            real(-24.0) * s * (real(2.0) * s - real(1.0)) / r,
            real(-24.0) * p[0] * s * (real(24.0) * s - real(6.0)) / (r * p[1]),
        )

    @wp.func
    def stiffest(r: real, p: theta, height: real) -> real:
        """Here, or where the two are stopped that met with this energy."""
        s = real(0.5) * (real(1.0) + wp.sqrt(real(1.0) + height / p[0]))
        met = real(24.0) * p[0] * s * (real(26.0) * s - real(7.0)) * wp.pow(s, real(1.0) / real(3.0)) / (p[1] * p[1])
        return wp.max(wp.abs(second(r, p)), met)

    return BondedFunctions(energy, first, second, energy_by, first_by, stiffest)


def charges(real: Any, theta: Any) -> BondedFunctions:
    """u = k/r, p = (k)"""

    @wp.func
    def energy(r: real, p: theta) -> real:
        return p[0] / r

    @wp.func
    def first(r: real, p: theta) -> real:
        return -p[0] / (r * r)

    @wp.func
    def second(r: real, p: theta) -> real:
        return real(2.0) * p[0] / (r * r * r)

    @wp.func
    def energy_by(r: real, p: theta) -> theta:
        return theta(real(1.0) / r)

    @wp.func
    def first_by(r: real, p: theta) -> theta:
        return theta(real(-1.0) / (r * r))

    @wp.func
    def stiffest(r: real, p: theta, height: real) -> real:
        return wp.abs(second(r, p))

    return BondedFunctions(energy, first, second, energy_by, first_by, stiffest)


LENNARD_JONES_14 = register_bonded(
    BondedLaw("lennard_jones_14", "length", ("epsilon", "sigma"), lennard_jones, meets=True)
)
CHARGES_14 = register_bonded(BondedLaw("charges_14", "length", ("strength",), charges, meets=True))
