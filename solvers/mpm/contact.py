"""Contact with walls that matter can leave again (Separate, Coulomb), felt by each particle."""

from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.numbers import Numbers
from scenegrad.solvers.mpm.stencil import stencil

__all__ = ["STIFFNESS", "contact", "contact_energy"]

STIFFNESS = 4.0  # a particle half pressed into a wall by its radius feels what half a cell of its material would answer


@cache
def contact(n: Numbers) -> Any:
    """f_p = k max(0, -gap) n,   gap = n . x_p - offset - r_p,   k = 4 V_p M / dx^2,   B_i = sum_p w_ip mu |f_p| dt n.

    The wall gives way like half a cell of the particle's own material, M its stiffness and r_p half its width: the
    depth is of the order of strain times dx, no smaller time step is needed, and the motion depends smoothly on where
    the wall stands. Friction waits at the nodes as a bearing B [kg m/s], so that matter can stick without creeping.
    """
    s = stencil(n)
    dim, real, vec, packed, ivec, Row, Face = n.dim, n.real, n.vec, n.packed, n.ivec, n.row, n.face

    @wp.kernel(module="unique")
    def kernel(
        inv_dx: real,
        pad: ivec,
        wrap: ivec,
        count: ivec,
        dt_in: wp.array[real],
        slot_in: wp.array[int],
        volume_in: wp.array2d[real],
        row_in: wp.array2d[Row],
        normal_in: wp.array2d[vec],
        face_in: wp.array3d[Face],
        x_in: wp.array2d[vec],
        grid_out: wp.array2d[packed],
        friction_out: wp.array2d[vec],
    ):
        b, p = wp.tid()
        slot = slot_in[p]
        x, volume = x_in[b, p], volume_in[b, p]
        radius = real(0.5) * wp.pow(volume, real(wp.static(1.0 / dim)))
        stiffness = real(STIFFNESS) * inv_dx * inv_dx * volume * row_in[b, slot][3] * dt_in[b]
        at = inv_dx * x
        for a in range(
            normal_in.shape[1]
        ):  # the adjoint runs such a loop once only: nothing it makes may be used after it
            face, normal = face_in[b, slot, a], normal_in[b, a]
            depth = face[0] + radius - wp.dot(normal, x)
            if depth > real(0.0):
                first = s.first_node(at, pad, wrap, count)
                w = s.weights(s.place(at))
                impulse = (stiffness * depth) * normal
                for i in range(3):
                    for j in range(3):
                        for k in range(wp.static(3 if dim == 3 else 1)):
                            share = s.weight(w, i, j, k) * impulse
                            node = s.node(first, i, j, k, count)
                            wp.atomic_add(grid_out, b, node, s.pack(share, real(0.0)))
                            wp.atomic_add(friction_out, b, node, face[1] * share)

    return kernel


def contact_energy(
    dx: float, volume: Tensor, stiffness: Tensor, normals: Tensor, offsets: Tensor, position: Tensor
) -> Tensor:
    """sum_p k/2 max(0, -gap)^2 [batch]; volume, stiffness [batch, particle], normals [batch, wall, dim]."""
    radius = 0.5 * volume.pow(1 / position.shape[-1])
    gaps = position @ normals.mT - offsets[:, None] - radius[..., None]
    depths = torch.clamp(-gaps, min=0.0).square().sum(-1)
    return (0.5 * STIFFNESS / dx**2 * volume * stiffness * depths).sum(-1)
