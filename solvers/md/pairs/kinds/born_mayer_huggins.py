"""The repulsion and dispersion of ions."""

from typing import Any

import warp as wp

from scenegrad.solvers.md.pairs.potentials import PairFunctions, PairPotential, register_pair


def born_mayer_huggins(real: Any, theta: Any) -> PairFunctions:
    """u = repulsion exp((size - r) / decay) - dispersion / r^6 - quadrupole / r^8, p in this order
    [Huggins & Mayer 1933, J. Chem. Phys. 1, 643]"""

    @wp.func
    def energy(r2: real, p: theta) -> real:
        r6 = r2 * r2 * r2
        return p[0] * wp.exp((p[1] - wp.sqrt(r2)) / p[2]) - p[3] / r6 - p[4] / (r6 * r2)

    @wp.func
    def radial(r2: real, p: theta) -> real:
        r = wp.sqrt(r2)
        r8 = r2 * r2 * r2 * r2
        soft = p[0] / p[2] * wp.exp((p[1] - r) / p[2]) / r
        return soft - real(6.0) * p[3] / r8 - real(8.0) * p[4] / (r8 * r2)

    @wp.func
    def slope(r2: real, p: theta) -> real:
        r = wp.sqrt(r2)
        r10 = r2 * r2 * r2 * r2 * r2
        soft = real(-0.5) * p[0] / p[2] * wp.exp((p[1] - r) / p[2]) * (real(1.0) / p[2] + real(1.0) / r) / r2
        return soft + real(24.0) * p[3] / r10 + real(40.0) * p[4] / (r10 * r2)

    @wp.func
    def energy_by(r2: real, p: theta) -> theta:
        r = wp.sqrt(r2)
        x = wp.exp((p[1] - r) / p[2])
        r6 = r2 * r2 * r2
        along = p[0] * x / p[2]
        return theta(x, along, along * (r - p[1]) / p[2], real(-1.0) / r6, real(-1.0) / (r6 * r2))

    @wp.func
    def radial_by(r2: real, p: theta) -> theta:
        r = wp.sqrt(r2)
        x = wp.exp((p[1] - r) / p[2])
        r8 = r2 * r2 * r2 * r2
        along = p[0] * x / (p[2] * p[2] * r)
        return theta(
            x / (p[2] * r),
            along,
            along * ((r - p[1]) / p[2] - real(1.0)),
            real(-6.0) / r8,
            real(-8.0) / (r8 * r2),
        )

    return PairFunctions(energy, radial, slope, energy_by, radial_by)


register_pair(
    PairPotential("born_mayer_huggins", ("repulsion", "size", "decay", "dispersion", "quadrupole"), born_mayer_huggins)
)
