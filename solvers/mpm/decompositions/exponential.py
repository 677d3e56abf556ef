"""exp(D), D symmetric: by its series where D is small, as the plastic strain of one step is, else by eigenvalues.

Adjoint there: D_bar = Q (G * Q' sym(Y_bar) Q) Q', G_ij = (e^a - e^b) / (a - b) = e^((a + b)/2) sinh(y) / y,
a, b the eigenvalues i and j, y = (a - b) / 2: smooth in y = 0.
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from math import factorial
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.decompositions.singular_values import singular_values
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["exp_symmetric"]

NEAR = 0.1  # |D| up to which the series is used


@cache
def exp_symmetric(n: Numbers) -> Any:
    """wp.func D -> exp(D), D symmetric."""
    dim, real, mat = n.dim, n.real, n.mat
    distant = exp_by_eigenvalues(n)
    terms = 6 if real == wp.float32 else 10  # 0.1^terms / terms! is below the rounding error
    near = real(NEAR * NEAR)
    coefficients = wp.types.vector(terms, real)(*(1 / factorial(k) for k in range(terms)))

    @wp.func
    def exp_near_zero(D: mat):
        one = wp.identity(n=wp.static(dim), dtype=real)
        total = coefficients[wp.static(terms - 1)] * one
        for k in range(wp.static(terms - 1)):
            total = total * D + coefficients[wp.static(terms - 2) - k] * one
        return total

    @wp.func
    def exp_of_symmetric(D: mat):
        if wp.ddot(D, D) < near:
            Y = exp_near_zero(D)
        else:
            Y = distant(D)
        return Y

    return exp_of_symmetric


@cache
def exp_by_eigenvalues(n: Numbers) -> Any:
    """D is made positive by a shift, whose singular values and vectors are then its eigenvalues and eigenvectors."""
    dim, real, vec, mat = n.dim, n.real, n.vec, n.mat
    factors = singular_values(n)
    c2, c4, c6 = real(1 / 6), real(1 / 120), real(1 / 5040)
    small = real(0.2 if real == wp.float32 else 0.02)

    @wp.func
    def eigen(D: mat):
        shift = real(1.0) + wp.sqrt(wp.ddot(D, D))
        Q, s = factors(D + shift * wp.identity(n=wp.static(dim), dtype=real))
        d = vec()
        for i in range(wp.static(dim)):
            d[i] = s[i] - shift
        return Q, d

    @wp.func
    def sinh_by_y(y: real):
        value = real(1.0) + y * y * (c2 + y * y * (c4 + y * y * c6))
        if wp.abs(y) > small:
            value = wp.sinh(y) / y
        return value

    @wp.func
    def exp_by_factors(D: mat):
        Q, d = eigen(D)
        value = vec()
        for k in range(wp.static(dim)):
            value[k] = wp.exp(d[k])
        return Q * wp.diag(value) * wp.transpose(Q)

    @wp.func_grad(exp_by_factors)
    def exp_by_factors_adjoint(D: mat, Y_bar: mat):
        Q, d = eigen(D)
        half = real(0.5)
        M = half * (wp.transpose(Q) * (Y_bar + wp.transpose(Y_bar)) * Q)
        for i in range(wp.static(dim)):
            for j in range(wp.static(dim)):
                M[i, j] *= wp.exp(half * (d[i] + d[j])) * sinh_by_y(half * (d[i] - d[j]))
        wp.adjoint[D] += Q * M * wp.transpose(Q)

    return exp_by_factors
