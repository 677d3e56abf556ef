"""A column of water collapses: the experiment of Martin & Moyce."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from torch import Tensor

from scenegrad import assets
from scenegrad.scenes.library import solids
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.verification.case import Case, Finding, Setting, at_least, at_most
from scenegrad.verification.mpm.marching import started, watch

__all__ = ["CASES"]

TABLES = Path(assets.__file__).parent / "reference" / "mpm"
WIDTH, GRAVITY = 0.05715, 9.81  # of the column in the experiment [m], [m/s^2]
LAST = 2.55  # T = t sqrt(2 g / a) up to which the front is compared
LONE = 0.005  # share of the water that may run ahead of the front in single drops


def published(name: str) -> tuple[np.ndarray, np.ndarray]:
    table = np.loadtxt(TABLES / name, delimiter=",", skiprows=2)
    early = table[:, 0] <= LAST
    return table[early, 0], table[early, 1]


def collapse(cells: int, setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    """Front over the width at the times T of the table, and height at the wall over 2 widths at its times S."""
    scale = (WIDTH / (2 * GRAVITY)) ** 0.5
    end = LAST * 2**0.5 * scale  # S is the longer one of the two units of time
    scene = solids.dam_break(cells=cells, width=WIDTH, end=end).replace({"time.cfl": 0.8})
    solver, state, params = started(scene, setting)
    dx = 8 * WIDTH / cells

    def front(now: ParticleState) -> Tensor:
        return now.position[..., 0].quantile(1 - LONE, dim=1)

    def height(now: ParticleState) -> Tensor:
        x, y = now.position.unbind(-1)
        return y.where(x < 2 * dx, 0.0).amax(1)

    _, times, seen = watch(solver, state, params, end, 0.02 * scale, front=front, height=height)
    t = times.numpy() / scale
    T, S = published("martin_moyce_front.csv")[0], published("martin_moyce_height.csv")[0]
    return np.interp(T, t, seen["front"].numpy() / WIDTH), np.interp(
        S, t / 2**0.5, seen["height"].numpy() / (2 * WIDTH)
    )


def dam_break(setting: Setting) -> Iterator[Finding]:
    """The front, and that it comes to rest on one curve as dx falls; numerical fronts run a little ahead."""
    _, Z = published("martin_moyce_front.csv")
    _, H = published("martin_moyce_height.csv")
    fronts = {}
    for cells in (64, 128, 256):
        fronts[cells], height = collapse(cells, setting)
        yield at_most(f"front, largest relative error, {cells} cells", float(np.abs(fronts[cells] / Z - 1).max()), 0.1)
        if cells == 256:
            yield at_most("height at the wall, largest error over 2 a", float(np.abs(height - H).max()), 0.1)
    steps = [np.abs(fronts[fine] - fronts[coarse]).max() for coarse, fine in ((64, 128), (128, 256))]
    yield at_least("change of the front when dx is halved, over the next such change", 1.5, float(steps[0] / steps[1]))


CASES = (
    Case(
        "dam_break",
        "mpm",
        "front and height of a column 2 a high",
        "Martin & Moyce 1952, Phil. Trans. R. Soc. A 244, 312",
        dam_break,
    ),
)
