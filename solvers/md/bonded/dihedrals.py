"""Dihedrals: functions of the angle by which four atoms are twisted."""

import math
from typing import Any

import warp as wp

from scenegrad.solvers.md.bonded.laws import BondedFunctions, BondedLaw, register_bonded

__all__ = ["HARMONIC_DIHEDRAL", "PERIODIC_DIHEDRAL"]

TURN = 2.0 * math.pi


def periodic(real: Any, theta: Any) -> BondedFunctions:
    """u = k (1 + cos(n f - f0)), p = (k, f0, n)"""

    @wp.func
    def energy(f: real, p: theta) -> real:
        return p[0] * (real(1.0) + wp.cos(p[2] * f - p[1]))

    @wp.func
    def first(f: real, p: theta) -> real:
        return -p[0] * p[2] * wp.sin(p[2] * f - p[1])

    @wp.func
    def second(f: real, p: theta) -> real:
        return -p[0] * p[2] * p[2] * wp.cos(p[2] * f - p[1])

    @wp.func
    def energy_by(f: real, p: theta) -> theta:
        a = p[2] * f - p[1]
        return theta(real(1.0) + wp.cos(a), p[0] * wp.sin(a), -p[0] * f * wp.sin(a))

    @wp.func
    def first_by(f: real, p: theta) -> theta:
        a = p[2] * f - p[1]
        c = p[0] * p[2] * wp.cos(a)
        return theta(-p[2] * wp.sin(a), c, -p[0] * wp.sin(a) - c * f)

    @wp.func
    def stiffest(f: real, p: theta, height: real) -> real:
        return wp.abs(p[0]) * p[2] * p[2]

    return BondedFunctions(energy, first, second, energy_by, first_by, stiffest)


def harmonic(real: Any, theta: Any) -> BondedFunctions:
    """u = k (f - f0)^2 / 2, the difference taken the shorter way round; p = (k, f0)"""

    @wp.func
    def off(f: real, p: theta) -> real:
        return f - p[1] - real(TURN) * wp.rint((f - p[1]) / real(TURN))

    @wp.func
    def energy(f: real, p: theta) -> real:
        return real(0.5) * p[0] * off(f, p) * off(f, p)

    @wp.func
    def first(f: real, p: theta) -> real:
        return p[0] * off(f, p)

    @wp.func
    def second(f: real, p: theta) -> real:
        return p[0]

    @wp.func
    def energy_by(f: real, p: theta) -> theta:
        return theta(real(0.5) * off(f, p) * off(f, p), -p[0] * off(f, p))

    @wp.func
    def first_by(f: real, p: theta) -> theta:
        return theta(off(f, p), -p[0])

    @wp.func
    def stiffest(f: real, p: theta, height: real) -> real:
        return p[0]

    return BondedFunctions(energy, first, second, energy_by, first_by, stiffest)


PERIODIC_DIHEDRAL = register_bonded(
    BondedLaw("periodic_dihedral", "torsion", ("stiffness", "phase", "multiplicity"), periodic)
)
HARMONIC_DIHEDRAL = register_bonded(BondedLaw("harmonic_dihedral", "torsion", ("stiffness", "angle"), harmonic))
