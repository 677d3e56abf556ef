"""The potential of Lennard-Jones, and its repulsive part by Weeks, Chandler and Andersen."""

from typing import Any

import warp as wp

from scenegrad.solvers.md.pairs.potentials import PairFunctions, PairPotential, register_pair


def lennard_jones(real: Any, theta: Any) -> PairFunctions:
    """u = 4 epsilon [(sigma/r)^12 - (sigma/r)^6], p = (epsilon, sigma)   [Lennard-Jones 1931]"""

    @wp.func
    def energy(r2: real, p: theta) -> real:
        s2 = p[1] * p[1] / r2
        s6 = s2 * s2 * s2
        return real(4.0) * p[0] * s6 * (s6 - real(1.0))

    @wp.func
    def radial(r2: real, p: theta) -> real:
        inv = real(1.0) / r2
        s2 = p[1] * p[1] * inv
        s6 = s2 * s2 * s2
        return real(24.0) * p[0] * s6 * (real(2.0) * s6 - real(1.0)) * inv

    @wp.func
    def slope(r2: real, p: theta) -> real:
        inv = real(1.0) / r2
        s2 = p[1] * p[1] * inv
        s6 = s2 * s2 * s2
        return real(-24.0) * p[0] * s6 * (real(14.0) * s6 - real(4.0)) * inv * inv

    @wp.func
    def energy_by(r2: real, p: theta) -> theta:
        s2 = p[1] * p[1] / r2
        s6 = s2 * s2 * s2
        return theta(real(4.0) * s6 * (s6 - real(1.0)), real(24.0) * p[0] / p[1] * s6 * (real(2.0) * s6 - real(1.0)))

    @wp.func
    def radial_by(r2: real, p: theta) -> theta:
        inv = real(1.0) / r2
        s2 = p[1] * p[1] * inv
        s6 = s2 * s2 * s2
        return theta(
            real(24.0) * s6 * (real(2.0) * s6 - real(1.0)) * inv,
            real(144.0) * p[0] / p[1] * s6 * (real(4.0) * s6 - real(1.0)) * inv,
        )

    return PairFunctions(energy, radial, slope, energy_by, radial_by)


register_pair(PairPotential("lennard_jones", ("epsilon", "sigma"), lennard_jones))


def weeks_chandler_andersen(real: Any, theta: Any) -> PairFunctions:
    """4 epsilon [(sigma/r)^12 - (sigma/r)^6] + epsilon up to 2^(1/6) sigma, where it and its force end.

    [Weeks, Chandler & Andersen 1971, J. Chem. Phys. 54, 5237]
    """
    whole = lennard_jones(real, theta)
    base_energy, base_radial, base_slope = whole.energy, whole.radial, whole.slope
    base_energy_by, base_radial_by = whole.energy_by, whole.radial_by
    cube_root_of_2 = 2.0 ** (1.0 / 3.0)

    @wp.func
    def inside(r2: real, p: theta) -> bool:
        return r2 < real(cube_root_of_2) * p[1] * p[1]

    @wp.func
    def energy(r2: real, p: theta) -> real:
        return wp.where(inside(r2, p), base_energy(r2, p) + p[0], real(0.0))

    @wp.func
    def radial(r2: real, p: theta) -> real:
        return wp.where(inside(r2, p), base_radial(r2, p), real(0.0))

    @wp.func
    def slope(r2: real, p: theta) -> real:
        return wp.where(inside(r2, p), base_slope(r2, p), real(0.0))

    @wp.func
    def energy_by(r2: real, p: theta) -> theta:
        by = base_energy_by(r2, p)
        return wp.where(inside(r2, p), theta(by[0] + real(1.0), by[1]), theta())

    @wp.func
    def radial_by(r2: real, p: theta) -> theta:
        return wp.where(inside(r2, p), base_radial_by(r2, p), theta())

    return PairFunctions(energy, radial, slope, energy_by, radial_by)


register_pair(PairPotential("wca", ("epsilon", "sigma"), weeks_chandler_andersen, ends=lambda p: 2.0 ** (1 / 6) * p[1]))
