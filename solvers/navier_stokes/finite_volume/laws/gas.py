"""The Euler equations of an ideal gas: density, momentum and energy; p = (gamma - 1) (E - rho |u|^2 / 2)."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.navier_stokes.finite_volume.laws.gas_back import back
from scenegrad.solvers.navier_stokes.finite_volume.laws.law import Law, LawKernels
from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["IDEAL_GAS"]


@cache
def kernels(n: Numbers) -> LawKernels:
    real, vec, pair, dim = n.real, n.vec, n.pair, n.dim
    last = n.fields - 1

    @wp.func
    def primitive(u: vec, k: real):
        inverse = real(1.0) / u[0]
        kinetic = real(0.0)
        w = vec()
        w[0] = u[0]
        for a in range(wp.static(dim)):
            kinetic += u[1 + a] * u[1 + a]
            w[1 + a] = u[1 + a] * inverse
        w[wp.static(last)] = (k - real(1.0)) * (u[wp.static(last)] - real(0.5) * kinetic * inverse)
        return w

    @wp.func
    def conserved(w: vec, k: real):
        kinetic = real(0.0)
        u = vec()
        u[0] = w[0]
        for a in range(wp.static(dim)):
            kinetic += w[1 + a] * w[1 + a]
            u[1 + a] = w[0] * w[1 + a]
        u[wp.static(last)] = w[wp.static(last)] / (k - real(1.0)) + real(0.5) * w[0] * kinetic
        return u

    @wp.func
    def flux(w: vec, k: real):
        through = w[0] * w[1]
        p = w[wp.static(last)]
        kinetic = real(0.0)
        f = vec()
        f[0] = through
        for a in range(wp.static(dim)):
            kinetic += w[1 + a] * w[1 + a]
            if a == 0:
                f[1] = through * w[1] + p
            else:
                f[1 + a] = through * w[1 + a]
        f[wp.static(last)] = w[1] * (p * k / (k - real(1.0)) + real(0.5) * w[0] * kinetic)
        return f

    @wp.func
    def speed(w: vec, k: real):
        return wp.abs(w[1]) + wp.sqrt(k * w[wp.static(last)] / w[0])

    @wp.func
    def scale(w: vec, k: real):
        s = vec()
        s[0] = w[0]
        c = wp.sqrt(k * w[wp.static(last)] / w[0])
        for a in range(wp.static(dim)):
            s[1 + a] = c
        s[wp.static(last)] = k * w[wp.static(last)]
        return s

    @wp.func
    def frame(mean: vec, k: real):
        """rho c and 1 / c^2"""
        square = k * mean[wp.static(last)] / mean[0]
        return pair(mean[0] * wp.sqrt(square), real(1.0) / square)

    @wp.func
    def height(mean: vec, k: real):
        c = wp.sqrt(k * mean[wp.static(last)] / mean[0])
        s = vec()
        s[0] = mean[0]
        s[1] = k * mean[wp.static(last)]
        for a in range(1, wp.static(dim)):
            s[1 + a] = c
        s[wp.static(last)] = k * mean[wp.static(last)]
        return s

    @wp.func
    def waves(w: vec, at: pair):
        """Of the two sound waves p -+ rho c u_n, and rho - p / c^2 of the entropy."""
        push = at[0] * w[1]
        v = vec()
        v[0] = w[0] - at[1] * w[wp.static(last)]
        v[1] = w[wp.static(last)] - push
        for a in range(1, wp.static(dim)):
            v[1 + a] = w[1 + a]
        v[wp.static(last)] = w[wp.static(last)] + push
        return v

    @wp.func
    def unwaved(v: vec, at: pair):
        p = real(0.5) * (v[1] + v[wp.static(last)])
        w = vec()
        w[0] = v[0] + at[1] * p
        w[1] = real(0.5) * (v[wp.static(last)] - v[1]) / at[0]
        for a in range(1, wp.static(dim)):
            w[1 + a] = v[1 + a]
        w[wp.static(last)] = p
        return w

    @wp.func
    def riemann(lo: vec, hi: vec, k: real):
        """HLLC [Toro, Spruce, Speares 1994, Shock Waves 4, 25-34] with wave speeds of [Einfeldt 1988, SIAM J. Numer.
        Anal. 25, 294-318]. With the state and the wave s of the side from which the contact comes, and
        t = s (m - u) / (s - m) for its speed m: F = (u + t) U + (0, p + rho s t, 0, u p + t (rho (s - u) m + p)).
        """
        cc_l, cc_r = k * lo[wp.static(last)] / lo[0], k * hi[wp.static(last)] / hi[0]
        h_l, h_r = wp.sqrt(lo[0]), wp.sqrt(hi[0])
        share = real(1.0) / (h_l + h_r)
        mean = (h_l * lo[1] + h_r * hi[1]) * share
        jump = hi[1] - lo[1]
        wide = wp.sqrt((h_l * cc_l + h_r * cc_r) * share + real(0.5) * h_l * h_r * share * share * jump * jump)
        s_l = wp.min(lo[1] - wp.sqrt(cc_l), mean - wide)
        s_r = wp.max(hi[1] + wp.sqrt(cc_r), mean + wide)
        m_l, m_r = lo[0] * (s_l - lo[1]), hi[0] * (s_r - hi[1])
        m = (hi[wp.static(last)] - lo[wp.static(last)] + m_l * lo[1] - m_r * hi[1]) / (m_l - m_r)
        w = lo
        s = s_l
        met = wp.min(s_l, real(0.0))
        if m < real(0.0):
            w = hi
            s = s_r
            met = wp.max(s_r, real(0.0))
        t = met * (m - w[1]) / (s - m)
        p = w[wp.static(last)]
        through = w[0] * (w[1] + t)
        kinetic = real(0.0)
        f = vec()
        f[0] = through
        for a in range(wp.static(dim)):
            kinetic += w[1 + a] * w[1 + a]
            if a == 0:
                f[1] = w[0] * (w[1] * w[1] + s * t) + p
            else:
                f[1 + a] = through * w[1 + a]
        energy = p / (k - real(1.0)) + real(0.5) * w[0] * kinetic
        f[wp.static(last)] = (w[1] + t) * energy + w[1] * p + t * (w[0] * (s - w[1]) * m + p)
        return f

    @wp.func
    def reserve(u: vec, before: vec, k: real):
        p, p_before = primitive(u, k)[wp.static(last)], primitive(before, k)[wp.static(last)]
        return wp.min(u[0] / before[0], p / p_before)

    @wp.func
    def possible(w: vec):
        return w[0] > real(0.0) and w[wp.static(last)] > real(0.0)

    @wp.func
    def wall(w: vec, into: real, k: real):
        """p*/p = 1 + k (k + 1) M^2 / 4 + k M sqrt(1 + ((k + 1) M / 4)^2) behind a shock, M = into / c; or a fan."""
        p = w[wp.static(last)]
        mach = into * wp.sqrt(w[0] / (k * p))
        if mach > real(0.0):
            slope = real(0.25) * (k + real(1.0)) * mach
            return p * (real(1.0) + k * mach * (slope + wp.sqrt(real(1.0) + slope * slope)))
        left = real(1.0) + real(0.5) * (k - real(1.0)) * mach
        if left <= real(0.0):
            return real(0.0)
        return p * wp.pow(left, real(2.0) * k / (k - real(1.0)))

    return LawKernels(
        primitive, conserved, flux, speed, scale, frame, height, waves, unwaved, riemann, reserve, possible, wall
    )


def spread(k: Tensor, like: Tensor) -> Any:
    return k.to(like.dtype).view(-1, *[1] * (like.ndim - 2))


def primitive(u: Tensor, k: Tensor) -> Tensor:
    """Density [kg/m^3], velocity [m/s], pressure [Pa]."""
    velocity = u[:, 1:-1] / u[:, :1]
    kinetic = 0.5 * (u[:, 1:-1] * velocity).sum(1)
    pressure = (spread(k, u) - 1.0) * (u[:, -1] - kinetic)
    return torch.cat([u[:, :1], velocity, pressure[:, None]], dim=1)


def conserved(w: Tensor, k: Tensor) -> Tensor:
    """Density [kg/m^3], momentum [kg/m^2/s], energy [J/m^3]."""
    momentum = w[:, :1] * w[:, 1:-1]
    energy = w[:, -1] / (spread(k, w) - 1.0) + 0.5 * (momentum * w[:, 1:-1]).sum(1)
    return torch.cat([w[:, :1], momentum, energy[:, None]], dim=1)


def sound(w: Tensor, k: Tensor) -> Tensor:
    """c^2 = gamma p / rho [m/s]"""
    return (spread(k, w) * w[:, -1] / w[:, 0]).sqrt()


IDEAL_GAS = Law("gas", "gamma", ("density", "pressure"), 2, kernels, primitive, conserved, sound, back)
