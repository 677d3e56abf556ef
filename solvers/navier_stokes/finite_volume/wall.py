"""What the wall of an obstacle does to the cells that it cuts."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.laws import Law
from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["wall_push"]


@cache
def wall_push(n: Numbers, law: Law) -> Any:
    """push_out = force of the wall per volume of the cell: p A, and the friction 2 mu u |A| / dx of a viscous gas.

    The wall is what the open shares of opposite faces leave: A_a = (open_high - open_low) / dx_a points into the flow.
    Its pressure is that of the cell brought to rest at it, by a shock or a fan. A wall at rest takes no energy.
    """
    real, vec, triple, dim = n.real, n.vec, n.triple, n.dim
    pressure = law.kernels(n).wall
    tiny = real(1e-12)

    @wp.kernel(module="unique")
    def kernel(
        cells: wp.vec3i,
        margin: wp.vec3i,
        stride: wp.vec3i,
        first: int,
        inv_dx: triple,
        constant: wp.array2d[real],
        viscosity: wp.array2d[real],
        open: wp.array3d[real],
        w: wp.array3d[real],
        push_out: wp.array3d[real],
    ):
        b, i, j, k = wp.tid()
        i += first
        cell = (i * cells[1] + j) * cells[2] + k
        i += margin[0]
        at = i * stride[0] + (j + margin[1]) * stride[1] + (k + margin[2]) * stride[2]
        area, into = triple(), real(0.0)
        inside = vec()
        for f in range(wp.static(n.fields)):
            inside[f] = w[b, f, at]
        for a in range(wp.static(dim)):
            area[a] = (open[b, a, at + stride[a]] - open[b, a, at]) * inv_dx[a]
            into -= area[a] * inside[1 + a]
        size = wp.length(area)
        if size > tiny:
            p = pressure(inside, into / size, constant[b, i])
            rub = real(2.0) * viscosity[b, i] * size * wp.max(inv_dx)
            for a in range(wp.static(dim)):
                push_out[b, 1 + a, cell] = p * area[a] - rub * inside[1 + a]
        else:
            for a in range(wp.static(dim)):
                push_out[b, 1 + a, cell] = real(0.0)
        push_out[b, 0, cell] = real(0.0)
        for f in range(wp.static(dim + 1), wp.static(n.fields)):
            push_out[b, f, cell] = real(0.0)

    return kernel
