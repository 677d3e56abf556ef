"""F = U diag(s) V': one-sided Jacobi, and functions Y = U diag(g(s)) V' of the singular values.

Plane rotations from the left make the rows of U'F orthogonal; their lengths are s, their directions V
[Hestenes 1958; Demmel & Veselic 1992: small singular values come out with high relative accuracy].

Adjoint of Y = U diag(g) V', A = U'Y_bar V:   F_bar = U B V' with B_ii = g'(s_i) A_ii and, off the diagonal,
B_ij = [a (A_ij + A_ji) + b (A_ij - A_ji)] / 2, a = (g_i - g_j) / (s_i - s_j), b = (g_i + g_j) / (s_i + s_j).
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["singular_value_map", "singular_values"]

SWEEPS = 10  # at most; four are usual


@cache
def singular_values(n: Numbers) -> Any:
    """wp.func F -> (U, s), U orthogonal, s positive in no order. Not differentiable by itself: see its users."""
    dim, real, vec, mat = n.dim, n.real, n.vec, n.mat
    small = real(1e-7 if real == wp.float32 else 1e-16)
    Rotation = wp.types.vector(2, real)

    @wp.func
    def rotation(a: vec, b: vec):
        """Cosine and sine that make c a - s b and s a + c b orthogonal; s = 0 where they are."""
        aa, bb, ab = wp.length_sq(a), wp.length_sq(b), wp.dot(a, b)
        cs = Rotation(real(1.0), real(0.0))
        if wp.abs(ab) > small * wp.sqrt(aa * bb):
            z = (bb - aa) / (real(2.0) * ab)
            t = real(1.0) / (wp.abs(z) + wp.sqrt(real(1.0) + z * z))
            if z < real(0.0):
                t = -t
            c = real(1.0) / wp.sqrt(real(1.0) + t * t)
            cs = Rotation(c, c * t)
        return cs

    if dim == 2:

        @wp.func
        def decomposed_2d(F: mat):
            a, b = vec(F[0, 0], F[0, 1]), vec(F[1, 0], F[1, 1])
            u, w = vec(real(1.0), real(0.0)), vec(real(0.0), real(1.0))
            for _ in range(2):  # the second removes what rounding left
                r = rotation(a, b)
                a, b = r[0] * a - r[1] * b, r[1] * a + r[0] * b
                u, w = r[0] * u - r[1] * w, r[1] * u + r[0] * w
            return wp.matrix_from_cols(u, w), vec(wp.length(a), wp.length(b))

        return decomposed_2d

    @wp.func
    def decomposed_3d(F: mat):
        a, b, c = vec(F[0, 0], F[0, 1], F[0, 2]), vec(F[1, 0], F[1, 1], F[1, 2]), vec(F[2, 0], F[2, 1], F[2, 2])
        one, zero = real(1.0), real(0.0)
        u, v, w = vec(one, zero, zero), vec(zero, one, zero), vec(zero, zero, one)
        turned, sweep = real(1.0), int(0)
        while turned > real(0.0) and sweep < wp.static(SWEEPS):
            r = rotation(a, b)
            a, b = r[0] * a - r[1] * b, r[1] * a + r[0] * b
            u, v = r[0] * u - r[1] * v, r[1] * u + r[0] * v
            s = rotation(a, c)
            a, c = s[0] * a - s[1] * c, s[1] * a + s[0] * c
            u, w = s[0] * u - s[1] * w, s[1] * u + s[0] * w
            t = rotation(b, c)
            b, c = t[0] * b - t[1] * c, t[1] * b + t[0] * c
            v, w = t[0] * v - t[1] * w, t[1] * v + t[0] * w
            turned = wp.abs(r[1]) + wp.abs(s[1]) + wp.abs(t[1])
            sweep += 1
        return wp.matrix_from_cols(u, v, w), vec(wp.length(a), wp.length(b), wp.length(c))

    return decomposed_3d


@cache
def singular_value_map(n: Numbers, g: Any, slope: Any, quotient: Any) -> Any:
    """wp.func (F, low, high) -> U diag(g(s_i, low, high)) V' for det F > 0.

    g: wp.func (s, low, high) -> real; slope: wp.func (s, low, high) -> its three derivatives, a wp vector [3];
    quotient: wp.func (s, t, low, high) -> (g(s) - g(t)) / (s - t), also where s = t: the law knows how to take it well.
    """
    dim, real, vec, mat = n.dim, n.real, n.vec, n.mat
    factors = singular_values(n)

    @wp.func
    def mapped(F: mat, low: real, high: real):
        U, s = factors(F)
        ratio = vec()
        for k in range(wp.static(dim)):
            ratio[k] = g(s[k], low, high) / s[k]
        return U * wp.diag(ratio) * wp.transpose(U) * F

    @wp.func_grad(mapped)
    def mapped_adjoint(F: mat, low: real, high: real, Y_bar: mat):
        U, s = factors(F)
        SV = wp.transpose(U) * F  # diag(s) V'
        A = wp.transpose(U) * Y_bar * wp.transpose(SV)  # A_ij s_j
        B = mat()
        by_low, by_high = real(0.0), real(0.0)
        for i in range(wp.static(dim)):
            at_i = slope(s[i], low, high)
            for j in range(wp.static(dim)):
                if i == j:
                    B[i, j] = at_i[0] * A[i, i] / (s[i] * s[i])
                    by_low += at_i[1] * A[i, i] / s[i]
                    by_high += at_i[2] * A[i, i] / s[i]
                else:
                    g_i, g_j = g(s[i], low, high), g(s[j], low, high)
                    alpha = quotient(s[i], s[j], low, high)
                    beta = (g_i + g_j) / (s[i] + s[j])
                    a_ij, a_ji = A[i, j] / s[j], A[j, i] / s[i]
                    B[i, j] = real(0.5) * (alpha * (a_ij + a_ji) + beta * (a_ij - a_ji)) / s[j]
        wp.adjoint[F] += U * B * SV
        wp.adjoint[low] += by_low
        wp.adjoint[high] += by_high

    return mapped
