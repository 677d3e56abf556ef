"""Fluxes that leave something of what must stay positive."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.laws import Law
from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["LEAST", "kept_positive"]

LEAST = 1e-3  # share of density and pressure that one face may leave of a cell; smooth flows never come near


@cache
def kept_positive(n: Numbers, law: Law) -> Any:
    """wp.func (flux, l, r, courant, k) -> flux, with courant = 2 dim dt / dx.

    A new state is the mean of 2 dim states U -+ courant F, one for each face, and positive where all of them are. Where
    one of them is not, the flux is mixed with Rusanov's of first order, which keeps it positive for a Courant number
    up to 1/2, and no more than needed [Hu, Adams, Shu 2013, J. Comput. Phys. 242, 169-180]. Elsewhere nothing changes.
    """
    real, vec = n.real, n.vec
    functions = law.kernels(n)
    conserved, flux_of, speed, reserve = functions.conserved, functions.flux, functions.speed, functions.reserve
    least = real(LEAST)
    half = real(0.5)

    @wp.func
    def left_over(flux: vec, u_l: vec, u_r: vec, courant: real, k: real):
        return wp.min(reserve(u_l - courant * flux, u_l, k), reserve(u_r + courant * flux, u_r, k))

    @wp.func
    def mixed(flux: vec, l: vec, r: vec, u_l: vec, u_r: vec, short: real, courant: real, k: real):
        fastest = wp.max(speed(l, k), speed(r, k))
        safe = half * (flux_of(l, k) + flux_of(r, k)) - half * fastest * (u_r - u_l)
        there = left_over(safe, u_l, u_r, courant, k)
        share = wp.clamp((there - least) / (there - short), real(0.0), real(1.0))
        return safe + share * (flux - safe)

    @wp.func
    def keep(flux: vec, l: vec, r: vec, courant: real, k: real):
        u_l, u_r = conserved(l, k), conserved(r, k)
        short = left_over(flux, u_l, u_r, courant, k)
        if short < least:
            return mixed(flux, l, r, u_l, u_r, short, courant, k)
        return flux

    return keep
