"""Where bodies that move as they are told come in the time of a run, before it begins."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import torch

from scenegrad.engine.state import Params
from scenegrad.scenes.fluids import Obstacle
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.navier_stokes.staggered.obstacles.motion import Motion
from scenegrad.solvers.shared import signals
from scenegrad.solvers.shared.leaves import leaf
from scenegrad.solvers.shared.regions import bounds_of, distance_to

__all__ = ["Passage"]

MOST = 400  # moments that are looked at

Array = np.ndarray


class Passage:
    """A body at moments between which none of its points moves further than half a cell; where that were too many, at
    as many as are looked at. Motions and shapes are known by the numbers that the scene gives."""

    def __init__(self, part: Obstacle, motion: Motion, scene: Scene):
        assert scene.domain.size is not None
        assert scene.domain.cells is not None
        self.shape, self.motion, self.dim = part.shape, motion, scene.dim
        self.low, self.high = bounds_of(part.shape, scene.dim)
        center = torch.stack([one[:1].cpu() for one in motion.center]).numpy()[:, 0]
        reach = float(np.linalg.norm(np.maximum(np.abs(self.low - center), np.abs(self.high - center))))
        cell = min(length / n for length, n in zip(scene.domain.size, scene.domain.cells, strict=True))
        end = scene.time.end if motion.moves else 0.0
        with torch.no_grad():
            names = [*motion.names(), *(() if motion.follows is None else motion.follows[:1])]
            values = Params({name: leaf([scene], name, "cpu", torch.float64).detach() for name in names})
            speed = math.hypot(*(float(signals.peak(values, *one)[0]) for one in motion.parts("velocity")))
            turning = math.hypot(*(float(signals.peak(values, *one)[0]) for one in motion.parts("spin")))
            way = (speed + (turning * reach if turning else 0.0)) * end
            count = 1 + min(math.ceil(2.0 * way / cell) if math.isfinite(way) else MOST, MOST)
            self.times = torch.linspace(0.0, end, count, dtype=torch.float64)
            pose = motion.at(
                Params({name: value.expand(count, *value.shape[1:]) for name, value in values.items()}), self.times
            )
        self.center = center
        self.shift = np.stack([one.expand(count).cpu().numpy() for one in pose.shift]) if pose.shift else None
        self.turn = None if pose.turn is None else pose.turn.expand(count, -1, -1).cpu().numpy()

    def __iter__(self) -> Iterator[tuple[float, int]]:
        return zip(self.times.tolist(), range(len(self.times)), strict=True)

    def place(self, moment: int) -> Array:
        """Of its centre."""
        return self.center if self.shift is None else self.center + self.shift[:, moment]

    def bounds(self, moment: int) -> tuple[Array, Array]:
        """Corners of a box that holds the body, infinite where it has no end."""
        place, ends = self.place(moment), (self.low - self.center, self.high - self.center)
        if self.turn is None:
            return ends[0] + place, ends[1] + place
        if not all(np.isfinite(end).all() for end in ends):
            return np.full(self.dim, -np.inf), np.full(self.dim, np.inf)
        corners = np.array(list(product(*zip(*ends, strict=True)))) @ self.turn[moment].T
        return corners.min(axis=0) + place, corners.max(axis=0) + place

    def distance(self, points: Array, moment: int) -> Array:
        """Of points [point, dim] from the body."""
        away = points - self.place(moment)
        if self.turn is not None:
            away = away @ self.turn[moment]
        return np.asarray(distance_to(self.shape, away + self.center))

    def outside(self, size: Any) -> bool:
        """Whether nothing of it is in the box at any of these times."""
        ends = [self.bounds(moment) for _, moment in self]
        return all(bool(np.any(high <= 0.0) or np.any(low >= size)) for low, high in ends)
