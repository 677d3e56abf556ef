"""Geometric multigrid for diffusion with any coefficients on faces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.streams import on_torch_stream
from scenegrad.solvers.elliptic.diffusion import Diffusion
from scenegrad.solvers.elliptic.iteration import Found, beside, dot, look, norm
from scenegrad.solvers.elliptic.multigrid_kernels import multigrid_kernels
from scenegrad.solvers.shared.hush import hush_warp

__all__ = ["Cycles", "Multigrid"]

SWEEPS_AT_THE_BOTTOM = 16
STRETCHED = 1.5  # spacings that differ by more are not doubled together: relaxation would not smooth along the wide one

Triple = tuple[int, int, int]
Launch = Callable[[], object]


@dataclass(frozen=True)
class Level:
    """One grid: arrays of [batch, *cells] and of its faces. merged: which axes the next grid halves."""

    cells: Triple
    wraps: wp.vec3i
    spacing: tuple[float, float, float]
    weights: tuple[Tensor, Tensor, Tensor]
    shift: Tensor
    x: Tensor
    b: Tensor
    r: Tensor

    @cached_property
    def diagonal(self) -> Tensor:
        total = self.shift
        for dim, (weight, n) in enumerate(zip(self.weights, self.cells, strict=True), start=1):
            total = total + weight.narrow(dim, 0, n) + weight.narrow(dim, 1, n)
        return total.contiguous()

    @property
    def merged(self) -> Triple:
        finest = min(h for h, n in zip(self.spacing, self.cells, strict=True) if n > 1 or max(self.cells) == 1)
        first, second, third = (
            int(n > 1 and h <= STRETCHED * finest and not (wraps and n % 4 != 0))
            for n, h, wraps in zip(self.cells, self.spacing, self.wraps, strict=True)
        )
        return first, second, third


@dataclass(frozen=True)
class Multigrid:
    """One V-cycle: `sweeps` red-black Gauss-Seidel relaxations before and after each coarser grid [Brandt 1977, Math.
    Comp. 31, 333-390; Trottenberg, Oosterlee & Schueller 2001].

    Coarse coefficients are conductances: fine ways between the middles of coarse cells, in series and in parallel.
    Values go up along the same ways, linear in the resistance, and residuals down by the transpose; so a cycle with its
    relaxations after in the reverse order is a symmetric preconditioner. A periodic axis is halved while that leaves an
    even number of cells.

    Iterations of conjugate gradients to 1e-8: 7 on any grid for constant coefficients, a cylinder, or permeabilities of
    12 and 3; 12 for 100 and 1; 21 to 35 from 32 to 256 cells for 10000 and 1; walls of no thickness grow likewise, from
    17 to 57.
    """

    sweeps: int = 2
    linear: bool = True

    def prepare(self, operator: Diffusion) -> Callable[[Tensor], Tensor]:
        hush_warp()
        levels = [finest(operator)]
        device = levels[0].x.device
        with on_torch_stream(device):
            while any(levels[-1].merged):
                levels.append(coarser(levels[-1]))
            launches = self.cycle(levels, 0)
        top, shape = levels[0], levels[0].x.shape

        def once(r: Tensor) -> Tensor:
            top.b.copy_(r.reshape(shape))
            with on_torch_stream(device):
                for launch in launches:
                    launch()
            return top.x.reshape(r.shape).clone()

        return once

    def cycle(self, levels: list[Level], depth: int) -> list[Launch]:
        level = levels[depth]
        red, black = relaxation(level, 0), relaxation(level, 1)
        begin: list[Launch] = [level.x.zero_]
        if depth == len(levels) - 1:
            return begin + [red, black] * SWEEPS_AT_THE_BOTTOM + [black, red] * SWEEPS_AT_THE_BOTTOM
        down, up = transfers(level, levels[depth + 1])
        middle = self.cycle(levels, depth + 1)
        return begin + [red, black] * self.sweeps + down + middle + up + [black, red] * self.sweeps


@dataclass(frozen=True)
class Cycles:
    """Multigrid on its own: x += step e, e = cycle(b - A x), until the residual is small; the step is the one that
    brings x nearest in energy, e.r / e.Ae, so that it converges whatever the coefficients."""

    multigrid: Multigrid = Multigrid()
    iterations: int = 100

    def run(self, operator: Diffusion, b: Tensor, guess: Tensor | None, goal: Tensor) -> Found:
        once = self.multigrid.prepare(operator)
        x = torch.zeros_like(b) if guess is None else guess.to(b).clone()
        r = b - operator.apply(x)
        active = norm(r) > goal
        count = torch.zeros_like(active, dtype=torch.int64)
        often = look(b.device)
        for n in range(self.iterations):
            if n % often == 0 and not bool(active.any()):
                break
            e = operator.within(once(r))
            image = operator.apply(e)
            step = beside(torch.where(active, dot(e, r) / dot(e, image), 0.0), x)
            x.addcmul_(step, e)
            r.addcmul_(step, image, value=-1.0)
            count += active
            active = active & (norm(r) > goal)
        return Found(x, count, ~active)


def three(values: tuple[float, ...]) -> tuple[float, float, float]:
    """With ones in front."""
    a, b, c = (1.0,) * (3 - len(values)) + values
    return a, b, c


def finest(operator: Diffusion) -> Level:
    """The grid of the operator itself."""
    axes, missing = operator.axes, 3 - len(operator.axes)
    batch = operator.diagonal.shape[0]
    first, second, third = (1,) * missing + tuple(axis.count for axis in axes)
    cells = (first, second, third)
    for number, axis in enumerate(axes):
        if axis.periodic and axis.count % 2:
            raise ValueError(
                f"multigrid needs an even number of cells along a periodic axis; axis {number} has {axis.count}"
            )
    weights = []
    for number, weight in enumerate(operator.weights):
        if axes[number].periodic:
            weight = torch.cat((weight, weight.narrow(1 + number, 0, 1)), 1 + number)
        weights.append(weight.reshape(batch, *(1,) * missing, *weight.shape[1:]).contiguous())
    dead = [
        operator.diagonal.new_zeros(batch, *(n + (a == number) for a, n in enumerate(cells)))
        for number in range(missing)
    ]
    wx, wy, wz = (*dead, *weights)
    shift = operator.shift.expand(batch, *(axis.count for axis in axes)).reshape(batch, *cells).contiguous()
    wraps = wp.vec3i(*(0,) * missing, *(int(axis.periodic) for axis in axes))
    spacing = three(tuple(axis.spacing for axis in axes))
    return Level(cells, wraps, spacing, (wx, wy, wz), shift, *(torch.zeros_like(shift) for _ in range(3)))


def coarser(level: Level) -> Level:
    """The grid with every merged axis halved."""
    merged, batch, like = level.merged, level.x.shape[0], level.x
    first, second, third = ((n + 1) // 2 if halve else n for n, halve in zip(level.cells, merged, strict=True))
    cells = (first, second, third)
    made = multigrid_kernels(like.dtype)
    device = wp.device_from_torch(like.device)
    faces = []
    for axis, weight in enumerate(level.weights):
        face = like.new_zeros(batch, *(n + (axis == a) for a, n in enumerate(cells)))
        run = run_of(level, face.shape[3])
        inputs = [run, axis, wp.vec3i(*merged), wp.vec3i(*level.cells), level.wraps, wp.from_torch(weight)]
        size = (*face.shape[:3], face.shape[3] // run)
        wp.launch(made.coarse_faces, size, inputs, [wp.from_torch(face)], device=device)
        faces.append(face)
    shift = like.new_zeros(batch, *cells)
    inputs = [wp.vec3i(*merged), wp.from_torch(level.shift)]
    wp.launch(made.coarse_shift, shift.shape, inputs, [wp.from_torch(shift)], device=device)
    wx, wy, wz = faces
    a, b, c = (h * (2.0 if halve else 1.0) for h, halve in zip(level.spacing, merged, strict=True))
    empty = (torch.zeros_like(shift) for _ in range(3))
    return Level(cells, level.wraps, (a, b, c), (wx, wy, wz), shift, *empty)


def matrix(level: Level) -> list[object]:
    return [level.wraps, wp.from_torch(level.diagonal), *(wp.from_torch(weight) for weight in level.weights)]


def run_of(level: Level, count: int) -> int:
    """Cells that one thread does: on a CPU all `count` of a row, which are one thread's work anyway."""
    return count if level.x.device.type == "cpu" else 1


