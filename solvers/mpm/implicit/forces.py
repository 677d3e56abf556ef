"""What pulls at a particle at the end of a step, as functions of the motion that leads there; walls among it.

Colliders and rigid bodies: see obstacles.py."""

# mypy: disable-error-code="index, operator, attr-defined"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.contact import STIFFNESS
from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.materials.choice import any_deform, any_kirchhoff
from scenegrad.solvers.mpm.materials.law import Law
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["bearing_of_walls", "press_of_walls", "stress_of_particles", "weight_of_particles"]


@cache
def stress_of_particles(n: Numbers, laws: tuple[Law, ...]) -> Any:
    """A = V tau(F', h', C) (I + dt C)^-T [J],   F', h' from F, h by dt C.

    Where F' = (I + dt C) F and tau F'^-T = dW/dF', this is A = d(V W)/d(dt C): the derivative of an energy, so that
    dA/dC is symmetric.
    """
    tau, deform = any_kirchhoff(n, laws), any_deform(n, laws)
    dim, real, mat, Row, History = n.dim, n.real, n.mat, n.row, n.history

    @wp.kernel(module="unique")
    def kernel(
        dt_in: wp.array[real],
        slot_in: wp.array[int],
        kind_in: wp.array[int],
        volume_in: wp.array2d[real],
        row_in: wp.array2d[Row],
        F_in: wp.array2d[mat],
        h_in: wp.array2d[History],
        rate_in: wp.array2d[mat],
        stress_out: wp.array2d[mat],
    ):
        b, p = wp.tid()
        row, dt, C = row_in[b, slot_in[p]], dt_in[b], rate_in[b, p]
        h = History()
        if wp.static(n.memory > 0):
            h = h_in[b, p]
        F, kept = deform(kind_in[p], row, F_in[b, p], C, h, dt)
        moved = wp.identity(n=wp.static(dim), dtype=real) + dt * C
        pulled = tau(kind_in[p], row, F, kept, C) * wp.transpose(wp.inverse(moved))
        stress_out[b, p] = volume_in[b, p] * pulled

    return kernel


@cache
def weight_of_particles(n: Numbers) -> Any:
    """q = m g [N], and how much force a change of strain by one makes there: V M [J]."""
    vec, real, Row = n.vec, n.real, n.row

    @wp.kernel(module="unique")
    def kernel(
        slot_in: wp.array[int],
        volume_in: wp.array2d[real],
        row_in: wp.array2d[Row],
        gravity_in: wp.array2d[vec],
        thrust_out: wp.array2d[vec],
        stiff_out: wp.array2d[vec],
    ):
        b, p = wp.tid()
        row, volume, stiff = row_in[b, slot_in[p]], volume_in[b, p], vec()
        thrust_out[b, p] = (row[0] * volume) * gravity_in[b, slot_in[p]]
        stiff[0] = row[1] * volume
        stiff_out[b, p] = stiff

    return kernel


@cache
def press_of_walls(n: Numbers) -> Any:
    """q = sum over walls of k max(0, -gap) n [N], gap = n . (x + dt v) - offset - r, k as in contact.py: walls press
    at the place where the particle will be. The array is added to."""
    dim, real, vec, Row, Face, Lattice = n.dim, n.real, n.vec, n.row, n.face, n.lattice

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
        x_in: wp.array2d[vec],
        speed_in: wp.array2d[vec],
        thrust_out: wp.array2d[vec],
    ):
        b, p = wp.tid()
        slot, dt, radius = slot_in[p], dt_in[b], radius_in[b, p]
        row, volume = row_in[b, slot], volume_in[b, p]
        x = x_in[b, p] + dt * speed_in[b, p]
        begin = sides
        for a in range(wp.static(dim)):
            if x[a] - radius < low[a] or x[a] + radius > high[a]:
                begin = int(0)
        # The adjoint does not run this loop before it goes back through it: nothing made here may be used after it.
        for a in range(begin, face_in.shape[2]):
            face = face_in[b, slot, a]
            normal = normal_of(face)
            depth = face[wp.static(dim)] + radius - wp.dot(normal, x)
            if depth > real(0.0):
                stiffness = real(STIFFNESS) * lattice.inv_dx * lattice.inv_dx * volume * row[1]
                wp.atomic_add(thrust_out, b, p, (stiffness * depth) * normal)

    return kernel


@cache
def bearing_of_walls(n: Numbers) -> Any:
    """(B, |B|): what walls say that friction can bear, as colliders say it; see `press` of colliders/contact.py."""
    s = stencil(n)
    real, vec, packed = n.real, n.vec, n.packed

    @wp.kernel(module="unique")
    def kernel(friction_in: wp.array2d[vec], bearing_out: wp.array2d[packed]):
        b, i = wp.tid()
        B = friction_in[b, i]
        if wp.length_sq(B) > real(0.0):
            bearing_out[b, i] = s.pack(B, wp.length(B))
        else:
            bearing_out[b, i] = packed()

    return kernel
