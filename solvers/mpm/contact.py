"""Contact with walls that matter can leave again (Separate, Coulomb), felt by each particle."""

# mypy: disable-error-code="attr-defined, index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.lines import members
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["contact", "contact_energy", "radius_of"]

STIFFNESS = 2.0  # of a wall: with 2^dim particles a cell, that of one cell of the material which meets it


@cache
def contact(n: Numbers) -> Any:
    """f_p = k max(0, -gap) n,   gap = n . x_p - offset - r_p,   k = 2 V_p M / dx^2,   B_i = sum_p w_ip mu |f_p| dt n.

    The wall gives way like one cell of the particle's own material, M its stiffness and r_p half its width: the
    depth is of the order of strain times dx, no smaller time step is needed, and the motion depends smoothly on where
    the wall stands. Friction waits at the nodes as a bearing B [kg m/s], so that matter can stick without creeping.
    firmness: 2/dx^2. Where two grids carry the particles, own_p of each belongs to this one.
    The first `sides` walls are sides of the box, which particles within [low, high] do not touch.
    """
    s, member = stencil(n), members(n)
    dim, real, vec, packed, Row, Face, Lattice = n.dim, n.real, n.vec, n.packed, n.row, n.face, n.lattice

    if dim == 2:

        @wp.func
        def normal_of(face: Face):
            return vec(face[0], face[1])

    else:

        @wp.func
        def normal_of(face: Face):
            return vec(face[0], face[1], face[2])

    @wp.kernel(module="unique")
    def kernel(
        lattice: Lattice,
        dt_in: wp.array[real],
        slot_in: wp.array[int],
        volume_in: wp.array2d[real],
        radius_in: wp.array2d[real],
        row_in: wp.array2d[Row],
        face_in: wp.array3d[Face],
        sides: int,
        low: vec,
        high: vec,
        firmness: real,
        own_in: wp.array2d[real],
        x_in: wp.array2d[vec],
        grid_out: wp.array2d[packed],
        friction_out: wp.array2d[vec],
    ):
        b, p = member(wp.tid(), x_in.shape[1])
        if wp.static(n.shared):
            if own_in[b, p] == real(0.0):
                return
        slot = slot_in[p]
        x, radius = x_in[b, p], radius_in[b, p]
        begin = sides
        for a in range(wp.static(dim)):
            if x[a] - radius < low[a] or x[a] + radius > high[a]:
                begin = int(0)
        if begin >= face_in.shape[2]:
            return
        # The adjoint does not run this loop before it goes back through it: nothing made here may be used after it.
        for a in range(begin, face_in.shape[2]):
            face = face_in[b, slot, a]
            normal = normal_of(face)
            depth = face[wp.static(dim)] + radius - wp.dot(normal, x)
            if depth > real(0.0):
                at = lattice.inv_dx * x
                anchor = s.anchor(lattice, at, b, p)
                w = s.weights(s.place(at))
                stiffness = firmness * volume_in[b, p] * row_in[b, slot][1]
                if wp.static(n.shared):
                    stiffness = stiffness * own_in[b, p]
                impulse = (dt_in[b] * stiffness * depth) * normal
                for i in range(wp.static(n.support)):
                    for j in range(wp.static(n.support)):
                        for k in range(wp.static(n.support if dim == 3 else 1)):
                            share = (w[i, 0] * w[j, 1] * w[k, 2]) * impulse
                            node = s.node(lattice, anchor, i, j, k)
                            wp.atomic_add(grid_out, b, node, s.pack(share, real(0.0)))
                            wp.atomic_add(friction_out, b, node, face[wp.static(dim + 1)] * share)

    return kernel


def radius_of(volume: Tensor, dim: int) -> Tensor:
    """Half the width of a particle [m]."""
    return 0.5 * volume.pow(1 / dim)


def contact_energy(dx: float, volume: Tensor, stiffness: Tensor, face: Tensor, position: Tensor) -> Tensor:
    """sum_p k/2 max(0, -gap)^2 [batch]; volume, stiffness [batch, particle], face [batch, wall, dim + 2]."""
    dim = position.shape[-1]
    gaps = position @ face[..., :dim].mT - face[:, None, :, dim] - radius_of(volume, dim)[..., None]
    depths = torch.clamp(-gaps, min=0.0).square().sum(-1)
    return (0.5 * STIFFNESS / dx**2 * volume * stiffness * depths).sum(-1)
