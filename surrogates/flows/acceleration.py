"""Flows of constant acceleration: each way is a parabola in time, and begins with a velocity that the rest is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.flows.couplings import Independent
from scenegrad.surrogates.flows.field import Field
from scenegrad.surrogates.flows.objectives import passage
from scenegrad.surrogates.flows.samplers import evenly
from scenegrad.surrogates.flows.starts import FromPresent
from scenegrad.surrogates.flows.teachers import Taught, taught
from scenegrad.surrogates.training.losses import Loss

__all__ = ["Accelerated", "ConstantAcceleration"]


@dataclass(frozen=True)
class ConstantAcceleration:
    """x_s = x0 + v0 s + a s^2 / 2: one network says v0 at the start, and from there, told v0, the acceleration a
    [Park et al. 2024, Constant acceleration flow, arXiv:2411.00322].

    v0 learns speed (x1 - x0), and a learns 2 (x1 - x0 - v0), with v0 as the network says it: what the one misses is
    left to the other. Told v0, places that two ways share are told apart. That is right where the start decides the
    end. teacher: a trained flow, or the pairs that it made (`remember`), whose ends are so decided; without it the
    pairs are those of the data, which is for starts that are the present state without noise.

    speed: at the beginning, in units of the mean; above one the way slows down. begin: share of the batch that learns
    the acceleration at s = 0, which is what a single step needs.
    """

    teacher: Any = field(default=None, compare=False)
    speed: float = 1.5
    begin: float = 0.4

    def __post_init__(self) -> None:
        if not (self.speed > 0.0 and 0.0 <= self.begin <= 1.0):
            raise EngineError(
                f"ConstantAcceleration got speed={self.speed}, begin={self.begin}; the speed is positive, such as 1.5, "
                f"and begin a share of the batch."
            )

    @property
    def horizon(self) -> int:
        return 1

    def __call__(self, model: Any, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        if not model.flow.accelerates:
            raise EngineError(
                "ConstantAcceleration() teaches a network that is told the velocity of leaving; this one is not. "
                "Build it with Flow(..., objective=ConstantAcceleration())."
            )
        x0, x1, inputs, constants = self.pairs(model, window, random)
        s = torch.rand(len(x0), generator=random).to(x0)
        s = torch.where(torch.rand(len(s), generator=random).to(s) < self.begin, torch.zeros_like(s), s)
        half = (len(x0) + 1) // 2
        first, rest = slice(0, half), slice(half, None)

        def leave(part: slice) -> Tensor:
            return model.velocity(x0[part], torch.zeros_like(s[part]), inputs[part], constants[part])

        leaving = leave(first)
        parts = [(leaving - self.speed * (x1 - x0)[first]).square().flatten(1).mean(1)]
        if half < len(x0):
            with torch.no_grad():
                v0 = leave(rest)
            wanted = 2.0 * ((x1 - x0)[rest] - v0)
            time = s[rest].view(-1, *[1] * (x0.ndim - 1))
            x = x0[rest] + time * v0 + 0.5 * time.square() * wanted
            found = model.acceleration(x, s[rest], v0, inputs[rest], constants[rest])
            parts.append((found - wanted).square().flatten(1).mean(1))
        return torch.cat(parts).mean()

    def pairs(self, model: Any, window: Window, random: torch.Generator) -> Taught:
        if self.teacher is not None:
            return taught(self.teacher, model, window, random)
        start = model.flow.start
        if not (isinstance(start, FromPresent) and start.noise == 0.0):
            raise EngineError(
                f"ConstantAcceleration() needs starts that decide where they lead, and {start} with the data as they "
                f"are does not: every way would end in the mean. Train with target=ConstantAcceleration(teacher) of a "
                f"trained flow, or take start=FromPresent()."
            )
        at = passage(model, window, Independent(), random)
        return Taught(at.x0, at.x1, at.inputs, at.constants)


@dataclass(frozen=True)
class Accelerated:
    """x(r) = x(s) + (r - s) v0 + (r^2 - s^2) / 2 a(x, s, v0): exact for parabolas, so that one step does for them."""

    steps: int = 1

    @property
    def evaluations(self) -> int:
        """Of the network, for one sample: the velocity at the start, and an acceleration a step."""
        return self.steps + 1

    def __call__(self, field: Field, x: Tensor) -> Tensor:
        if field.acceleration is None:
            raise EngineError("Accelerated(...) needs a flow that has learnt to: objective=ConstantAcceleration().")
        leaving = field.velocity(x, torch.zeros(len(x), dtype=x.dtype, device=x.device))
        for begin, end in pairwise(evenly(self.steps)):
            s = torch.full((len(x),), begin, dtype=x.dtype, device=x.device)
            x = x + (end - begin) * leaving + 0.5 * (end**2 - begin**2) * field.acceleration(x, s, leaving)
        return x
