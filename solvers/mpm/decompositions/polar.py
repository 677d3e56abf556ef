"""F = R S: the rotation nearest to a matrix.

Two dimensions: R = [[p, -q], [q, p]] / sqrt(p^2 + q^2), p = F11 + F22, q = F21 - F12.
Three: Newton's iteration X <- (z X + X^-T / z) / 2 from X = F, with z = sqrt(|X^-1| / |X|) [Higham 1986].
Adjoint: dR = R [w]x where K w = axial(R' dF), K = tr(S) I - S; singular only where two singular values add to zero.
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["polar_rotation"]

LONGEST = 20  # iterations; a condition number of 1e6 takes nine


@cache
def polar_rotation(n: Numbers) -> Any:
    """wp.func F -> R, for det F > 0 (where dim = 3 and det F < 0: the nearest reflection)."""
    return planar(n) if n.dim == 2 else spatial(n)


@cache
def planar(n: Numbers) -> Any:
    mat = n.mat

    @wp.func
    def polar_2d(F: mat):
        p, q = F[0, 0] + F[1, 1], F[1, 0] - F[0, 1]
        size = wp.sqrt(p * p + q * q)
        c, s = p / size, q / size
        return mat(c, -s, s, c)

    @wp.func_grad(polar_2d)
    def polar_2d_adjoint(F: mat, R_bar: mat):
        p, q = F[0, 0] + F[1, 1], F[1, 0] - F[0, 1]
        square = p * p + q * q
        c, s = p / wp.sqrt(square), q / wp.sqrt(square)
        turned = (c * (R_bar[1, 0] - R_bar[0, 1]) - s * (R_bar[0, 0] + R_bar[1, 1])) / square  # by the angle
        wp.adjoint[F] += mat(-q * turned, -p * turned, p * turned, -q * turned)

    return polar_2d


@cache
def spatial(n: Numbers) -> Any:
    vec, mat, real = n.vec, n.mat, n.real
    quickly = real(1e-3 if real == wp.float32 else 1e-8)  # Newton squares the error: this step is the last

    @wp.func
    def cofactor(X: mat):
        """J X^-T"""
        a, b, c = vec(X[0, 0], X[0, 1], X[0, 2]), vec(X[1, 0], X[1, 1], X[1, 2]), vec(X[2, 0], X[2, 1], X[2, 2])
        return wp.matrix_from_rows(wp.cross(b, c), wp.cross(c, a), wp.cross(a, b))

    @wp.func
    def polar_3d(F: mat):
        X = F
        step = real(1.0)
        for _ in range(LONGEST):
            if step > quickly:
                inverse = cofactor(X) / wp.determinant(X)
                z = real(1.0)
                if step > real(0.1):
                    z = wp.sqrt(wp.sqrt(wp.ddot(inverse, inverse) / wp.ddot(X, X)))
                after = real(0.5) * (z * X + inverse / z)
                change = after - X
                step = wp.sqrt(wp.ddot(change, change))
                X = after
        return X

    @wp.func_grad(polar_3d)
    def polar_3d_adjoint(F: mat, R_bar: mat):
        R = polar_3d(F)
        S = wp.transpose(R) * F
        A = wp.transpose(R) * R_bar
        K = wp.trace(S) * wp.identity(n=3, dtype=real) - real(0.5) * (S + wp.transpose(S))
        w = wp.inverse(K) * vec(A[2, 1] - A[1, 2], A[0, 2] - A[2, 0], A[1, 0] - A[0, 1])
        wp.adjoint[F] += R * wp.skew(w)

    return polar_3d
