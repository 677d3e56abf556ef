"""What happens at the nodes of a grid with colliders in it: friction along surfaces that move, nodes that they hold."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["sliding_nodes"]


@cache
def sliding_nodes(n: Numbers) -> Any:
    """v = m v / m, then Coulomb's friction with the surfaces there.

    v' = v + t min(1, S / (m |t|)),   t = -(1 - N N')(v - D / S),   N = B / S: see `press`. N is the normal of the one
    surface there; where a node lies between surfaces that face each other it vanishes, and friction opposes all motion.
    K = m (v' - v) / S goes back to the bodies. Then the holds of walls to which matter clings, as in `node_velocities`.
    A node with less than `lightest` [kg] is at rest, images of others have nothing yet. Every node is
    written.
    """
    s = stencil(n)
    real, vec, mat, packed = n.real, n.vec, n.mat, n.packed

    @wp.kernel(module="unique")
    def kernel(
        lightest: wp.array[real],
        image_in: wp.array2d[wp.uint8],
        hold_in: wp.array2d[wp.uint8],
        holds: wp.array[mat],
        grid_in: wp.array2d[packed],
        bearing_in: wp.array2d[packed],
        drag_in: wp.array2d[vec],
        v_out: wp.array2d[vec],
        traction_out: wp.array2d[vec],
    ):
        b, i = wp.tid()
        m = grid_in[b, i][wp.static(n.dim)]
        if m > lightest[b]:
            v = s.momentum(grid_in[b, i]) / m
            bears = bearing_in[b, i][wp.static(n.dim)]
            gained = vec()
            if bears > real(0.0) and image_in[b, i] == wp.uint8(0):
                normal = s.momentum(bearing_in[b, i]) / bears
                past = v - drag_in[b, i] / bears
                along = wp.dot(normal, past) * normal - past
                speed, most = wp.length(along), bears / m
                if speed > most:
                    gained = (most / speed) * along
                else:
                    gained = along
                traction_out[b, i] = (m / bears) * gained
            else:
                traction_out[b, i] = vec()
            v_out[b, i] = holds[int(hold_in[b, i])] * (v + gained)
        else:
            v_out[b, i] = vec()
            traction_out[b, i] = vec()

    return kernel
