"""The screened potential of Yukawa."""

from typing import Any

import warp as wp

from scenegrad.solvers.md.pairs.potentials import PairFunctions, PairPotential, register_pair


def yukawa(real: Any, theta: Any) -> PairFunctions:
    """u = strength exp(-screening r) / r, p = (strength, screening)   [Yukawa 1935; Debye & Hueckel 1923]"""

    @wp.func
    def energy(r2: real, p: theta) -> real:
        r = wp.sqrt(r2)
        return p[0] * wp.exp(-p[1] * r) / r

    @wp.func
    def radial(r2: real, p: theta) -> real:
        r = wp.sqrt(r2)
        return p[0] * wp.exp(-p[1] * r) * (p[1] * r + real(1.0)) / (r * r2)

    @wp.func
    def slope(r2: real, p: theta) -> real:
        r = wp.sqrt(r2)
        x = p[1] * r
        return real(-0.5) * p[0] * wp.exp(-x) * (x * x + real(3.0) * x + real(3.0)) / (r * r2 * r2)

    @wp.func
    def energy_by(r2: real, p: theta) -> theta:
        r = wp.sqrt(r2)
        x = wp.exp(-p[1] * r)
        return theta(x / r, -p[0] * x)

    @wp.func
    def radial_by(r2: real, p: theta) -> theta:
        r = wp.sqrt(r2)
        x = wp.exp(-p[1] * r)
        return theta(x * (p[1] * r + real(1.0)) / (r * r2), -p[0] * p[1] * x / r)

    return PairFunctions(energy, radial, slope, energy_by, radial_by)


register_pair(PairPotential("yukawa", ("strength", "screening"), yukawa))
