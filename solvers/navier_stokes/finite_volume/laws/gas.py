"""The Euler equations of an ideal gas: density, momentum and energy; p = (gamma - 1) (E - rho |u|^2 / 2)."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.navier_stokes.finite_volume.laws.law import Law, LawKernels
from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["IDEAL_GAS"]


@cache
def kernels(n: Numbers) -> LawKernels:
    real, vec, dim = n.real, n.vec, n.dim
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
    def sound(w: vec, k: real):
        return wp.sqrt(k * w[wp.static(last)] / w[0])

    @wp.func
    def speed(w: vec, k: real):
        return wp.abs(w[1]) + sound(w, k)

    @wp.func
    def scale(w: vec, k: real):
        s = vec()
        s[0] = w[0]
        c = sound(w, k)
        for a in range(wp.static(dim)):
            s[1 + a] = c
        s[wp.static(last)] = k * w[wp.static(last)]
        return s

    @wp.func
    def waves(w: vec, mean: vec, k: real):
        """Of the two sound waves p -+ rho c u_n, and rho - p / c^2 of the entropy."""
        c = sound(mean, k)
        push = mean[0] * c * w[1]
        v = vec()
        v[0] = w[0] - w[wp.static(last)] / (c * c)
        v[1] = w[wp.static(last)] - push
        for a in range(1, wp.static(dim)):
            v[1 + a] = w[1 + a]
        v[wp.static(last)] = w[wp.static(last)] + push
        return v

    @wp.func
    def unwaved(v: vec, mean: vec, k: real):
        c = sound(mean, k)
        p = real(0.5) * (v[1] + v[wp.static(last)])
        w = vec()
        w[0] = v[0] + p / (c * c)
        w[1] = real(0.5) * (v[wp.static(last)] - v[1]) / (mean[0] * c)
        for a in range(1, wp.static(dim)):
            w[1 + a] = v[1 + a]
        w[wp.static(last)] = p
        return w

    @wp.func
    def beside(w: vec, s: real, middle: real, k: real):
        """Flux through the star state beside a wave of speed s: F + s (U* - U)."""
        before = conserved(w, k)
        f = flux(w, k)
        gap = s - w[1]
        rho = w[0] * gap / (s - middle)
        g = vec()
        g[0] = f[0] + s * (rho - before[0])
        g[1] = f[1] + s * (rho * middle - before[1])
        for a in range(1, wp.static(dim)):
            g[1 + a] = f[1 + a] + s * (rho * w[1 + a] - before[1 + a])
        work = (middle - w[1]) * (middle + w[wp.static(last)] / (w[0] * gap))
        g[wp.static(last)] = f[wp.static(last)] + s * (
            rho * (before[wp.static(last)] / w[0] + work) - before[wp.static(last)]
        )
        return g

    @wp.func
    def riemann(l: vec, r: vec, k: real):
        """HLLC [Toro, Spruce, Speares 1994, Shock Waves 4, 25-34], wave speeds of Einfeldt 1988, SIAM J. Num. Anal. 25."""
        c_l, c_r = sound(l, k), sound(r, k)
        h_l, h_r = wp.sqrt(l[0]), wp.sqrt(r[0])
        share = real(1.0) / (h_l + h_r)
        mean = (h_l * l[1] + h_r * r[1]) * share
        jump = r[1] - l[1]
        spread = wp.sqrt(
            (h_l * c_l * c_l + h_r * c_r * c_r) * share + real(0.5) * h_l * h_r * share * share * jump * jump
        )
        s_l = wp.min(l[1] - c_l, mean - spread)
        s_r = wp.max(r[1] + c_r, mean + spread)
        if s_l >= real(0.0):
            return flux(l, k)
        if s_r <= real(0.0):
            return flux(r, k)
        m_l, m_r = l[0] * (s_l - l[1]), r[0] * (s_r - r[1])
        middle = (r[wp.static(last)] - l[wp.static(last)] + m_l * l[1] - m_r * r[1]) / (m_l - m_r)
        if middle >= real(0.0):
            return beside(l, s_l, middle, k)
        return beside(r, s_r, middle, k)

    @wp.func
    def reserve(u: vec, before: vec, k: real):
        p, p_before = primitive(u, k)[wp.static(last)], primitive(before, k)[wp.static(last)]
        return wp.min(u[0] / before[0], p / p_before)

    @wp.func
    def possible(w: vec):
        return w[0] > real(0.0) and w[wp.static(last)] > real(0.0)

    return LawKernels(primitive, conserved, flux, speed, scale, waves, unwaved, riemann, reserve, possible)


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


IDEAL_GAS = Law("gas", "gamma", ("density", "pressure"), 2, kernels, primitive, conserved, sound)
