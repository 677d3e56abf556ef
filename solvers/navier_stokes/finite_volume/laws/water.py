"""The shallow water equations: depth h and h u; the pressure is g h^2 / 2."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache, partial

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.navier_stokes.finite_volume.laws.by_grad import by_grad
from scenegrad.solvers.navier_stokes.finite_volume.laws.law import Law, LawKernels
from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["DRY", "SHALLOW_WATER"]

DRY = 1e-6  # [m] depth below which water moves less and less; see `slowed`


@cache
def kernels(n: Numbers) -> LawKernels:
    real, vec, pair, dim = n.real, n.vec, n.pair, n.dim
    dry = real(DRY)
    thin = real(DRY * DRY)

    @wp.func
    def slowed(h: real):
        """1/h where there is water, falling to 0 with the depth where there is none [1/m]."""
        return real(2.0) * h / (h * h + wp.max(h * h, thin))

    @wp.func
    def primitive(u: vec, k: real):
        inverse = slowed(u[0])
        w = vec()
        w[0] = wp.max(u[0], real(0.0))
        for a in range(wp.static(dim)):
            w[1 + a] = u[1 + a] * inverse
        return w

    @wp.func
    def conserved(w: vec, k: real):
        u = vec()
        u[0] = w[0]
        for a in range(wp.static(dim)):
            u[1 + a] = w[0] * w[1 + a]
        return u

    @wp.func
    def flux(w: vec, k: real):
        through = w[0] * w[1]
        f = vec()
        f[0] = through
        for a in range(wp.static(dim)):
            if a == 0:
                f[1] = through * w[1] + real(0.5) * k * w[0] * w[0]
            else:
                f[1 + a] = through * w[1 + a]
        return f

    @wp.func
    def sound(w: vec, k: real):
        return wp.sqrt(k * w[0])

    @wp.func
    def speed(w: vec, k: real):
        return wp.abs(w[1]) + sound(w, k)

    @wp.func
    def scale(w: vec, k: real):
        s = vec()
        s[0] = w[0] + dry
        c = wp.sqrt(k * (w[0] + dry))
        for a in range(wp.static(dim)):
            s[1 + a] = c
        return s

    @wp.func
    def frame(mean: vec, k: real):
        """sqrt(g / h), that of a thin film where it is dry"""
        return pair(wp.sqrt(k / (mean[0] + dry)), real(0.0))

    @wp.func
    def height(mean: vec, k: real):
        c = wp.sqrt(k * (mean[0] + dry))
        s = vec()
        for f in range(wp.static(n.fields)):
            s[f] = c
        return s

    @wp.func
    def waves(w: vec, at: pair):
        """u_n -+ sqrt(g / h) h"""
        push = at[0] * w[0]
        v = vec()
        v[0] = w[1] - push
        v[1] = w[1] + push
        for a in range(1, wp.static(dim)):
            v[1 + a] = w[1 + a]
        return v

    @wp.func
    def unwaved(v: vec, at: pair):
        w = vec()
        w[0] = real(0.5) * (v[1] - v[0]) / at[0]
        w[1] = real(0.5) * (v[1] + v[0])
        for a in range(1, wp.static(dim)):
            w[1 + a] = v[1 + a]
        return w

    @wp.func
    def between(lo: vec, hi: vec, s_l: real, s_r: real, k: real):
        """HLL for depth and normal momentum; what is carried along the face comes from where the contact leaves it."""
        u_l, u_r = conserved(lo, k), conserved(hi, k)
        f_l, f_r = flux(lo, k), flux(hi, k)
        share = real(1.0) / (s_r - s_l)
        mass = (s_r * f_l[0] - s_l * f_r[0] + s_l * s_r * (u_r[0] - u_l[0])) * share
        g = vec()
        g[0] = mass
        g[1] = (s_r * f_l[1] - s_l * f_r[1] + s_l * s_r * (u_r[1] - u_l[1])) * share
        for a in range(1, wp.static(dim)):
            g[1 + a] = mass * wp.where(mass >= real(0.0), lo[1 + a], hi[1 + a])
        return g

    @wp.func
    def riemann(lo: vec, hi: vec, k: real):
        """HLLC with the exact speeds beside dry ground [Toro 2001, Shock-Capturing Methods for Free-Surface Flows,
        10.4]."""
        c_l, c_r = sound(lo, k), sound(hi, k)
        if lo[0] <= dry and hi[0] <= dry:
            return vec()
        s_l, s_r = lo[1] - c_l, hi[1] + c_r
        if hi[0] <= dry:
            s_r = lo[1] + real(2.0) * c_l
        elif lo[0] <= dry:
            s_l = hi[1] - real(2.0) * c_r
        else:
            c = real(0.5) * (c_l + c_r)
            mean = real(0.5) * (lo[1] + hi[1]) + c_l - c_r
            middle = c + real(0.25) * (lo[1] - hi[1])
            s_l = wp.min(s_l, mean - middle)
            s_r = wp.max(s_r, mean + middle)
        if s_l >= real(0.0):
            return flux(lo, k)
        if s_r <= real(0.0):
            return flux(hi, k)
        return between(lo, hi, s_l, s_r, k)

    @wp.func
    def reserve(u: vec, before: vec, k: real):
        return u[0] / (before[0] + dry)

    @wp.func
    def possible(w: vec):
        return w[0] >= real(0.0)

    @wp.func
    def wall(w: vec, into: real, k: real):
        """g h*^2 / 2 with sqrt(g h*) = sqrt(g h) + into / 2: exact for a fan, and a bore differs in the third order."""
        c = wp.max(wp.sqrt(k * w[0]) + real(0.5) * into, real(0.0))
        return real(0.5) * c * c * c * c / k

    return LawKernels(
        primitive, conserved, flux, speed, scale, frame, height, waves, unwaved, riemann, reserve, possible, wall
    )


def primitive(u: Tensor, k: Tensor) -> Tensor:
    """Depth [m], velocity [m/s]."""
    h = u[:, :1]
    return torch.cat([h.clamp(min=0.0), u[:, 1:] * (2.0 * h / (h * h + (h * h).clamp(min=DRY**2)))], dim=1)


def conserved(w: Tensor, k: Tensor) -> Tensor:
    """Depth [m], depth times velocity [m^2/s]."""
    return torch.cat([w[:, :1], w[:, :1] * w[:, 1:]], dim=1)


def sound(w: Tensor, k: Tensor) -> Tensor:
    """c^2 = g h [m/s]"""
    return (k.to(w.dtype).view(-1, *[1] * (w.ndim - 2)) * w[:, 0]).sqrt()


SHALLOW_WATER = Law(
    "shallow_water", "gravity", ("depth",), 1, kernels, primitive, conserved, sound, partial(by_grad, kernels)
)
