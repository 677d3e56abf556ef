"""Transposes of rates of change by what passes through the faces of a sample, a row of samples at a time.

They gather, as the passes there do (fluxes.py). Along periodic axes the cotangents of rates go around, and the samples
alone have cotangents; beyond sides that are not periodic ghosts have theirs too.
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.staggered.advection import Scheme
from scenegrad.solvers.navier_stokes.staggered.contiguous import contiguous
from scenegrad.solvers.navier_stokes.staggered.fluxes import place, velocity_between

__all__ = ["carrier_bar", "sample_bar", "velocity_bar"]


@cache
def by_sample(real: Any, scheme: Scheme, across: bool) -> Any:
    """What q_i has from the fluxes along one axis. w: the interface below sample i; k, inv_h: diffusivity over the
    distance, and 1 over the distance."""
    get, _ = contiguous(real)
    between, e = velocity_between(real, across), scheme.ends(real)
    ahead_a, ahead_b, behind_a, behind_b = e.ahead_a, e.ahead_b, e.behind_a, e.behind_b

    @wp.func
    def found(
        q: wp.array[real],
        u: wp.array[real],
        rate_bar: wp.array[real],
        i: int,
        w: int,
        s: int,
        cross: int,
        k: real,
        inv_h: real,
        t: real,
    ):
        r1, r2, r3 = get(rate_bar, i - s), get(rate_bar, i), get(rate_bar, i + s)
        # cotangents of the fluxes through the interfaces i - 1, i, i + 1, i + 2
        f0 = (r1 - get(rate_bar, i - 2 * s)) * inv_h
        f1 = (r2 - r1) * inv_h
        f2 = (r3 - r2) * inv_h
        f3 = (get(rate_bar, i + 2 * s) - r3) * inv_h
        total = k * (f2 - f1)
        if wp.static(scheme.carries):
            q1, q2, q3 = get(q, i - s), get(q, i), get(q, i + s)
            d0, d1, d2, d3 = q1 - get(q, i - 2 * s), q2 - q1, q3 - q2, get(q, i + 2 * s) - q3
            w1, w2 = between(u, w, cross), between(u, w + s, cross)
            # of `right` at the lower face and of `left` at the upper one, in the cells i - 1, i, i + 1
            right0 = f0 * wp.min(between(u, w - s, cross), real(0.0))
            left0 = f1 * wp.max(w1, real(0.0))
            right1 = f1 * wp.min(w1, real(0.0))
            left1 = f2 * wp.max(w2, real(0.0))
            right2 = f2 * wp.min(w2, real(0.0))
            left2 = f3 * wp.max(between(u, w + 2 * s, cross), real(0.0))
            total += left1 + right1
            total += left0 * ahead_b(d0, d1, t) - right0 * behind_b(d0, d1, t)
            total += left1 * (ahead_a(d1, d2, t) - ahead_b(d1, d2, t))
            total -= right1 * (behind_a(d1, d2, t) - behind_b(d1, d2, t))
            total -= left2 * ahead_a(d2, d3, t) - right2 * behind_a(d2, d3, t)
        return total

    return found


@cache
def by_carrier(real: Any, scheme: Scheme, across: bool) -> Any:
    """What the velocity through the interface below sample i has from the rate of q; across: and through the one before
    the next sample along q's own axis, of which both are means. x: between these samples."""
    get, _ = contiguous(real)
    between, upwind = velocity_between(real, across), scheme.ends(real).upwind

    @wp.func
    def flux_bar(
        q: wp.array[real],
        u: wp.array[real],
        rate_bar: wp.array[real],
        i: int,
        w: int,
        s: int,
        x: int,
        inv_h: real,
        t: real,
    ):
        value = upwind(between(u, w, x), get(q, i - 2 * s), get(q, i - s), get(q, i), get(q, i + s), t)
        return (get(rate_bar, i) - get(rate_bar, i - s)) * inv_h * value

    @wp.func
    def found(
        q: wp.array[real],
        u: wp.array[real],
        rate_bar: wp.array[real],
        i: int,
        w: int,
        s: int,
        x: int,
        inv_h: real,
        t: real,
    ):
        here = flux_bar(q, u, rate_bar, i, w, s, x, inv_h, t)
        if wp.static(across):
            here = real(0.5) * (here + flux_bar(q, u, rate_bar, i + x, w + x, s, x, inv_h, t))
        return here

    return found


