"""Bodies with grids of their own, which meet at the nodes: they press and rub each other and do not stick.

Bardenhagen, Brackbill & Sulsky 2000, J. Comput. Phys. 187, 529; the place of the surfaces is judged by how full the
grid is, which keeps bodies from touching a cell too early.
"""

# mypy: disable-error-code="attr-defined, index, name-defined, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.methods import Apart, MaterialPoint
from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.numbers import Numbers
from scenegrad.solvers.mpm.tables import BodyPart

__all__ = ["Meeting", "meetings", "surfaces"]

TOUCH = 0.9  # of a node's cell filled by two bodies together where they begin to feel each other
SLIVER = 0.1  # share of a cell below which a body is too little there to tell its surface; it is felt less
NOWHERE = 0.01  # distance of their middles [dx] below which two bodies are through each other and have no surface


@dataclass(frozen=True)
class Meeting:
    """Which grid each particle uses, and how bodies of different grids rub."""

    fields: int
    field: Tensor  # grid of each particle [particle], int32

    friction: ClassVar[str] = "method.contact.friction"  # address of Coulomb's coefficient

    def coefficient(self, params: Params) -> Tensor:
        """[batch], in float64"""
        return params[self.friction].double()

    @staticmethod
    def of(method: MaterialPoint, bodies: Sequence[BodyPart], like: Tensor) -> "Meeting | None":
        """None where all bodies share one grid. Bodies of no group have a grid each."""
        if not isinstance(method.contact, Apart):
            return None
        groups = {name: index for index, group in enumerate(method.contact.groups) for name in group}
        grids: dict[object, int] = {}
        numbers = [grids.setdefault(groups.get(body.name, body.name), len(grids)) for body in bodies]
        if len(grids) < 2:
            return None
        field = torch.cat([torch.full((b.count,), i, dtype=torch.int32) for b, i in zip(bodies, numbers, strict=True)])
        return Meeting(len(grids), field.to(like.device))


@cache
def surfaces(n: Numbers) -> Any:
    """a_i = sum_p w_ip V_p (x_p - x_i)/dx^(dim+1),   phi_i = sum_p w_ip V_p / dx^dim, V_p the present volume.

    phi is how full the cell around a node is, 1 within a body; a points from the surface into it. Two bodies that
    touch fill a cell together, whatever the place of their interface. Where two grids carry the particles, own_p of
    each belongs to this one."""
    s = stencil(n)
    real, vec, mat, packed, Lattice = n.real, n.vec, n.mat, n.packed, n.lattice

    if n.dim == 2:

        @wp.func
        def steps(i: int, j: int, k: int):
            return vec(real(i), real(j))

    else:

        @wp.func
        def steps(i: int, j: int, k: int):
            return vec(real(i), real(j), real(k))

    @wp.kernel(module="unique")
    def kernel(
        lattice: Lattice,
        volume_in: wp.array2d[real],
        own_in: wp.array2d[real],
        x_in: wp.array2d[vec],
        F_in: wp.array2d[mat],
        surface_out: wp.array2d[packed],
    ):
        b, p = wp.tid()
        if wp.static(n.shared):
            if own_in[b, p] == real(0.0):
                return
        at = lattice.inv_dx * x_in[b, p]
        anchor = s.anchor(lattice, at, b, p)
        f = s.place(at)
        w = s.weights(f)
        share = volume_in[b, p] * wp.determinant(F_in[b, p])
        if wp.static(n.shared):
            share = share * own_in[b, p]
        for _ in range(wp.static(n.dim)):
            share = share * lattice.inv_dx
        for i in range(wp.static(n.support)):
            for j in range(wp.static(n.support)):
                for k in range(wp.static(n.support if n.dim == 3 else 1)):
                    weight = share * (w[i, 0] * w[j, 1] * w[k, 2])
                    lean = weight * (f - steps(i, j, k))
                    wp.atomic_add(surface_out, b, s.node(lattice, anchor, i, j, k), s.pack(lean, weight))

    return kernel


@cache
def meetings(n: Numbers) -> Any:
    """p_i' = p_i + sum_j J_ij over the bodies j at the same node, v = p/m, n along a_i/phi_i - a_j/phi_j, into i:

    where they approach, u = -n . (v_i - v_j) > 0, with v_t the part of v_i - v_j along the surface,
    J = s m_i m_j/(m_i + m_j) [u n - v_t min(1, mu u/|v_t|)],   s from 0 at phi_i + phi_j = TOUCH to 1 at a full cell.

    J_ji = -J_ij, so that no momentum is lost, nor angular momentum. Where more than two bodies share a node each pair
    has its part of the impulse. Where two grids carry the particles, a cell of this one is full when it has its share
    of what fills it. Every node is written.
    """
    s = stencil(n)
    real, vec, packed, Lattice, dim = n.real, n.vec, n.packed, n.lattice, n.dim
    touch, sliver, nowhere, fields, empty = real(TOUCH), real(SLIVER), real(NOWHERE), n.fields, real(1e-6)

    @wp.func
    def impulse(p: packed, q: packed, surface: packed, other: packed, mu: real, whole: real):
        mass = p[dim] * q[dim] / (p[dim] + q[dim])
        apart = s.momentum(p) / p[dim] - s.momentum(q) / q[dim]
        full = surface[dim] + other[dim]
        J = vec()
        if full > touch * whole:
            across = s.momentum(surface) / surface[dim] - s.momentum(other) / other[dim]
            length = wp.length(across)
            normal = across / wp.max(length, nowhere)
            u = -wp.dot(normal, apart)
            if u > real(0.0) and length > nowhere:
                along = apart + u * normal
                speed = wp.length(along)
                rub = vec()
                if speed > mu * u:
                    rub = (mu * u / speed) * along
                else:
                    rub = along
                firm = wp.min((full - touch * whole) / ((real(1.0) - touch) * whole), real(1.0))
                firm *= wp.min(wp.min(surface[dim], other[dim]) / (sliver * whole), real(1.0))
                J = (firm * mass) * (u * normal - rub)
        return J

    @wp.kernel(module="unique")
    def kernel(
        lattice: Lattice,
        lightest: wp.array[real],
        friction_in: wp.array[real],
        share_in: wp.array2d[real],
        grid_in: wp.array2d[packed],
        surface_in: wp.array2d[packed],
        grid_out: wp.array2d[packed],
    ):
        b, i = wp.tid()
        own, first = i // lattice.nodes, i % lattice.nodes
        p = grid_in[b, i]
        gained = vec()
        whole = real(1.0)
        if wp.static(n.shared):
            whole = wp.max(share_in[b, i], empty)
        if p[dim] > lightest[b]:
            partners = int(0)
            for field in range(wp.static(fields)):
                if field != own and grid_in[b, field * lattice.nodes + first][dim] > lightest[b]:
                    partners += 1
            for field in range(wp.static(fields)):
                j = field * lattice.nodes + first
                if field != own and grid_in[b, j][dim] > lightest[b]:
                    J = impulse(p, grid_in[b, j], surface_in[b, i], surface_in[b, j], friction_in[b], whole)
                    gained += J / real(partners)
        grid_out[b, i] = p + s.pack(gained, real(0.0))

    return kernel
