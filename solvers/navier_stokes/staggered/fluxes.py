"""Rates of change by what passes through all faces of a sample, a row of samples at a time.

Fields lie in padded boxes, see boxes.py. Sample i of q has the interface i below it along each axis; the velocity there
is known, or where q is a velocity component the mean of two neighbours along the axis of that component. Each
kernel gathers: what it writes depends on no other thread, nor on how many there are.

A launch has [rows, lanes] threads with `width` samples each: whole rows on a CPU, single samples on a GPU.
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.staggered.advection import Scheme
from scenegrad.solvers.navier_stokes.staggered.contiguous import contiguous

__all__ = ["carrying", "place", "velocity_between"]


@wp.func
def place(row: int, counts: wp.vec3i, plane: int, line: int, member: int):
    """Where a row of a box begins."""
    rows = counts[0] * counts[1]
    b = row // rows
    z = (row - b * rows) // counts[1]
    y = row - b * rows - z * counts[1]
    return b * member + z * plane + y * line


@cache
def velocity_between(real: Any, across: bool) -> Any:
    get, _ = contiguous(real)

    @wp.func
    def between(u: wp.array[real], i: int, cross: int):
        if wp.static(across):
            return real(0.5) * (get(u, i - cross) + get(u, i))
        return get(u, i)

    return between


@cache
def carrying(dim: int, real: Any, scheme: Scheme, across: bool, ahead_too: bool = False, lifting: int = 0) -> Any:
    """rate_i = -sum_axes (F_i+1 - F_i) / h; and also q + newer rate + older before.

    lifting: how many tracers c push a velocity, which adds  pull (c_i-1 + c_i) / 2  along its own axis."""
    get, put = contiguous(real)
    between, upwind = velocity_between(real, across), scheme.ends(real).upwind
    triple, pulls = wp.types.vector(3, real), wp.types.vector(max(lifting, 1), real)

    @wp.func
    def flux(w: real, q0: real, q1: real, q2: real, q3: real, k: real, small: real):
        found = -k * (q2 - q1)
        if wp.static(scheme.carries):
            found += w * upwind(w, q0, q1, q2, q3, small)
        return found

    @wp.kernel(enable_backward=False, module="unique")
    def kernel(
        first: int,
        width: int,
        counts: wp.vec3i,
        steps: wp.vec3i,
        plane: int,
        line: int,
        cross: int,
        q_origin: int,
        q_member: int,
        u_origin: int,
        u_member: int,
        u_size: int,
        c_origin: int,
        c_member: int,
        c_size: int,
        inv_h: triple,
        diffusivity: wp.array[real],
        small: wp.array2d[real],
        newer: wp.array[real],
        older: wp.array[real],
        before: wp.array[real],
        pull: wp.array2d[real],
        c: wp.array[real],
        q: wp.array[real],
        u: wp.array[real],
        rate_out: wp.array[real],
        after_out: wp.array[real],
    ):
        row, lane = wp.tid()
        row += first
        b = row // (counts[0] * counts[1])
        at = q_origin + place(row, counts, plane, line, q_member) + lane * width
        wind = u_origin + place(row, counts, plane, line, u_member) + lane * width
        out = row * counts[2] + lane * width
        k = diffusivity[b]
        new = real(0.0)
        old = real(0.0)
        if wp.static(ahead_too):
            new += newer[b]
            old += older[b]
        tiny = triple()
        for a in range(wp.static(dim)):
            tiny[a] = small[b, a]
        lift = pulls()
        warm = int(0)
        if wp.static(lifting > 0):
            warm += c_origin + place(row, counts, plane, line, c_member) + lane * width
            for m in range(wp.static(lifting)):
                lift[m] = real(0.5) * pull[b, m]
        n = int(0)
        while n < width:
            i = at + n
            rate = real(0.0)
            for a in range(wp.static(dim)):
                s = steps[a]
                w = wind + n + a * u_size
                q1, q2, q3 = get(q, i - s), get(q, i), get(q, i + s)
                low = flux(between(u, w, cross), get(q, i - 2 * s), q1, q2, q3, k * inv_h[a], tiny[a])
                high = flux(between(u, w + s, cross), q1, q2, q3, get(q, i + 2 * s), k * inv_h[a], tiny[a])
                rate -= (high - low) * inv_h[a]
            for m in range(wp.static(lifting)):
                j = warm + n + m * c_size
                rate += lift[m] * (get(c, j - cross) + get(c, j))
            put(rate_out, out + n, rate)
            if wp.static(ahead_too):
                put(after_out, out + n, get(q, i) + new * rate + old * get(before, out + n))
            n += 1

    return kernel
