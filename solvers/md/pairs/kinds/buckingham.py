"""The potential of Buckingham."""

from typing import Any

import warp as wp

from scenegrad.solvers.md.pairs.potentials import PairFunctions, PairPotential, register_pair


def buckingham(real: Any, theta: Any) -> PairFunctions:
    """u = repulsion exp(-r / decay) - dispersion / r^6, p in this order   [Buckingham 1938]"""

    @wp.func
    def energy(r2: real, p: theta) -> real:
        return p[0] * wp.exp(-wp.sqrt(r2) / p[1]) - p[2] / (r2 * r2 * r2)

    @wp.func
    def radial(r2: real, p: theta) -> real:
        r = wp.sqrt(r2)
        return p[0] / p[1] * wp.exp(-r / p[1]) / r - real(6.0) * p[2] / (r2 * r2 * r2 * r2)

    @wp.func
    def slope(r2: real, p: theta) -> real:
        r = wp.sqrt(r2)
        soft = real(-0.5) * p[0] / p[1] * wp.exp(-r / p[1]) * (real(1.0) / p[1] + real(1.0) / r) / r2
        return soft + real(24.0) * p[2] / (r2 * r2 * r2 * r2 * r2)

    @wp.func
    def energy_by(r2: real, p: theta) -> theta:
        r = wp.sqrt(r2)
        x = wp.exp(-r / p[1])
        return theta(x, p[0] * x * r / (p[1] * p[1]), real(-1.0) / (r2 * r2 * r2))

    @wp.func
    def radial_by(r2: real, p: theta) -> theta:
        r = wp.sqrt(r2)
        x = wp.exp(-r / p[1])
        return theta(
            x / (p[1] * r),
            p[0] * x / (p[1] * p[1]) * (real(1.0) / p[1] - real(1.0) / r),
            real(-6.0) / (r2 * r2 * r2 * r2),
        )

    return PairFunctions(energy, radial, slope, energy_by, radial_by)


register_pair(PairPotential("buckingham", ("repulsion", "decay", "dispersion"), buckingham))
