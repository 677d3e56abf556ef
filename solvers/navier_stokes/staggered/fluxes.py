"""Rates of change by what passes through all faces of a sample, and their transposes, a row of samples at a time.

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

__all__ = ["carrier_bar", "carrying", "conduction_bar", "sample_bar"]


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
def carrying(dim: int, real: Any, scheme: Scheme, across: bool, ahead_too: bool = False) -> Any:
    """rate_i = -sum_axes (F_i+1 - F_i) / h; and also q + newer rate + older before."""
    get, put = contiguous(real)
    between, upwind = velocity_between(real, across), scheme.ends(real).upwind
    triple = wp.types.vector(3, real)

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
        inv_h: triple,
        diffusivity: wp.array[real],
        small: wp.array2d[real],
        newer: wp.array[real],
        older: wp.array[real],
        before: wp.array[real],
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
            put(rate_out, out + n, rate)
            if wp.static(ahead_too):
                put(after_out, out + n, get(q, i) + new * rate + old * get(before, out + n))
            n += 1

    return kernel


@cache
def sample_bar(dim: int, real: Any, scheme: Scheme, across: bool) -> Any:
    """Cotangent of q, everywhere in its box, from that of its rate."""
    get, put = contiguous(real)
    between, e = velocity_between(real, across), scheme.ends(real)
    ahead_a, ahead_b, behind_a, behind_b = e.ahead_a, e.ahead_b, e.behind_a, e.behind_b
    triple = wp.types.vector(3, real)

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
        inv_h: triple,
        diffusivity: wp.array[real],
        small: wp.array2d[real],
        q: wp.array[real],
        u: wp.array[real],
        rate_bar: wp.array[real],
        q_bar_out: wp.array[real],
    ):
        row, lane = wp.tid()
        row += first
        b = row // (counts[0] * counts[1])
        at = q_origin + place(row, counts, plane, line, q_member) + lane * width
        wind = u_origin + place(row, counts, plane, line, u_member) + lane * width
        k = diffusivity[b]
        tiny = triple()
        for a in range(wp.static(dim)):
            tiny[a] = small[b, a]
        n = int(0)
        while n < width:
            i = at + n
            total = real(0.0)
            r2 = get(rate_bar, i)
            for a in range(wp.static(dim)):
                s = steps[a]
                w = wind + n + a * u_size
                r1, r3 = get(rate_bar, i - s), get(rate_bar, i + s)
                # cotangents of the fluxes through the interfaces i - 1, i, i + 1, i + 2
                f0 = (r1 - get(rate_bar, i - 2 * s)) * inv_h[a]
                f1 = (r2 - r1) * inv_h[a]
                f2 = (r3 - r2) * inv_h[a]
                f3 = (get(rate_bar, i + 2 * s) - r3) * inv_h[a]
                total += k * inv_h[a] * (f2 - f1)
                if wp.static(scheme.carries):
                    w1, w2 = between(u, w, cross), between(u, w + s, cross)
                    # of `right` at the lower face and of `left` at the upper one, in the cells i - 1, i, i + 1
                    right0 = f0 * wp.min(between(u, w - s, cross), real(0.0))
                    left0 = f1 * wp.max(w1, real(0.0))
                    right1 = f1 * wp.min(w1, real(0.0))
                    left1 = f2 * wp.max(w2, real(0.0))
                    right2 = f2 * wp.min(w2, real(0.0))
                    left2 = f3 * wp.max(between(u, w + 2 * s, cross), real(0.0))
                    q1, q2, q3 = get(q, i - s), get(q, i), get(q, i + s)
                    d0, d1, d2, d3 = q1 - get(q, i - 2 * s), q2 - q1, q3 - q2, get(q, i + 2 * s) - q3
                    t = tiny[a]
                    total += left1 + right1
                    total += left0 * ahead_b(d0, d1, t) - right0 * behind_b(d0, d1, t)
                    total += left1 * (ahead_a(d1, d2, t) - ahead_b(d1, d2, t))
                    total -= right1 * (behind_a(d1, d2, t) - behind_b(d1, d2, t))
                    total -= left2 * ahead_a(d2, d3, t) - right2 * behind_a(d2, d3, t)
            put(q_bar_out, i, total)
            n += 1

    return kernel


@cache
def carrier_bar(dim: int, real: Any, scheme: Scheme, across: bool) -> Any:
    """Adds to the cotangent of the velocity along one axis what it has from the rates of all that it carries: the
    components, or one tracer."""
    get, put = contiguous(real)
    between, upwind = velocity_between(real, across), scheme.ends(real).upwind
    triple = wp.types.vector(3, real)
    carried = dim if across else 1

    @wp.func
    def value(q: wp.array[real], i: int, s: int, w: real, small: real):
        """Upwind of the interface i."""
        return upwind(w, get(q, i - 2 * s), get(q, i - s), get(q, i), get(q, i + s), small)

    @wp.kernel(enable_backward=False, module="unique")
    def kernel(
        first: int,
        width: int,
        counts: wp.vec3i,
        steps: wp.vec3i,
        plane: int,
        line: int,
        axis: int,
        q_origin: int,
        q_member: int,
        q_size: int,
        u_origin: int,
        u_member: int,
        inv_h: real,
        small: wp.array3d[real],
        q: wp.array[real],
        u: wp.array[real],
        rate_bar: wp.array[real],
        u_bar_out: wp.array[real],
    ):
        row, lane = wp.tid()
        row += first
        b = row // (counts[0] * counts[1])
        at = q_origin + place(row, counts, plane, line, q_member) + lane * width
        wind = u_origin + place(row, counts, plane, line, u_member) + lane * width
        s = steps[axis]
        tiny = triple()
        for c in range(wp.static(carried)):
            tiny[c] = small[b, c, axis]
        n = int(0)
        while n < width:
            w = wind + n
            total = real(0.0)
            for c in range(wp.static(carried)):
                i = at + n + c * q_size
                x = steps[c]
                low = (get(rate_bar, i) - get(rate_bar, i - s)) * inv_h
                here = low * value(q, i, s, between(u, w, x), tiny[c])
                if wp.static(across):
                    j = i + x
                    high = (get(rate_bar, j) - get(rate_bar, j - s)) * inv_h
                    here = real(0.5) * (here + high * value(q, j, s, between(u, w + x, x), tiny[c]))
                total += here
            put(u_bar_out, w, get(u_bar_out, w) + total)
            n += 1

    return kernel


@cache
def conduction_bar(dim: int, real: Any) -> Any:
    """bar_i laplace q_i, of which the sum is the cotangent of a diffusivity."""
    get, put = contiguous(real)
    triple = wp.types.vector(3, real)

    @wp.kernel(enable_backward=False, module="unique")
    def kernel(
        first: int,
        width: int,
        counts: wp.vec3i,
        steps: wp.vec3i,
        plane: int,
        line: int,
        q_origin: int,
        q_member: int,
        inv_h: triple,
        q: wp.array[real],
        rate_bar: wp.array[real],
        product_out: wp.array[real],
    ):
        row, lane = wp.tid()
        row += first
        at = q_origin + place(row, counts, plane, line, q_member) + lane * width
        out = row * counts[2] + lane * width
        n = int(0)
        while n < width:
            i = at + n
            twice = real(2.0) * get(q, i)
            spread = real(0.0)
            for a in range(wp.static(dim)):
                spread += (get(q, i - steps[a]) + get(q, i + steps[a]) - twice) * inv_h[a] * inv_h[a]
            put(product_out, out + n, spread * get(rate_bar, i))
            n += 1

    return kernel
