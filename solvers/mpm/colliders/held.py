"""What walls that hold nodes give and take: the force on a side to which matter clings."""

# mypy: disable-error-code="index, operator, attr-defined"
# (Warp functions name their types by variables, of which mypy knows nothing)

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from scenegrad.solvers.mpm.grid.grid import Clinging, Placed
from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.mirrors import Images
from scenegrad.solvers.mpm.numbers import Numbers
from scenegrad.solvers.mpm.rigid.frames import frames
from scenegrad.solvers.mpm.rigid.numbers import rigid_numbers

__all__ = ["push_of_held", "push_of_images", "shares_of_held", "shares_of_images"]

Array = NDArray[np.float64]


def shares_of_held(layout: Placed, members: Sequence[Sequence[Clinging]], names: Sequence[str]) -> tuple[Array, Array]:
    """Which row [member, node] of a table [row, wall, dim, dim] gives the named walls their part of what is taken from
    a node: P_w (sum of P_w)^+, P_w the directions that a wall forbids, summed over all that hold the node."""
    dim, dx = layout.grid.dim, layout.grid.dx
    rows, table = [], [np.zeros((len(names), dim, dim))]
    for walls in members:
        code = np.zeros(layout.nodes, dtype=np.int64)
        for bit, w in enumerate(walls):
            code |= (layout.positions @ np.array(w.normal) <= w.offset + 1e-9 * dx).astype(np.int64) << bit
        found, where = np.unique(code, return_inverse=True)
        numbers = np.zeros(len(found), dtype=np.int64)
        for place, bits in enumerate(found):
            holding = {w.name: forbidden(w, dim) for bit, w in enumerate(walls) if bits >> bit & 1}
            if holding.keys() & set(names):
                whole = np.linalg.pinv(sum(holding.values()))
                numbers[place] = len(table)
                table.append(np.stack([holding.get(name, np.zeros((dim, dim))) @ whole for name in names]))
        rows.append(numbers[where])
    return np.stack(rows), np.stack(table)


def forbidden(wall: Clinging, dim: int) -> Array:
    """The projection on the directions in which nodes may not move."""
    found: Array = np.eye(dim) if wall.sticks else np.outer(wall.normal, wall.normal)
    return found


def shares_of_images(
    found: Images, layout: Placed, members: Sequence[Sequence[Clinging]], names: Sequence[str]
) -> Array:
    """Part of each component [member, image, wall, dim] of what mirrors do to a node that the named walls have: of
    those behind which it lies, those which turn the component round have equal parts, or all where none does."""
    dim = layout.grid.dim
    shares = np.zeros((*found.behind.shape, len(names), dim))
    for member, walls in enumerate(members):
        if not walls or not len(places := layout.positions[found.of(member)]):
            continue
        behind = np.stack([places @ np.array(w.normal) < w.offset - 1e-6 * layout.grid.dx for w in walls])
        turns = np.stack([np.ones(dim) if w.sticks else np.abs(w.normal) for w in walls])  # [wall, dim]
        does = behind[:, :, None] * turns[:, None]  # [wall, image, dim]
        does = np.where(does.sum(0) > 0, does, np.broadcast_to(behind[:, :, None], does.shape))
        part = does / np.maximum(does.sum(0), 1.0)
        order = {wall.name: part[place] for place, wall in enumerate(walls)}
        none = np.zeros((len(places), dim))
        shares[member, : len(places)] = np.stack([order.get(name, none) for name in names], axis=1)
    return shares


@cache
def push_of_held(n: Numbers) -> Any:
    """A wall feels its share of (1 - H) m v at each node that it holds, m v the momentum there after friction."""
    s, r, f = stencil(n), rigid_numbers(n), frames(n)
    real, vec, flat, mat, packed, Lattice = n.real, r.vec, n.vec, n.mat, n.packed, n.lattice
    Pose, Twist = r.pose, r.twist

    @wp.kernel(module="unique")
    def kernel(
        lattice: Lattice,
        lightest: wp.array[real],
        hold_in: wp.array2d[wp.uint8],
        holds: wp.array[mat],
        obstacle_in: wp.array[int],
        row_in: wp.array2d[int],
        share_in: wp.array2d[mat],
        now_in: wp.array2d[Pose],
        grid_in: wp.array2d[packed],
        bearing_in: wp.array2d[packed],
        traction_in: wp.array2d[flat],
        push_out: wp.array2d[Twist],
    ):
        b, i = wp.tid()
        row = row_in[b, i]
        if row > 0 and grid_in[b, i][wp.static(n.dim)] > lightest[b]:
            p = s.momentum(grid_in[b, i]) + bearing_in[b, i][wp.static(n.dim)] * traction_in[b, i]
            taken = p - holds[int(hold_in[b, i])] * p
            x = f.embedded(s.position(lattice, i))
            for q in range(obstacle_in.shape[0]):
                now = now_in[b, obstacle_in[q]]
                impulse = f.embedded(share_in[row, q] * taken)
                arm = x - vec(now[0], now[1], now[2])
                wp.atomic_add(push_out, b, obstacle_in[q], f.twist(impulse, wp.cross(arm, impulse)))

    return kernel


@cache
def push_of_images(n: Numbers) -> Any:
    """p_-i - m_-i S v_i behind and m_-i v_i - S p_-i in front: what a mirror takes from the node i and its image -i;
    p after friction."""
    s, r, f = stencil(n), rigid_numbers(n), frames(n)
    vec, flat, packed, Lattice = r.vec, n.vec, n.packed, n.lattice
    Pose, Twist = r.pose, r.twist

    @wp.kernel(module="unique")
    def kernel(
        lattice: Lattice,
        behind_in: wp.array2d[int],
        front_in: wp.array2d[int],
        sign_in: wp.array2d[flat],
        obstacle_in: wp.array[int],
        part_in: wp.array3d[flat],
        now_in: wp.array2d[Pose],
        grid_in: wp.array2d[packed],
        bearing_in: wp.array2d[packed],
        traction_in: wp.array2d[flat],
        v_in: wp.array2d[flat],
        push_out: wp.array2d[Twist],
    ):
        b, k = wp.tid()
        i, j = behind_in[b, k], front_in[b, k]
        if i >= 0:
            m, v = grid_in[b, i][wp.static(n.dim)], v_in[b, j]
            p = s.momentum(grid_in[b, i]) + bearing_in[b, i][wp.static(n.dim)] * traction_in[b, i]
            behind, front = f.embedded(s.position(lattice, i)), f.embedded(s.position(lattice, j))
            at_behind = p - m * wp.cw_mul(sign_in[b, k], v)
            at_front = m * v - wp.cw_mul(sign_in[b, k], p)
            for q in range(obstacle_in.shape[0]):
                now = now_in[b, obstacle_in[q]]
                place = vec(now[0], now[1], now[2])
                one = f.embedded(wp.cw_mul(part_in[b, k, q], at_behind))
                other = f.embedded(wp.cw_mul(part_in[b, k, q], at_front))
                moment = wp.cross(behind - place, one) + wp.cross(front - place, other)
                wp.atomic_add(push_out, b, obstacle_in[q], f.twist(one + other, moment))

    return kernel
