"""Herschel-Bulkley and Bingham: elastic up to a shear stress, beyond it a power-law fluid [Yue et al. 2015].

In simple shear tau_xy = tau_y + k (du/dy)^n; Bingham's n is 1 and his k the plastic viscosity. The elastic strain is
Hencky's. With s = |dev tau| / sqrt(2), the plastic rate g = ((s - tau_y) / k)^(1/n) follows from s = s_trial - G dt g,
the backward Euler step, for any k >= 0; dev E shrinks by the factor s / s_trial. The volume answers elastically.
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.materials.hencky import hencky, hencky_law
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["BINGHAM", "HERSCHEL_BULKLEY"]

LONGEST = 30  # iterations; four are usual


def row_of(
    bulk_modulus: Tensor,
    shear_modulus: Tensor,
    yield_stress: Tensor,
    consistency: Tensor,
    flow_index: Tensor,
    density: Tensor,
) -> Tensor:
    """(rho, K + 4/3 G, G, K - 2/3 G, tau_y, k, n)"""
    lam = bulk_modulus - 2 / 3 * shear_modulus
    stiffness = lam + 2 * shear_modulus
    return torch.stack([density, stiffness, shear_modulus, lam, yield_stress, consistency, flow_index], dim=-1)


def bingham_row(
    bulk_modulus: Tensor, shear_modulus: Tensor, yield_stress: Tensor, viscosity: Tensor, density: Tensor
) -> Tensor:
    return row_of(bulk_modulus, shear_modulus, yield_stress, viscosity, torch.ones_like(viscosity), density)


@cache
def flow_rate(n: Numbers) -> Any:
    """wp.func (k, n, a, s) -> g with k g^n + a g = s, for a, s > 0.

    Newton's steps approach g from one side: the left side is concave for n < 1, where they start below it, and convex
    for n > 1, where they start above.
    """
    real = n.real
    close = real(3e-7 if real == wp.float32 else 1e-15)
    zero, half, one = real(0.0), real(0.5), real(1.0)

    @wp.func
    def rate(k: real, index: real, a: real, s: real):
        share = one
        if index < one:
            share = half  # one of the two terms is half of s at least
        g = share * s / a
        if k > zero:
            g = wp.min(g, wp.pow(share * s / k, one / index))
            step = g
            for _ in range(LONGEST):
                if wp.abs(step) > close * g:
                    power = k * wp.pow(g, index)
                    step = (s - power - a * g) / (index * power / g + a)
                    g += step
        else:
            g = s / a
        return g

    @wp.func_grad(rate)
    def rate_adjoint(k: real, index: real, a: real, s: real, g_bar: real):
        g = rate(k, index, a, s)
        power = wp.pow(g, index)
        share = g_bar / (index * k * power / g + a)
        wp.adjoint[k] += -share * power
        wp.adjoint[index] += -share * k * power * wp.log(g)
        wp.adjoint[a] += -share * g
        wp.adjoint[s] += share

    return rate


@cache
def deform(n: Numbers) -> Any:
    dim, mat, real, Row, History = n.dim, n.mat, n.real, n.row, n.history
    k = hencky(n, 0)
    strain, volume, shape, shape_out, out, changed = k.strain, k.volume, k.shape, k.shape_out, k.out, k.changed
    rate, root = flow_rate(n), real(2**0.5)

    @wp.func
    def returned(row: Row, F: mat, C: mat, h: History, dt: real):
        after, kept, G = F + dt * (C * F), History(), row[2]
        E, e = strain(after), out(h)
        tr = volume(E, e)
        D, d = shape(E, tr), shape_out(e, tr)
        square = wp.ddot(D, D) + d * d
        if real(2.0) * G * G * square > row[4] * row[4]:
            s = root * G * wp.sqrt(square)
            r = -G * dt * rate(row[5], row[6], G * dt, s - row[4]) / s
            after = changed(after, real(0.0), r, D)
            if wp.static(dim == 2):
                kept[0] = r * d
        return after, h + kept

    return returned


HERSCHEL_BULKLEY = hencky_law(
    ("bulk_modulus", "shear_modulus", "yield_stress", "consistency", "flow_index", "density"), row_of, deform, own=0
)
BINGHAM = hencky_law(
    ("bulk_modulus", "shear_modulus", "yield_stress", "viscosity", "density"), bingham_row, deform, own=0
)
