"""The potential of Morse."""

from typing import Any

import warp as wp

from scenegrad.solvers.md.pairs.potentials import PairFunctions, PairPotential, register_pair


def morse(real: Any, theta: Any) -> PairFunctions:
    """u = depth [(1 - e)^2 - 1], e = exp(-alpha (r - r0)), p = (depth, alpha, r0)   [Morse 1929, Phys. Rev. 34, 57]"""

    @wp.func
    def e(r: real, p: theta) -> real:
        return wp.exp(-p[1] * (r - p[2]))

    @wp.func
    def energy(r2: real, p: theta) -> real:
        x = e(wp.sqrt(r2), p)
        return p[0] * x * (x - real(2.0))

    @wp.func
    def radial(r2: real, p: theta) -> real:
        r = wp.sqrt(r2)
        x = e(r, p)
        return real(-2.0) * p[0] * p[1] * x * (real(1.0) - x) / r

    @wp.func
    def slope(r2: real, p: theta) -> real:
        r = wp.sqrt(r2)
        x = e(r, p)
        return p[0] * p[1] * x * (p[1] * (real(1.0) - real(2.0) * x) + (real(1.0) - x) / r) / r2

    @wp.func
    def energy_by(r2: real, p: theta) -> theta:
        r = wp.sqrt(r2)
        x = e(r, p)
        rise = real(2.0) * p[0] * x * (real(1.0) - x)
        return theta(x * (x - real(2.0)), rise * (r - p[2]), -rise * p[1])

    @wp.func
    def radial_by(r2: real, p: theta) -> theta:
        r = wp.sqrt(r2)
        x = e(r, p)
        rest = x * (real(1.0) - x)
        bend = x * (real(1.0) - real(2.0) * x)
        two = real(-2.0) / r
        return theta(
            two * p[1] * rest,
            two * p[0] * (rest - p[1] * (r - p[2]) * bend),
            two * p[0] * p[1] * p[1] * bend,
        )

    return PairFunctions(energy, radial, slope, energy_by, radial_by)


register_pair(PairPotential("morse", ("depth", "alpha", "r0"), morse))
