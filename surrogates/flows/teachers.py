"""Pairs of a start and an end that belong together because a trained flow leads from one to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.samples import Samples, Window
from scenegrad.surrogates.flows.starts import white

if TYPE_CHECKING:
    from scenegrad.surrogates.flows.stepper import FlowStepper

__all__ = ["Remembered", "Taught", "remember", "taught"]


class Taught(NamedTuple):
    """A batch of pairs [batch, channel, *grid], with what the flow is told beside them."""

    x0: Tensor
    x1: Tensor
    inputs: Tensor
    constants: Tensor


@dataclass(frozen=True)
class Remembered:
    """Pairs that were made beforehand, in place of the flow that made them: each is used many times, and costs once."""

    pairs: Taught

    def drawn(self, count: int, random: torch.Generator, like: Tensor) -> Taught:
        picks = torch.randint(len(self.pairs.x0), (count,), generator=random)
        return Taught(*(values[picks].to(like) for values in self.pairs))


@torch.no_grad()
def remember(
    teacher: FlowStepper, samples: Samples, count: int, *, batch: int = 64, random: torch.Generator | None = None
) -> Remembered:
    """`count` pairs of a trained flow on the training part, which is gone through in order as often as that takes."""
    drawn, there = random or torch.Generator().manual_seed(0), samples.count("train")
    parts: list[Taught] = []
    for first in range(0, count, batch):
        picks = [number % there for number in range(first, min(first + batch, count))]
        like = teacher.scales.output_mean
        parts.append(ask(teacher, teacher, samples.window("train", picks).to(str(like.device)), drawn))
    return Remembered(Taught(*(torch.cat(values) for values in zip(*parts, strict=True))))


@torch.no_grad()
def taught(teacher: FlowStepper | Remembered, model: FlowStepper, window: Window, random: torch.Generator) -> Taught:
    """As many pairs as the window has examples."""
    if isinstance(teacher, Remembered):
        return teacher.drawn(len(window.dt), random, model.scales.output_mean)
    return ask(teacher, model, window, random)


def ask(teacher: FlowStepper, model: FlowStepper, window: Window, random: torch.Generator) -> Taught:
    refuse_unlike(teacher, model)
    like = model.scales.write(window.targets[0], window.inputs, window.dt)
    x0 = model.begin(white(like.shape, random, like), window.inputs, window.dt)
    told = teacher.told(window.inputs, window.params, window.dt, x0)
    return Taught(x0, teacher.flow.sampler(teacher.field(*told), x0), *told)


def refuse_unlike(teacher: FlowStepper, model: FlowStepper) -> None:
    """Pairs are of order one: they mean the same to both flows where these begin and are scaled alike."""
    ours, theirs = model.flow, teacher.flow
    for what, mine, other in (("start", ours.start, theirs.start), ("predicts", ours.predicts, theirs.predicts)):
        if mine != other:
            raise EngineError(
                f"The teacher has {what}={other}, and the flow that it teaches {what}={mine}. Build both alike."
            )
    scales = zip(model.scales.buffers(), teacher.scales.buffers(), strict=True)
    if not all(torch.equal(mine.cpu(), other.cpu()) for mine, other in scales):
        raise EngineError(
            "The teacher was trained with other scales than the flow that it teaches. Train both on the same part."
        )