@cache
def velocity_bar(dim: int, real: Any, scheme: Scheme, own: int, plain: bool, adds: bool) -> Any:
    """Cotangent of the velocity along one axis (0, 1, 2), which is carried and carries, from those of the rates of all.

    plain: written into a field without ghosts, where adds together with what else it has (onto); else into a box."""
    get, put = contiguous(real)
    sampled, carried = by_sample(real, scheme, True), by_carrier(real, scheme, True)
    triple, square = wp.types.vector(3, real), wp.types.matrix((3, 3), real)

    @wp.kernel(enable_backward=False, module="unique")
    def kernel(
        first: int,
        width: int,
        counts: wp.vec3i,
        steps: wp.vec3i,
        plane: int,
        line: int,
        origin: int,
        member: int,
        size: int,
        inv_h: triple,
        diffusivity: wp.array[real],
        small: wp.array3d[real],
        u: wp.array[real],
        rate_bar: wp.array[real],
        onto: wp.array[real],
        bar_out: wp.array[real],
    ):
        row, lane = wp.tid()
        row += first
        b = row // (counts[0] * counts[1])
        wind = origin + place(row, counts, plane, line, member) + lane * width
        at = wind + own * size
        out = row * counts[2] + lane * width
        k = diffusivity[b]
        tiny = square()
        for c in range(wp.static(dim)):
            for a in range(wp.static(dim)):
                tiny[c, a] = small[b, c, a]
        n = int(0)
        while n < width:
            total = real(0.0)
            for a in range(wp.static(dim)):
                w = wind + n + a * size
                k_h, t = k * inv_h[a], tiny[own, a]
                total += sampled(u, u, rate_bar, at + n, w, steps[a], steps[own], k_h, inv_h[a], t)
            if wp.static(scheme.carries):
                for c in range(wp.static(dim)):
                    i = wind + n + c * size
                    total += carried(u, u, rate_bar, i, at + n, steps[own], steps[c], inv_h[own], tiny[c, own])
            if wp.static(plain):
                if wp.static(adds):
                    total += get(onto, out + n)
                put(bar_out, out + n, total)
            else:
                put(bar_out, at + n, total)
            n += 1

    return kernel


@cache
def sample_bar(dim: int, real: Any, scheme: Scheme, lifting: bool = False) -> Any:
    """Cotangent of a tracer in its box from that of its rate, and where it pushes the velocity, from those of all."""
    get, put = contiguous(real)
    sampled = by_sample(real, scheme, False)
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
        u_origin: int,
        u_member: int,
        u_size: int,
        inv_h: triple,
        diffusivity: wp.array[real],
        small: wp.array2d[real],
        pull: wp.array2d[real],
        u_rate_bar: wp.array[real],
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
        lift = triple()
        if wp.static(lifting):
            for a in range(wp.static(dim)):
                lift[a] = real(0.5) * pull[b, a]
        n = int(0)
        while n < width:
            total = real(0.0)
            for a in range(wp.static(dim)):
                total += sampled(
                    q, u, rate_bar, at + n, wind + n + a * u_size, steps[a], 0, k * inv_h[a], inv_h[a], tiny[a]
                )
            if wp.static(lifting):
                for a in range(wp.static(dim)):
                    w = wind + n + a * u_size
                    total += lift[a] * (get(u_rate_bar, w) + get(u_rate_bar, w + steps[a]))
            put(q_bar_out, at + n, total)
            n += 1

    return kernel


@cache
def carrier_bar(real: Any, scheme: Scheme, adds: bool = False) -> Any:
    """Cotangent of the velocity along one axis from that of the rate of a tracer; adds: onto what there is."""
    get, put = contiguous(real)
    carried = by_carrier(real, scheme, False)

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
        u_origin: int,
        u_member: int,
        inv_h: real,
        small: wp.array2d[real],
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
        tiny = small[b, axis]
        n = int(0)
        while n < width:
            total = carried(q, u, rate_bar, at + n, wind + n, s, 0, inv_h, tiny)
            if wp.static(adds):
                total += get(u_bar_out, wind + n)
            put(u_bar_out, wind + n, total)
            n += 1

    return kernel
