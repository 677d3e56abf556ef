"""The force of each spring, and its transpose."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mass_spring.types import Types

__all__ = ["pull", "pull_back"]


@cache
def pull(t: Types) -> Any:
    """f = (k (|d| - (1 - a) L) + c d|d|/dt) n on mass i of each spring, -f on j [N];   d = x_j - x_i,   n = d / |d|."""
    real, vec = t.real, t.vec

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        pair_in: wp.array2d[int],
        stiffness_in: wp.array2d[real],
        damping_in: wp.array2d[real],
        length_in: wp.array2d[real],
        contraction_in: wp.array2d[real],
        x_in: wp.array2d[vec],
        v_in: wp.array2d[vec],
        force_out: wp.array2d[vec],
    ):
        b, s = wp.tid()
        i, j = pair_in[s, 0], pair_in[s, 1]
        d = x_in[b, j] - x_in[b, i]
        length = wp.length(d)
        n = d / length
        rest = (real(1.0) - contraction_in[b, s]) * length_in[b, s]
        opening = wp.dot(v_in[b, j] - v_in[b, i], n)
        force_out[b, s] = (stiffness_in[b, s] * (length - rest) + damping_in[b, s] * opening) * n

    return kernel


@cache
def pull_back(t: Types) -> Any:
    """From the cotangents of the forces on masses to those of d and of v_j - v_i, and of the numbers of each spring."""
    real, vec = t.real, t.vec

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        pair_in: wp.array2d[int],
        stiffness_in: wp.array2d[real],
        damping_in: wp.array2d[real],
        length_in: wp.array2d[real],
        contraction_in: wp.array2d[real],
        x_in: wp.array2d[vec],
        v_in: wp.array2d[vec],
        force_bar_in: wp.array2d[vec],
        stiffness_bar_out: wp.array2d[real],
        damping_bar_out: wp.array2d[real],
        length_bar_out: wp.array2d[real],
        contraction_bar_out: wp.array2d[real],
        d_bar_out: wp.array2d[vec],
        w_bar_out: wp.array2d[vec],
    ):
        b, s = wp.tid()
        i, j = pair_in[s, 0], pair_in[s, 1]
        d, w = x_in[b, j] - x_in[b, i], v_in[b, j] - v_in[b, i]
        length = wp.length(d)
        n = d / length
        share = real(1.0) - contraction_in[b, s]
        k, c = stiffness_in[b, s], damping_in[b, s]
        stretch, opening = length - share * length_in[b, s], wp.dot(w, n)
        size = k * stretch + c * opening
        force_bar = force_bar_in[b, i] - force_bar_in[b, j]
        size_bar = wp.dot(force_bar, n)
        n_bar = size * force_bar + (size_bar * c) * w
        stiffness_bar_out[b, s] = size_bar * stretch
        damping_bar_out[b, s] = size_bar * opening
        length_bar_out[b, s] = -size_bar * k * share
        contraction_bar_out[b, s] = size_bar * k * length_in[b, s]
        d_bar_out[b, s] = (size_bar * k) * n + (n_bar - wp.dot(n, n_bar) * n) / length
        w_bar_out[b, s] = (size_bar * c) * n

    return kernel
