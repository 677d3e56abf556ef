"""From particles to the grid and back: the transfers of the moving-least-squares material point method."""

# mypy: disable-error-code="attr-defined"
# (Warp structs name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.grid.sums import sums
from scenegrad.solvers.mpm.lines import members
from scenegrad.solvers.mpm.materials.choice import any_deform, any_kirchhoff
from scenegrad.solvers.mpm.materials.law import Law
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["grid_to_particles", "lost_particles", "particles_to_grid"]

# Products and sums in one rounding, as on a GPU, and sums in the order that suits the processor: up to a third less
# time on a CPU. Sums that gather also win by a longer search for what can be done side by side.
FUSED = {
    "cpu_compiler_flags": " ".join(
        (wp.config.cpu_compiler_flags or "-march=native", "-ffp-contract=fast", "-mreassociate", "-fno-signed-zeros")
    )
}
GATHERED = {"cpu_compiler_flags": f"{FUSED['cpu_compiler_flags']} -mllvm=-slp-recursion-max-depth=12"}


@cache
def particles_to_grid(n: Numbers, laws: tuple[Law, ...]) -> Any:
    """m_i = sum_p w_ip m_p
    m_i v_i = sum_p w_ip [m_p (v_p + dt g) + (m_p C_p - dt V_p tau_p / D)(x_i - x_p)]

    [Jiang et al. 2015 (APIC); Hu et al. 2018 (MLS-MPM)], V_p the undeformed volume [m^dim], D = dx^2/4 (dx^2/3 for
    cubic splines). FLIP leaves C_p out, and also gathers the momentum before the forces, sum_p w_ip m_p v_p.
    Momentum [kg m/s] and mass [kg] travel together. Constants come by slot: one slot a body, or one a particle where
    their gradients are wanted.
    """
    s, g, member, tau = stencil(n), sums(n), members(n), any_kirchhoff(n, laws)
    dim, real, vec, mat, packed, Row = n.dim, n.real, n.vec, n.mat, n.packed, n.row
    History, Lattice = n.history, n.lattice
    flip, inv_spread = n.scheme.flip is not None, real(1 / n.scheme.spread)

    @wp.kernel(module="unique", module_options=FUSED)
    def kernel(
        lattice: Lattice,
        dt_in: wp.array[real],
        slot_in: wp.array[int],
        kind_in: wp.array[int],
        volume_in: wp.array2d[real],
        row_in: wp.array2d[Row],
        gravity_in: wp.array2d[vec],
        x_in: wp.array2d[vec],
        v_in: wp.array2d[vec],
        C_in: wp.array2d[mat],
        F_in: wp.array2d[mat],
        h_in: wp.array2d[History],
        grid_out: wp.array2d[packed],
        before_out: wp.array2d[vec],
    ):
        b, p = member(wp.tid(), x_in.shape[1])
        slot = slot_in[p]
        row, dt, volume = row_in[b, slot], dt_in[b], volume_in[b, p]
        inv_dx = lattice.inv_dx
        at = inv_dx * x_in[b, p]
        anchor = s.anchor(lattice, at, b, p)
        f = s.place(at)
        mass = row[0] * volume
        C = C_in[b, p]
        v = v_in[b, p]
        h = History()
        if wp.static(n.memory > 0):
            h = h_in[b, p]
        force = (dt * inv_spread * inv_dx * inv_dx * volume) * tau(kind_in[p], row, F_in[b, p], h, C)
        if wp.static(flip):
            slope = (real(-1.0) / inv_dx) * force
        else:
            slope = (real(1.0) / inv_dx) * (mass * C - force)
        momentum = mass * (v + dt * gravity_in[b, slot])
        g.scatter(lattice, anchor, f, momentum - slope * f, slope, mass, grid_out, b)
        if wp.static(flip):
            w = s.weights(f)
            for i in range(wp.static(n.support)):
                for j in range(wp.static(n.support)):
                    for k in range(wp.static(n.support if dim == 3 else 1)):
                        share = (w[i, 0] * w[j, 1] * w[k, 2] * mass) * v
                        wp.atomic_add(before_out, b, s.node(lattice, anchor, i, j, k), share)

    return kernel


@cache
def grid_to_particles(n: Numbers, laws: tuple[Law, ...]) -> Any:
    """v_p = sum_i w_ip v_i,   C_p = 1/D sum_i w_ip v_i (x_i - x_p)',   x_p' = x_p + dt v_p,   F', h' from C_p.

    With FLIP the particle then goes on with v_p + flip (its old velocity - sum_i w_ip v_i before the forces).
    A particle whose nodes do not all exist is lost: its number plus one goes to `lost_out`, its velocity becomes NaN.
    """
    s, g, member, deform = stencil(n), sums(n), members(n), any_deform(n, laws)
    real, vec, mat, Row, History, Lattice = n.real, n.vec, n.mat, n.row, n.history, n.lattice
    flip, inv_spread = n.scheme.flip is not None, real(1 / n.scheme.spread)

    @wp.kernel(module="unique", module_options=GATHERED)
    def kernel(
        lattice: Lattice,
        dt_in: wp.array[real],
        slot_in: wp.array[int],
        kind_in: wp.array[int],
        row_in: wp.array2d[Row],
        x_in: wp.array2d[vec],
        F_in: wp.array2d[mat],
        h_in: wp.array2d[History],
        grid_v_in: wp.array2d[vec],
        flip_in: real,
        v_in: wp.array2d[vec],
        before_in: wp.array2d[vec],
        x_out: wp.array2d[vec],
        v_out: wp.array2d[vec],
        C_out: wp.array2d[mat],
        F_out: wp.array2d[mat],
        h_out: wp.array2d[History],
        lost_out: wp.array[int],
    ):
        b, p = member(wp.tid(), x_in.shape[1])
        dt = dt_in[b]
        x = x_in[b, p]
        inv_dx = lattice.inv_dx
        at = inv_dx * x
        anchor = s.anchor(lattice, at, b, p)
        f = s.place(at)
        v, moment = g.gather(lattice, anchor, f, grid_v_in, b)
        C = (inv_spread * inv_dx) * (moment - wp.outer(v, f))
        x_out[b, p] = x + dt * v
        C_out[b, p] = C
        h = History()
        if wp.static(n.memory > 0):
            h = h_in[b, p]
        F, kept = deform(kind_in[p], row_in[b, slot_in[p]], F_in[b, p], C, h, dt)
        F_out[b, p] = F
        if wp.static(n.memory > 0):
            h_out[b, p] = kept
        own = v
        if wp.static(flip):
            old, _ = g.gather(lattice, anchor, f, before_in, b)
            own = v + flip_in * (v_in[b, p] - old)
        if s.outside(lattice, at, b, p) != 0:
            lost_out[b] = p + 1
            v_out[b, p] = real(wp.NAN) * own
        else:
            v_out[b, p] = own

    return kernel


@cache
def lost_particles(n: Numbers) -> Any:
    """The number plus one of a particle whose nodes do not all exist goes to `lost_out`."""
    s, member, vec, Lattice = stencil(n), members(n), n.vec, n.lattice

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(lattice: Lattice, x_in: wp.array2d[vec], lost_out: wp.array[int]):
        b, p = member(wp.tid(), x_in.shape[1])
        if s.outside(lattice, lattice.inv_dx * x_in[b, p], b, p) != 0:
            lost_out[b] = p + 1

    return kernel
