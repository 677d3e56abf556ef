"""The motion of each mass under the forces of its springs, of walls and of gravity, and its transpose."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mass_spring.types import Types

__all__ = ["gather_back", "move", "move_back"]


@cache
def gathered(t: Types) -> Any:
    """Sum of what the springs at a mass hand it: plus at the first end of a spring, minus at its second."""
    vec = t.vec

    @wp.func
    def total(b: int, m: int, start: wp.array[int], entry: wp.array[int], per_spring: wp.array2d[vec]):
        made = vec()
        for e in range(start[m], start[m + 1]):
            spring = entry[e] / 2
            if entry[e] % 2 == 0:
                made += per_spring[b, spring]
            else:
                made -= per_spring[b, spring]
        return made

    return total


@cache
def rubbed(t: Types) -> Any:
    """v_t' = v_t max(0, 1 - loss / |v_t|), loss = mu N dt / m: Coulomb's law, with sticking."""
    real, vec = t.real, t.vec

    @wp.func
    def slide(v: vec, normal: vec, loss: real):
        across = wp.dot(v, normal) * normal
        along = v - across
        speed = wp.length(along)
        kept = along
        if loss > real(0.0) and speed > real(0.0):
            kept = wp.max(real(0.0), real(1.0) - loss / speed) * along
        return across + kept

    return slide


@cache
def move(t: Types) -> Any:
    """v' = (v + dt (F / m + g)) / (1 + dt drag), rubbed at each wall;   x' = x + dt v'.

    F sums springs and walls: k_w max(0, offset - n . x) n. Masses that are held have free = 0.
    """
    real, vec = t.real, t.vec
    total, slide = gathered(t), rubbed(t)

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        dt_in: wp.array[real],
        start_in: wp.array[int],
        entry_in: wp.array[int],
        free_in: wp.array2d[real],
        mass_in: wp.array2d[real],
        drag_in: wp.array2d[real],
        gravity_in: wp.array[vec],
        wall_in: wp.array2d[real],
        normal_in: wp.array2d[vec],
        offset_in: wp.array2d[real],
        friction_in: wp.array2d[real],
        force_in: wp.array2d[vec],
        x_in: wp.array2d[vec],
        v_in: wp.array2d[vec],
        x_out: wp.array2d[vec],
        v_out: wp.array2d[vec],
    ):
        b, m = wp.tid()
        h, mass, x = dt_in[b], mass_in[b, m], x_in[b, m]
        force = total(b, m, start_in, entry_in, force_in)
        for w in range(normal_in.shape[1]):
            depth = wp.max(real(0.0), offset_in[b, w] - wp.dot(normal_in[b, w], x))
            force += (wall_in[b, m] * depth) * normal_in[b, w]
        v = (v_in[b, m] + h * (force / mass + gravity_in[b])) / (real(1.0) + h * drag_in[b, m])
        for w in range(normal_in.shape[1]):
            depth = wp.max(real(0.0), offset_in[b, w] - wp.dot(normal_in[b, w], x))
            v = slide(v, normal_in[b, w], friction_in[b, w] * wall_in[b, m] * depth * h / mass)
        v = free_in[b, m] * v
        x_out[b, m] = x + h * v
        v_out[b, m] = v

    return kernel


@cache
def move_back(t: Types) -> Any:
    """The transpose of `move`. Each mass writes its own share of what masses have in common (gravity, walls)."""
    real, vec = t.real, t.vec
    total, slide = gathered(t), rubbed(t)

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        dt_in: wp.array[real],
        start_in: wp.array[int],
        entry_in: wp.array[int],
        free_in: wp.array2d[real],
        mass_in: wp.array2d[real],
        drag_in: wp.array2d[real],
        gravity_in: wp.array[vec],
        wall_in: wp.array2d[real],
        normal_in: wp.array2d[vec],
        offset_in: wp.array2d[real],
        friction_in: wp.array2d[real],
        force_in: wp.array2d[vec],
        x_in: wp.array2d[vec],
        v_in: wp.array2d[vec],
        x_bar_in: wp.array2d[vec],
        v_bar_in: wp.array2d[vec],
        mass_bar_out: wp.array2d[real],
        drag_bar_out: wp.array2d[real],
        gravity_bar_out: wp.array2d[vec],
        wall_bar_out: wp.array2d[real],
        offset_bar_out: wp.array3d[real],
        friction_bar_out: wp.array3d[real],
        force_bar_out: wp.array2d[vec],
        x_bar_out: wp.array2d[vec],
        v_bar_out: wp.array2d[vec],
    ):
        b, m = wp.tid()
        walls = normal_in.shape[1]
        h, mass, x, wall = dt_in[b], mass_in[b, m], x_in[b, m], wall_in[b, m]
        force = total(b, m, start_in, entry_in, force_in)
        for w in range(walls):
            depth = wp.max(real(0.0), offset_in[b, w] - wp.dot(normal_in[b, w], x))
            force += (wall * depth) * normal_in[b, w]
        shrink = real(1.0) / (real(1.0) + h * drag_in[b, m])
        first = shrink * (v_in[b, m] + h * (force / mass + gravity_in[b]))  # before it is rubbed

        bar = free_in[b, m] * (v_bar_in[b, m] + h * x_bar_in[b, m])
        mass_bar, wall_bar = real(0.0), real(0.0)
        x_bar = x_bar_in[b, m]
        for back in range(walls):
            w = walls - 1 - back
            normal, mu = normal_in[b, w], friction_in[b, w]
            depth = wp.max(real(0.0), offset_in[b, w] - wp.dot(normal, x))
            push_bar, mu_bar = real(0.0), real(0.0)
            if depth > real(0.0):
                v = first
                for before in range(w):
                    other = wp.max(real(0.0), offset_in[b, before] - wp.dot(normal_in[b, before], x))
                    v = slide(v, normal_in[b, before], friction_in[b, before] * wall * other * h / mass)
                along = v - wp.dot(v, normal) * normal
                speed = wp.length(along)
                loss = mu * wall * depth * h / mass
                along_bar = vec()
                if speed > loss:
                    along_bar = (real(1.0) - loss / speed) * bar
                    loss_bar = -wp.dot(bar, along) / speed
                    along_bar -= (loss_bar * loss / (speed * speed)) * along
                    mu_bar = loss_bar * wall * depth * h / mass
                    push_bar = loss_bar * mu * h / mass
                    mass_bar -= loss_bar * loss / mass
                bar = along_bar + wp.dot(normal, bar - along_bar) * normal
            friction_bar_out[b, m, w] = mu_bar
            offset_bar_out[b, m, w] = wall * push_bar
            wall_bar += depth * push_bar
            x_bar -= (wall * push_bar) * normal

        drag_bar_out[b, m] = -h * shrink * wp.dot(bar, first)
        bar = shrink * bar
        force_bar = (h / mass) * bar
        mass_bar -= wp.dot(force_bar, force) / mass
        for w in range(walls):
            gap = wp.dot(normal_in[b, w], x) - offset_in[b, w]
            if gap < real(0.0):
                leant_bar = wp.dot(force_bar, normal_in[b, w])
                offset_bar_out[b, m, w] = offset_bar_out[b, m, w] + wall * leant_bar
                wall_bar -= gap * leant_bar
                x_bar -= (wall * leant_bar) * normal_in[b, w]
        mass_bar_out[b, m] = mass_bar
        gravity_bar_out[b, m] = h * bar
        wall_bar_out[b, m] = wall_bar
        force_bar_out[b, m] = force_bar
        x_bar_out[b, m] = x_bar
        v_bar_out[b, m] = bar

    return kernel


@cache
def gather_back(t: Types) -> Any:
    """x and v of a mass are part of d and w of its springs: minus at the first end, plus at the second."""
    vec = t.vec
    total = gathered(t)

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        start_in: wp.array[int],
        entry_in: wp.array[int],
        d_bar_in: wp.array2d[vec],
        w_bar_in: wp.array2d[vec],
        x_bar_out: wp.array2d[vec],
        v_bar_out: wp.array2d[vec],
    ):
        b, m = wp.tid()
        x_bar_out[b, m] = x_bar_out[b, m] - total(b, m, start_in, entry_in, d_bar_in)
        v_bar_out[b, m] = v_bar_out[b, m] - total(b, m, start_in, entry_in, w_bar_in)

    return kernel
