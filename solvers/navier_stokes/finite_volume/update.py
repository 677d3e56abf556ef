"""What the fluxes do to the cells."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["updated"]


@cache
def updated(n: Numbers, immersed: bool) -> Any:
    """u_out = keep begin + (1 - keep) (u - dt sum_axes (F_high - F_low) / dx): one stage of a Runge-Kutta method.

    immersed: what comes in is divided by the share of a cell that is free, and a wall in it pushes, see wall.py.
    """
    real, triple, dim = n.real, n.triple, n.dim

    @wp.kernel(module="unique")
    def kernel(
        cells: wp.vec3i,
        margin: wp.vec3i,
        stride: wp.vec3i,
        first: int,
        keep: real,
        inv_dx: triple,
        dt: wp.array[real],
        free: wp.array2d[real],
        push: wp.array3d[real],
        flux: wp.array4d[real],
        begin: wp.array3d[real],
        u: wp.array3d[real],
        u_out: wp.array3d[real],
    ):
        b, i, j, k = wp.tid()
        i += first
        cell = (i * cells[1] + j) * cells[2] + k
        at = (i + margin[0]) * stride[0] + (j + margin[1]) * stride[1] + (k + margin[2]) * stride[2]
        for f in range(wp.static(n.fields)):
            rate = real(0.0)
            for a in range(wp.static(dim)):
                rate += (flux[b, a, f, at + stride[a]] - flux[b, a, f, at]) * inv_dx[a]
            if wp.static(immersed):
                rate = (rate - push[b, f, cell]) / free[b, cell]
            u_out[b, f, cell] = keep * begin[b, f, cell] + (real(1.0) - keep) * (u[b, f, cell] - dt[b] * rate)

    return kernel