def relaxation(level: Level, colour: int) -> Launch:
    half = (level.cells[2] + 1) // 2
    run = run_of(level, half)
    kernel = multigrid_kernels(level.x.dtype).relax
    size = (*level.x.shape[:3], half // run)
    return recorded(kernel, size, [run, colour, *matrix(level), wp.from_torch(level.b)], level.x)


def transfers(level: Level, below: Level) -> tuple[list[Launch], list[Launch]]:
    """To the coarser grid and back."""
    made, merged = multigrid_kernels(level.x.dtype), wp.vec3i(*level.merged)
    device = wp.device_from_torch(level.x.device)
    run = run_of(level, level.cells[2])
    size = (*level.x.shape[:3], level.cells[2] // run)
    shares = [torch.zeros_like(level.x) for _ in range(3)]
    for axis, weight in enumerate(level.weights):
        inputs = [run, axis, merged, level.wraps, wp.from_torch(weight)]
        wp.launch(made.shares, size, inputs, [wp.from_torch(shares[axis])], device=device)
    much = sum(shares).clamp(min=1.0)  # type: ignore[union-attr]
    ways = [merged, level.wraps, *(wp.from_torch(share.div_(much)) for share in shares)]
    known = [run, *matrix(level), wp.from_torch(level.b), wp.from_torch(level.x)]
    left = recorded(made.residual, size, known, level.r)
    few = run_of(below, below.cells[2])
    down = (*below.x.shape[:3], below.cells[2] // few)
    lower = recorded(made.restrict, down, [few, *ways, wp.from_torch(level.r)], below.b)
    raised = recorded(made.prolong, size, [run, *ways, wp.from_torch(below.x)], level.x)
    return [left, lower], [raised]


def recorded(kernel: object, size: tuple[int, ...], inputs: list[object], out: Tensor) -> Launch:
    """A launch that needs not look at its arrays again; it keeps them alive."""
    device = wp.device_from_torch(out.device)
    arrays = [*inputs, wp.from_torch(out)]
    command = wp.launch(kernel, tuple(size), arrays, device=device, record_cmd=True)

    def launch(keep: list[object] = arrays) -> None:
        command.launch()

    return launch
