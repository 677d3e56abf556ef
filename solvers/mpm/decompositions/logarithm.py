"""Hencky's strain E = log(F F') / 2 = U diag(log s) U'.

Near F F' = I, where most matter is most of the time, by the series 2 artanh(Z) = log(I + X), Z = X (2 I + X)^-1, which
needs no decomposition; elsewhere by singular values, with the adjoint F_bar = 2 U (G * U' sym(E_bar) U) U' F,
G_ij = (log s_i - log s_j) / (s_i^2 - s_j^2) = (x / sinh x) / (2 s_i s_j), x = log(s_i / s_j): smooth in x = 0.
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.decompositions.singular_values import singular_values
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["log_stretch"]

NEAR = 0.2  # |F F' - I| up to which the series is used: |Z| < 0.112


@cache
def log_stretch(n: Numbers) -> Any:
    """wp.func F -> E, for det F > 0."""
    dim, real, mat = n.dim, n.real, n.mat
    distant = log_by_singular_values(n)
    terms = 4 if real == wp.float32 else 9  # NEAR / 1.8 to the power of 2 terms + 1 is below the rounding error
    near = real(NEAR * NEAR)
    coefficients = wp.types.vector(terms, real)(*(1 / (2 * k + 1) for k in range(terms)))

    @wp.func
    def log_near_one(X: mat):
        """log(I + X) / 2 = Z + Z^3/3 + Z^5/5 + ..."""
        one = wp.identity(n=wp.static(dim), dtype=real)
        Z = X * wp.inverse(real(2.0) * one + X)
        square = Z * Z
        total = coefficients[wp.static(terms - 1)] * one
        for k in range(wp.static(terms - 1)):
            total = total * square + coefficients[wp.static(terms - 2) - k] * one
        return total * Z

    @wp.func
    def log_of_stretch(F: mat):
        X = F * wp.transpose(F) - wp.identity(n=wp.static(dim), dtype=real)
        if wp.ddot(X, X) < near:
            E = log_near_one(X)
        else:
            E = distant(F)
        return E

    return log_of_stretch


@cache
def log_by_singular_values(n: Numbers) -> Any:
    dim, real, vec, mat = n.dim, n.real, n.vec, n.mat
    factors = singular_values(n)
    c2, c4, c6 = real(-1 / 6), real(7 / 360), real(-31 / 15120)
    small = real(0.2 if real == wp.float32 else 0.02)

    @wp.func
    def x_by_sinh(x: real):
        value = real(1.0) + x * x * (c2 + x * x * (c4 + x * x * c6))
        if wp.abs(x) > small:
            value = x / wp.sinh(x)
        return value

    @wp.func
    def log_by_factors(F: mat):
        U, s = factors(F)
        log_s = vec()
        for k in range(wp.static(dim)):
            log_s[k] = wp.log(s[k])
        return U * wp.diag(log_s) * wp.transpose(U)

    @wp.func_grad(log_by_factors)
    def log_by_factors_adjoint(F: mat, E_bar: mat):
        U, s = factors(F)
        M = wp.transpose(U) * (E_bar + wp.transpose(E_bar)) * U
        for i in range(wp.static(dim)):
            for j in range(wp.static(dim)):
                M[i, j] *= x_by_sinh(wp.log(s[i] / s[j])) / (real(2.0) * s[i] * s[j])
        wp.adjoint[F] += U * M * wp.transpose(U) * F

    return log_by_factors
