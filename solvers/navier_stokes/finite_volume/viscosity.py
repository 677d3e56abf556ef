"""Friction and conduction of heat through the faces across one axis."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.ghosts import STUCK
from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["with_viscosity"]


@cache
def with_viscosity(n: Numbers, immersed: bool) -> Any:
    """flux_out = flux - (0, tau_n, u.tau_n + q) of a gas, with central differences of order 2.

    tau = mu (grad u + grad u^T - 2/3 div u), q = conduction d(p / rho)/dn. At a wall that holds a temperature the slope
    is that to p / rho of the wall, half a cell away.
    """
    real, triple, dim = n.real, n.triple, n.dim
    last = n.fields - 1
    mesh = wp.types.matrix((dim, dim), real)

    @wp.func
    def slope(w: wp.array3d[real], b: int, f: int, at: int, step: int, side: int):
        """Difference along a face over four cells beside it, in units of one cell."""
        return real(0.25) * (
            w[b, f, at + side] - w[b, f, at - side] + w[b, f, at - step + side] - w[b, f, at - step - side]
        )

    @wp.kernel(module="unique")
    def kernel(
        cells: wp.vec3i,
        margin: wp.vec3i,
        stride: wp.vec3i,
        first: int,
        axis: int,
        inv_dx: triple,
        kinds: wp.array[int],
        held: wp.array4d[real],
        viscosity: wp.array2d[real],
        conduction: wp.array2d[real],
        open: wp.array3d[real],
        w: wp.array3d[real],
        flux: wp.array4d[real],
        flux_out: wp.array4d[real],
    ):
        b, i, j, k = wp.tid()
        i += first + margin[0]
        at = i * stride[0] + (j + margin[1]) * stride[1] + (k + margin[2]) * stride[2]
        step = stride[axis]
        mu = viscosity[b, i]
        share = real(1.0)
        if wp.static(immersed):
            share = open[b, axis, at]
        g = mesh()  # du_f / dx_a
        spread = real(0.0)
        for f in range(wp.static(dim)):
            for a in range(wp.static(dim)):
                change = real(0.0)
                if a == axis:
                    change = w[b, 1 + f, at] - w[b, 1 + f, at - step]
                else:
                    change = slope(w, b, 1 + f, at, step, stride[a])
                g[f, a] = change * inv_dx[a]
                if f == a:
                    spread += change * inv_dx[a]
        work = real(0.0)
        for f in range(wp.static(dim)):
            tau = mu * (g[f, axis] + g[axis, f])
            if f == axis:
                tau -= mu * real(wp.static(2.0 / 3.0)) * spread
            work += real(0.5) * (w[b, 1 + f, at] + w[b, 1 + f, at - step]) * tau
            flux_out[b, axis, 1 + f, at] = flux[b, axis, 1 + f, at] - share * tau
        here = w[b, wp.static(last), at] / w[b, 0, at]
        before = w[b, wp.static(last), at - step] / w[b, 0, at - step]
        rise = here - before
        place = wp.vec3i(i - margin[0], j, k)[axis]
        if place == 0 or place == cells[axis]:
            side = wp.where(place == 0, 2 * axis, 2 * axis + 1)
            wall = held[b, i, side, 0]
            if kinds[side] == STUCK and wall > real(0.0):
                rise = wp.where(place == 0, real(2.0) * (here - wall), real(2.0) * (wall - before))
        work += conduction[b, i] * rise * inv_dx[axis]
        flux_out[b, axis, 0, at] = flux[b, axis, 0, at]
        flux_out[b, axis, wp.static(last), at] = flux[b, axis, wp.static(last), at] - share * work

    return kernel
