"""Sand of Drucker and Prager in plane strain, its cone matched to Mohr and Coulomb: columns and heaps.

It shears without dilation, so that a flank that flows is held by no more than tan = sin(phi) once the flow has turned
the stress [Davis 1968]: a heap that has slid comes to rest between atan(sin phi) and phi, one that was built stands up
to phi; up to 25 degrees these are about two degrees apart. Dilation would change little of that: with a dilatancy angle
of phi that ends where 5 % of volume are gained, slid heaps were found steeper by 0.1 degrees at 30 and 1.3 at 35.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import atan, degrees, radians, sin, sqrt

import numpy as np
import torch
from torch import Tensor

from scenegrad.scenes.library import granular
from scenegrad.scenes.scene import Scene
from scenegrad.verification.case import Case, Finding, Setting, absolute, at_least
from scenegrad.verification.mpm.marching import Braked, started, watch

__all__ = ["CASES"]

FLAT, TALL = (0.5, 0.8, 1.2, 1.8), (3.5, 5.0, 7.0, 10.0)  # height over width, either side of 2.3
WIDTH = 0.1  # of the half column [m]


def run_out(ratio: float, cells: int, setting: Setting) -> float:
    """How far the foot of the column has come, over the first width; the foot ends where a cell is no longer full."""
    scene = granular.sand_column(ratio, WIDTH, cells=cells).replace({"time.cfl": 0.8})
    solver, state, params = started(scene, setting)
    end, dx = scene.time.end, WIDTH / cells
    after, _, _ = watch(solver, state, params, end, end, place=lambda now: now.position)
    columns = torch.bincount((after.position[0, :, 0].clamp(min=0.0) / dx).long())
    foot = float(torch.nonzero(columns >= 4)[-1] + 1) * dx
    return foot / WIDTH - 1


def exponent(ratios: tuple[float, ...], found: list[float]) -> float:
    return float(np.polyfit(np.log(ratios), np.log(found), 1)[0])


def column_collapse(setting: Setting) -> Iterator[Finding]:
    """A flat column scales with its height, which has 40 cells; a tall one's deposit with its width, which has 20."""
    flat = [run_out(ratio, round(40 / ratio), setting) for ratio in FLAT]
    yield absolute(f"exponent of the run-out, ratios {FLAT[0]} to {FLAT[-1]}", 1.0, exponent(FLAT, flat), 0.1)
    tall = [run_out(ratio, 20, setting) for ratio in TALL]
    yield absolute(f"exponent of the run-out, ratios {TALL[0]} to {TALL[-1]}", 2 / 3, exponent(TALL, tall), 0.1)


def flank(position: Tensor, dx: float) -> float:
    """Slope of the surface between a fifth and four fifths of the height [degree]; position [particle, 2]."""
    x, y = position.unbind(-1)
    column = (x.clamp(min=0.0) / dx).long()
    top = torch.zeros(int(column.max()) + 1, dtype=y.dtype).scatter_reduce(0, column, y, "amax")
    middle = (torch.arange(len(top)) + 0.5) * dx
    side = (top > 0.2 * top.max()) & (top < 0.8 * top.max())
    return degrees(atan(-float(np.polyfit(middle[side].numpy(), top[side].numpy(), 1)[0])))


def left_alone(scene: Scene, brake: float, falls: float, setting: Setting) -> tuple[float, float, float]:
    """Slope at first and at last [degree], and how much of its height the heap has lost.

    brake: in units of sqrt(g / H), so that it slides without swing; falls: how long, in units of sqrt(H / g)."""
    solver, state, params = started(scene.replace({"time.cfl": 0.8}), setting)
    height = float(state.position[..., 1].max())
    fall = sqrt(height / 9.81)
    dx = solver.grid.dx
    until = falls * fall
    _, _, seen = watch(Braked(solver, brake / fall), state, params, until, until, place=lambda now: now.position)
    first, last = seen["place"][0], seen["place"][-1]
    return flank(first, dx), flank(last, dx), 1 - float(last[:, 1].max() / first[:, 1].max())


def built_heap(setting: Setting) -> Iterator[Finding]:
    """The steepest slope that stands is within two degrees of phi: two degrees flatter a heap keeps its slope, two
    degrees steeper it comes down."""
    for phi in (20.0, 25.0, 30.0, 35.0):
        before, after, _ = left_alone(granular.sand_heap(phi - 2, friction_angle=phi, cells=32), 5.0, 12.0, setting)
        yield absolute(f"slope of a heap built 2 degrees below {phi:g}, left alone", before, after, 0.5, "degree")
        _, _, lost = left_alone(granular.sand_heap(phi + 2, friction_angle=phi, cells=32), 5.0, 12.0, setting)
        yield at_least(f"height that a heap loses, built 2 degrees above {phi:g}", 0.05, lost)


def slid_heap(setting: Setting) -> Iterator[Finding]:
    """A heap built six degrees too steep slides until it rests, near the slope that holds flow without dilation."""
    for phi in (20.0, 25.0, 30.0, 35.0):
        _, after, _ = left_alone(granular.sand_heap(phi + 6, friction_angle=phi, cells=32), 4.0, 60.0, setting)
        held = degrees(atan(sin(radians(phi))))
        yield absolute(f"slope of a heap that has slid, atan(sin {phi:g})", held, after, 2.0, "degree")
        if phi <= 25.0:
            yield absolute(f"the same against the angle of friction {phi:g}", phi, after, 2.0, "degree")


CASES = (
    Case("column_collapse", "mpm", "run-out ~ a below 2.3, ~ a^(2/3) above", "Lube et al. 2005; Lajeunesse et al. 2005",
         column_collapse, quick=False),
    Case("built_heap", "mpm", "stands up to the angle of friction", "Coulomb 1776; slope stability", built_heap,
         quick=False),
    Case("slid_heap", "mpm", "rests between atan(sin phi) and phi", "Davis 1968, Theories of plasticity", slid_heap,
         quick=False),
)  # fmt: skip
