"""Polymers in solution as soft balls, a pair potential of one's own   [Stillinger 1976, J. Chem. Phys. 65, 3968]."""

from typing import Literal

import warp as wp

import scenegrad as sg


class GaussianCore(sg.PairPotential, sg.Entity):
    """u(r) = height exp(-(r/width)^2) up to the cutoff"""

    kind: Literal["gaussian_core"] = "gaussian_core"
    height: sg.Positive = 1.0  # p[0] [energy]
    width: sg.Positive = 1.0  # p[1] [length]


def functions(real, theta):
    two = real(2.0)

    @wp.func
    def energy(r2: real, p: theta) -> real:
        return p[0] * wp.exp(-r2 / (p[1] * p[1]))

    @wp.func
    def radial(r2: real, p: theta) -> real:  # s = -u'(r)/r
        return two * energy(r2, p) / (p[1] * p[1])

    @wp.func
    def slope(r2: real, p: theta) -> real:  # ds/d(r^2)
        return -radial(r2, p) / (p[1] * p[1])

    @wp.func
    def energy_by(r2: real, p: theta) -> theta:  # du/dp
        return theta(energy(r2, p) / p[0], r2 * radial(r2, p) / p[1])

    @wp.func
    def radial_by(r2: real, p: theta) -> theta:  # ds/dp
        return theta(radial(r2, p) / p[0], two * radial(r2, p) * (r2 / (p[1] * p[1]) - real(1.0)) / p[1])

    return energy, radial, slope, energy_by, radial_by


sg.register_pair_potential(GaussianCore, functions)
