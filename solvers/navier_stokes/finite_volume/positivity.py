"""Fluxes that leave something of what must stay positive."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.laws import Law
from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["LEAST", "kept_positive", "mixed_back"]

LEAST = 1e-3  # share of density and pressure that one face may leave of a cell; smooth flows never come near


@cache
def kept_positive(n: Numbers, law: Law) -> tuple[Any, Any, Any]:
    """(wp.func (flux, lo, hi, courant, k) -> share left over, wp.func of the same -> flux, least share).

    A new state is the mean of 2 dim states U -+ courant F, one for each face, courant = 2 dim dt / dx, and positive
    where all of them are. Where too little of one is left over, the flux is mixed with Rusanov's of first order, which
    keeps it positive for a Courant number up to 1/2, and no more than needed [Hu, Adams, Shu 2013, J. Comput. Phys.
    242, 169-180]. Elsewhere nothing changes, so that the question has no derivative and costs the way back nothing.
    """
    real, vec = n.real, n.vec
    functions = law.kernels(n)
    conserved, flux_of, speed, reserve = functions.conserved, functions.flux, functions.speed, functions.reserve
    least = real(LEAST)
    half = real(0.5)

    @wp.func
    def least_of(flux: vec, u_l: vec, u_r: vec, courant: real, k: real):
        return wp.min(reserve(u_l - courant * flux, u_l, k), reserve(u_r + courant * flux, u_r, k))

    @wp.func
    def left_over(flux: vec, lo: vec, hi: vec, courant: real, k: real):
        return least_of(flux, conserved(lo, k), conserved(hi, k), courant, k)

    @wp.func_grad(left_over)
    def no_slope(flux: vec, lo: vec, hi: vec, courant: real, k: real, adj_ret: real):
        pass

    @wp.func
    def mixed(flux: vec, lo: vec, hi: vec, courant: real, k: real):
        u_l, u_r = conserved(lo, k), conserved(hi, k)
        fastest = wp.max(speed(lo, k), speed(hi, k))
        safe = half * (flux_of(lo, k) + flux_of(hi, k)) - half * fastest * (u_r - u_l)
        there = least_of(safe, u_l, u_r, courant, k)
        # The pressure is concave where the density is positive, so it can be asked for in a second round only.
        short = least_of(flux, u_l, u_r, courant, k)
        share = wp.clamp((there - least) / (there - short), real(0.0), real(1.0))
        first = safe + share * (flux - safe)
        short = least_of(first, u_l, u_r, courant, k)
        if short < least:
            share = wp.clamp((there - least) / (there - short), real(0.0), real(1.0))
            first = safe + share * (first - safe)
        return first

    return left_over, mixed, least


@cache
def mixed_back(n: Numbers, law: Law) -> Any:
    """wp.func (flux, lo, hi, courant, k, bar) -> cotangents of flux, lo, hi and k, and the mixed flux; it is rarely
    asked, and left to Warp."""
    real, vec = n.real, n.vec
    _, mixed, _ = kept_positive(n, law)

    @wp.func
    def along(flux: vec, lo: vec, hi: vec, courant: real, k: real, bar: vec):
        return wp.dot(bar, mixed(flux, lo, hi, courant, k))

    @wp.func
    def back(flux: vec, lo: vec, hi: vec, courant: real, k: real, bar: vec):
        flux_bar, lo_bar, hi_bar, _, k_bar, found = wp.grad(along)(flux, lo, hi, courant, k, bar)
        return flux_bar, lo_bar, hi_bar, k_bar, found

    return back
