"""How a pair potential ends at its cutoff.

A jump of the energy or of the force is invisible to a derivative: with "plain", d/dsigma of a trajectory was measured
0.3 % off. Both smooth cuts leave the gradient exact. "none" is for a potential that ends by itself.
"""

from functools import cache
from typing import Any

import torch
import warp as wp

from scenegrad.solvers.md.numbers import numbers
from scenegrad.solvers.md.pairs.potentials import PairFunctions, potential

__all__ = ["CUTS", "SWITCH_WIDTH", "cut_functions", "measure_edges"]

CUTS = ("force-shift", "switch", "plain", "none")
SWITCH_WIDTH = 0.1  # of the cutoff


@cache
def cut_functions(kind: str, cut: str, dtype: torch.dtype) -> PairFunctions:
    """The five functions of a potential with its cut; each takes a third argument, the edge of `measure_edges`."""
    base, n = potential(kind), numbers(3, dtype)
    theta = n.theta(len(base.parameters))
    plain = base.functions(n.real, theta)
    return {"force-shift": force_shift, "switch": switch, "plain": no_shift, "none": no_shift}[cut](
        plain, n.real, theta, n.edge
    )


@cache
def measure_edges(kind: str, dtype: torch.dtype) -> wp.Kernel:
    """edge = (rc^2, rc, u(rc), -u'(rc)), one for every pair of species [batch, pair]."""
    base, n = potential(kind), numbers(3, dtype)
    theta, edge, real = n.theta(len(base.parameters)), n.edge, n.real
    f = base.functions(real, theta)
    energy, radial = f.energy, f.radial

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(cutoff: wp.array2d[real], p_in: wp.array2d[theta], edge_out: wp.array2d[edge]):
        b, k = wp.tid()
        rc = cutoff[b, k]
        p = p_in[b, k]
        edge_out[b, k] = edge(rc * rc, rc, energy(rc * rc, p), radial(rc * rc, p) * rc)

    return kernel


def no_shift(f: PairFunctions, real: Any, theta: Any, edge: Any) -> PairFunctions:
    """u up to the cutoff, nothing beyond."""
    base_energy, base_radial, base_slope = f.energy, f.radial, f.slope
    base_energy_by, base_radial_by = f.energy_by, f.radial_by

    @wp.func
    def energy(r2: real, p: theta, e: edge) -> real:
        return base_energy(r2, p)

    @wp.func
    def radial(r2: real, p: theta, e: edge) -> real:
        return base_radial(r2, p)

    @wp.func
    def slope(r2: real, p: theta, e: edge) -> real:
        return base_slope(r2, p)

    @wp.func
    def energy_by(r2: real, p: theta, e: edge) -> theta:
        return base_energy_by(r2, p)

    @wp.func
    def radial_by(r2: real, p: theta, e: edge) -> theta:
        return base_radial_by(r2, p)

    return PairFunctions(energy, radial, slope, energy_by, radial_by)


def force_shift(f: PairFunctions, real: Any, theta: Any, edge: Any) -> PairFunctions:
    """u(r) - u(rc) - (r - rc) u'(rc): energy and force go to zero at the cutoff   [Toxvaerd & Dyre 2011]"""
    base_energy, base_radial, base_slope = f.energy, f.radial, f.slope
    base_energy_by, base_radial_by = f.energy_by, f.radial_by

    @wp.func
    def energy(r2: real, p: theta, e: edge) -> real:
        return base_energy(r2, p) - e[2] + (wp.sqrt(r2) - e[1]) * e[3]

    @wp.func
    def radial(r2: real, p: theta, e: edge) -> real:
        inv = real(1.0) / r2  # which most potentials need as well: the compiler divides once
        return base_radial(r2, p) - e[3] * wp.sqrt(inv)

    @wp.func
    def slope(r2: real, p: theta, e: edge) -> real:
        inv = real(1.0) / r2
        return base_slope(r2, p) + real(0.5) * e[3] * inv * wp.sqrt(inv)

    @wp.func
    def energy_by(r2: real, p: theta, e: edge) -> theta:
        at_edge = base_radial_by(e[0], p) * e[1]
        return base_energy_by(r2, p) - base_energy_by(e[0], p) + (wp.sqrt(r2) - e[1]) * at_edge

    @wp.func
    def radial_by(r2: real, p: theta, e: edge) -> theta:
        return base_radial_by(r2, p) - base_radial_by(e[0], p) * (e[1] / wp.sqrt(r2))

    return PairFunctions(energy, radial, slope, energy_by, radial_by)


def switch(f: PairFunctions, real: Any, theta: Any, edge: Any) -> PairFunctions:
    """u(r) S(x), x = (r - 0.9 rc) / (0.1 rc), S = 1 - 10 x^3 + 15 x^4 - 6 x^5 in [0, 1]: smooth up to u"."""
    base_energy, base_radial, base_slope = f.energy, f.radial, f.slope
    base_energy_by, base_radial_by = f.energy_by, f.radial_by
    three = wp.types.vector(3, real)
    width = SWITCH_WIDTH

    @wp.func
    def smooth(r: real, rc: real) -> three:
        """S, dS/dr, d2S/dr2"""
        h = real(width) * rc
        x = wp.clamp((r - rc + h) / h, real(0.0), real(1.0))
        y = real(1.0) - x
        return three(
            real(1.0) - x * x * x * (real(10.0) - real(15.0) * x + real(6.0) * x * x),
            real(-30.0) * x * x * y * y / h,
            real(-60.0) * x * y * (y - x) / (h * h),
        )

    @wp.func
    def energy(r2: real, p: theta, e: edge) -> real:
        return base_energy(r2, p) * smooth(wp.sqrt(r2), e[1])[0]

    @wp.func
    def radial(r2: real, p: theta, e: edge) -> real:
        r = wp.sqrt(r2)
        s = smooth(r, e[1])
        return base_radial(r2, p) * s[0] - base_energy(r2, p) * s[1] / r

    @wp.func
    def slope(r2: real, p: theta, e: edge) -> real:
        r = wp.sqrt(r2)
        s = smooth(r, e[1])
        bend = (s[2] - s[1] / r) / (real(2.0) * r2)  # d(S'/r) / d(r^2)
        return base_slope(r2, p) * s[0] + base_radial(r2, p) * s[1] / r - base_energy(r2, p) * bend

    @wp.func
    def energy_by(r2: real, p: theta, e: edge) -> theta:
        return base_energy_by(r2, p) * smooth(wp.sqrt(r2), e[1])[0]

    @wp.func
    def radial_by(r2: real, p: theta, e: edge) -> theta:
        r = wp.sqrt(r2)
        s = smooth(r, e[1])
        return base_radial_by(r2, p) * s[0] - base_energy_by(r2, p) * (s[1] / r)

    return PairFunctions(energy, radial, slope, energy_by, radial_by)
