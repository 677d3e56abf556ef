"""Transposed derivatives of a law as Warp makes them, for laws that do not write their own."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from collections.abc import Callable
from functools import cache

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.laws.law import LawBack, LawKernels
from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["by_grad"]


@cache
def by_grad(kernels: Callable[[Numbers], LawKernels], n: Numbers) -> LawBack:
    real, vec, pair = n.real, n.vec, n.pair
    law = kernels(n)
    solve, scale_of, flux_of, conserved, reserve = law.riemann, law.scale, law.flux, law.conserved, law.reserve
    frame, height, to_waves, from_waves = law.frame, law.height, law.waves, law.unwaved

    @wp.func
    def along_riemann(lo: vec, hi: vec, k: real, bar: vec):
        return wp.dot(bar, solve(lo, hi, k))

    @wp.func
    def riemann(lo: vec, hi: vec, k: real, bar: vec):
        lo_bar, hi_bar, k_bar, found = wp.grad(along_riemann)(lo, hi, k, bar)
        return lo_bar, hi_bar, k_bar, found

    @wp.func
    def along_scale(mean: vec, k: real, bar: vec):
        return wp.dot(bar, scale_of(mean, k))

    @wp.func
    def scale(mean: vec, k: real, bar: vec):
        mean_bar, k_bar, _ = wp.grad(along_scale)(mean, k, bar)
        return mean_bar, k_bar

    @wp.func
    def along_flux(w: vec, k: real, bar: vec):
        return wp.dot(bar, flux_of(w, k))

    @wp.func
    def flux(w: vec, k: real, bar: vec):
        w_bar, k_bar, _ = wp.grad(along_flux)(w, k, bar)
        return w_bar, k_bar

    @wp.func
    def along_mean(mean: vec, k: real, turn_bar: pair, tall_bar: vec, scale_bar: vec):
        turned = wp.dot(turn_bar, frame(mean, k))
        return turned + wp.dot(tall_bar, height(mean, k)) + wp.dot(scale_bar, scale_of(mean, k))

    @wp.func
    def of_mean(mean: vec, k: real, turn_bar: pair, tall_bar: vec, scale_bar: vec):
        mean_bar, k_bar, _a, _b, _c = wp.grad(along_mean)(mean, k, turn_bar, tall_bar, scale_bar)
        return mean_bar, k_bar

    @wp.func
    def along_waves(w: vec, at: pair, bar: vec):
        return wp.dot(bar, to_waves(w, at))

    @wp.func
    def waves(w: vec, at: pair, bar: vec):
        w_bar, at_bar, _ = wp.grad(along_waves)(w, at, bar)
        return w_bar, at_bar

    @wp.func
    def along_unwaved(v: vec, at: pair, bar: vec):
        return wp.dot(bar, from_waves(v, at))

    @wp.func
    def unwaved(v: vec, at: pair, bar: vec):
        v_bar, at_bar, _ = wp.grad(along_unwaved)(v, at, bar)
        return v_bar, at_bar

    @wp.func
    def short(flux: vec, w: vec, courant: real, least: real, k: real):
        u = conserved(w, k)
        return reserve(u - courant * flux, u, k) < least

    return LawBack(riemann, scale, short, flux, of_mean, waves, unwaved)
