"""What a flow is trained by."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.flows.couplings import Coupling, Independent
from scenegrad.surrogates.flows.energy import EnergyConsistent, Frame
from scenegrad.surrogates.flows.paths import Path
from scenegrad.surrogates.flows.starts import white
from scenegrad.surrogates.flows.teachers import taught
from scenegrad.surrogates.training.losses import Loss

if TYPE_CHECKING:
    from scenegrad.surrogates.flows.stepper import FlowStepper

__all__ = ["OBJECTIVES", "FlowMatching", "Passage", "Reflow", "Score", "between", "passage"]


@dataclass(frozen=True)
class Passage:
    """A batch on its way from x0 to x1: a time s [batch], where it is then, and how fast; [batch, channel, *grid]."""

    x0: Tensor
    x1: Tensor
    s: Tensor
    x: Tensor
    velocity: Tensor
    inputs: Tensor
    constants: Tensor

    def part(self, which: slice) -> Passage:
        return Passage(*(getattr(self, item.name)[which] for item in fields(self)))


def passage(model: FlowStepper, window: Window, coupling: Coupling, random: torch.Generator) -> Passage:
    """Draws a start for each example of the window, and a time at which to look at it."""
    scales, names = model.scales, model.names
    if not coupling.conditional and (names.fields or names.parameters):
        told = ", ".join((*names.fields, *names.parameters))
        raise EngineError(
            f"{type(coupling).__name__}() pairs starts with examples whatever the flow is told, and it is told "
            f"{told}. Take Independent()."
        )
    x1 = scales.write(window.targets[0], window.inputs, window.dt)
    x0 = coupling(model.begin(white(x1.shape, random, x1), window.inputs, window.dt), x1)
    s = torch.rand(len(x1), generator=random).to(x1)
    z = model.kept(white(x1.shape, random, x1), window.dt)
    x, velocity = between(model.flow.path, x0, x1, z, s, model.frame(window.inputs, x1, window.dt))
    return Passage(x0, x1, s, x, velocity, *model.told(window.inputs, window.params, window.dt, x1))


def between(
    path: Path, x0: Tensor, x1: Tensor, z: Tensor, s: Tensor, frame: Frame | None = None
) -> tuple[Tensor, Tensor]:
    """x_s and its slope in s. frame: what x is in physical units, for a path that asks."""
    if isinstance(path, EnergyConsistent):
        return path.between(x0, x1, z, s, frame)
    a, b, g, a_slope, b_slope, g_slope = (value.view(-1, *[1] * (x0.ndim - 1)) for value in path(s))
    return a * x0 + b * x1 + g * z, a_slope * x0 + b_slope * x1 + g_slope * z


@dataclass(frozen=True)
class FlowMatching:
    """Least squares for the velocity: its minimum is v(x, s) = E[dx_s/ds | x_s = x], whose flow carries the
    distribution of starts to that of the data [Lipman et al. 2023, arXiv:2210.02747; Albergo & Vanden-Eijnden 2023]."""

    coupling: Coupling = field(default_factory=Independent)

    @property
    def horizon(self) -> int:
        return 1

    def __call__(self, model: Any, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        at = passage(model, window, self.coupling, random)
        return (model.velocity(at.x, at.s, at.inputs, at.constants) - at.velocity).square().mean()


@dataclass(frozen=True)
class Score:
    """Least squares for the noise, E[x0 | x_s = x], which is the score times -a(s): the same minimum as FlowMatching()
    has, with other weights along the way [Song et al. 2021, arXiv:2011.13456; Ho, Jain & Abbeel 2020]."""

    coupling: Coupling = field(default_factory=Independent)

    @property
    def horizon(self) -> int:
        return 1

    def __call__(self, model: Any, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        at = passage(model, window, self.coupling, random)
        noise = model.field(at.inputs, at.constants).start(at.x, at.s)
        return (noise - at.x0).square().mean()


@dataclass(frozen=True)
class Reflow:
    """Flow matching on pairs that a trained flow made: it straightens the ways, so that fewer steps do, in the end one
    [Liu, Gong & Liu 2023, arXiv:2209.03003].

    teacher: the trained flow, a FlowStepper of the same fields, or the pairs that it made (`remember`). begin: share of
    the batch that is looked at where it starts, s = 0, which is what a single step needs.
    """

    teacher: Any = field(compare=False)
    begin: float = 0.4

    @property
    def horizon(self) -> int:
        return 1

    def __call__(self, model: Any, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        x0, x1, inputs, constants = taught(self.teacher, model, window, random)
        s = torch.rand(len(x0), generator=random).to(x0)
        s = torch.where(torch.rand(len(s), generator=random).to(s) < self.begin, torch.zeros_like(s), s)
        x, velocity = between(model.flow.path, x0, x1, torch.zeros_like(x1), s)
        return (model.velocity(x, s, inputs, constants) - velocity).square().mean()


OBJECTIVES = (FlowMatching, Score)
