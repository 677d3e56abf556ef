"""Soft spheres: an inverse power."""

from typing import Any

import warp as wp

from scenegrad.solvers.md.pairs.potentials import PairFunctions, PairPotential, register_pair


def soft_sphere(real: Any, theta: Any) -> PairFunctions:
    """u = epsilon (sigma/r)^n, p = (epsilon, sigma, n)   [Hoover et al. 1970, J. Chem. Phys. 52, 4931]"""

    @wp.func
    def energy(r2: real, p: theta) -> real:
        return p[0] * wp.pow(p[1] * p[1] / r2, real(0.5) * p[2])

    @wp.func
    def radial(r2: real, p: theta) -> real:
        return p[2] * energy(r2, p) / r2

    @wp.func
    def slope(r2: real, p: theta) -> real:
        return real(-0.5) * (p[2] + real(2.0)) * p[2] * energy(r2, p) / (r2 * r2)

    @wp.func
    def energy_by(r2: real, p: theta) -> theta:
        u = energy(r2, p)
        return theta(u / p[0], p[2] * u / p[1], real(0.5) * u * wp.log(p[1] * p[1] / r2))

    @wp.func
    def radial_by(r2: real, p: theta) -> theta:
        s = radial(r2, p)
        return theta(s / p[0], p[2] * s / p[1], s / p[2] + real(0.5) * s * wp.log(p[1] * p[1] / r2))

    return PairFunctions(energy, radial, slope, energy_by, radial_by)


register_pair(PairPotential("soft_sphere", ("epsilon", "sigma", "exponent"), soft_sphere))
