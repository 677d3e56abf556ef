"""PDE-Refiner: a step of a network, and refinements of it that see ever smaller scales."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.constraints import held
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.flows.starts import white
from scenegrad.surrogates.operators.known import build_operator
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.operators.operator import Operator
from scenegrad.surrogates.scales import Scales
from scenegrad.surrogates.training.losses import Loss

__all__ = ["Refiner", "RefinerStepper", "Refining"]

ESTIMATE = "estimate"


@dataclass(frozen=True)
class Refining:
    """Least squares at one k of 0 ... K for each example: for k = 0 of what comes next, else of the noise on it."""

    @property
    def horizon(self) -> int:
        return 1

    def __call__(self, model: Any, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        true = model.scales.write(window.targets[0], window.inputs, window.dt)
        k = torch.randint(model.refiner.steps + 1, (len(true),), generator=random).to(true.device)
        noise = white(true.shape, random, true)
        first = (k == 0).view(-1, *[1] * (true.ndim - 1))
        level = model.refiner.levels.to(true)[k].view_as(first)
        estimate = torch.where(first, torch.zeros_like(true), true + level * noise)
        found = model.look(estimate, k, *model.told(window.inputs, window.params, window.dt))
        return (found - torch.where(first, true, noise)).square().mean()


class Refiner(nn.Module):
    """[Lippe, Veeling, Perdikaris, Turner & Brandstetter 2023, arXiv:2308.05732, section 3.]

    The first look, k = 0, is that of any stepper. Then, for k = 1 ... K, noise of the size level^(k/K) is added to what
    was found, the network says which noise it was, and that is taken away again: with it goes what is wrong at scales
    whose amplitude is below the noise, and each k is about smaller ones. A stepper learns the large scales alone, since
    they make up its loss.

    operator: says what is spoken of and how the network is built; it is made anew with the channels of the estimate
    before the fields, and which k it is among the constants. steps: K. level: of the last noise, in units of the raw
    outputs, as `Change()` or `Next()` scales them; of the size of the errors that shall be mended.
    """

    kind = "refiner"

    def __init__(self, operator: Operator, *, steps: int = 3, level: float = 1e-2):
        super().__init__()
        if steps < 1 or not 0.0 < level < 1.0:
            raise EngineError(
                f"Refiner got steps={steps}, level={level}; it takes a positive number of steps, and a level between 0 "
                f"and 1, such as 0.01."
            )
        self.said, self.names, self.predicts = operator.config(), operator.names, operator.predicts
        self.constraints, self.steps, self.level = operator.constraints, steps, level
        self.network = build_operator(self.said | looking(operator.names, steps))

    @property
    def levels(self) -> Tensor:
        """Sizes of the noise for k = 0 ... K, where the first look has none [K + 1]."""
        k = torch.arange(self.steps + 1, dtype=torch.float64)
        return torch.where(k == 0, 0.0, self.level ** (k / self.steps))

    def dressed(self, statistics: Statistics | None, dt: float, grid: tuple[int, ...]) -> RefinerStepper:
        return RefinerStepper(self, statistics, dt, grid)

    def config(self) -> dict[str, Any]:
        return {"kind": self.kind, "operator": self.said, "steps": self.steps, "level": self.level}

    @classmethod
    def build(cls, config: Mapping[str, Any]) -> Refiner:
        """From plain data, as in a recipe; what is left out takes its default."""
        table = {name: value for name, value in config.items() if name != "kind"}
        if strangers := [name for name in table if name not in ("operator", "steps", "level")]:
            raise EngineError(f"A refiner got {', '.join(strangers)}; it takes operator, steps, level.")
        if not isinstance(table.get("operator"), Mapping):
            raise EngineError("A refiner needs a table [model.operator] with the kind and the sizes of its network.")
        return cls(build_operator(table.pop("operator")), **table)


class RefinerStepper(nn.Module):
    """A refiner with the scales of its data: fields in physical units to a draw of what they become after dt [time]."""

    objective = Refining()

    def __init__(self, refiner: Refiner, statistics: Statistics | None, dt: float, grid: tuple[int, ...]):
        super().__init__()
        self.refiner, self.names, self.dt, self.grid = refiner, refiner.names, dt, tuple(grid)
        self.scales = Scales(refiner.names, refiner.predicts, dt, statistics)

    def forward(
        self,
        state: Mapping[str, Tensor],
        params: Mapping[str, Tensor],
        dt: Tensor,
        geometry: Mapping[str, Tensor] | None = None,
        noise: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """The outputs. noise: white [batch, K, channel, *grid], which decides all; torch's own generator draws it
        otherwise."""
        state = {**(geometry or {}), **state}
        inputs, constants = self.told(state, params, dt)
        shape = (len(dt), len(self.scales.output_mean), *inputs.shape[2:])
        if noise is None:
            noise = torch.randn(shape[0], self.refiner.steps, *shape[1:], dtype=inputs.dtype).to(inputs.device)
        x = self.look(inputs.new_zeros(shape), 0, inputs, constants)
        for k, (level, drawn) in enumerate(zip(self.refiner.levels[1:].tolist(), noise.unbind(1), strict=True), 1):
            noisy = x + level * drawn
            x = noisy - level * self.look(noisy, k, inputs, constants)
        return held(self.refiner.constraints, self.scales.read(x, state, dt), state)

    def told(self, state: Mapping[str, Tensor], params: Mapping[str, Tensor], dt: Tensor) -> tuple[Tensor, Tensor]:
        """The inputs [batch, channel, *grid] and constants [batch, constant], of order one."""
        inputs = self.scales.encode(state)
        return inputs, self.scales.constants(params, dt.to(inputs))

    def look(self, estimate: Tensor, k: Tensor | int, inputs: Tensor, constants: Tensor) -> Tensor:
        """What the network says of an estimate: for k = 0 what comes next, otherwise the noise on it."""
        which = torch.zeros(len(inputs), self.refiner.steps + 1, dtype=inputs.dtype, device=inputs.device)
        which[torch.arange(len(inputs)), k] = 1.0
        return self.refiner.network(torch.cat([estimate, inputs], dim=1), torch.cat([which, constants], dim=1))

    def config(self) -> dict[str, Any]:
        return {"network": self.refiner.config(), "dt": self.dt, "grid": list(self.grid)}


def looking(names: Names, steps: int) -> dict[str, Any]:
    """What the network is told in place of what the refiner is told."""
    sizes = {name.partition("[")[0]: names.size(name) for name in names.inputs if names.is_vector(name)}
    return {
        "fields": [ESTIMATE, *names.inputs],
        "components": sizes | {ESTIMATE: names.width(names.outputs)},
        "outputs": [ESTIMATE],
        "parameters": [*(f"look {k}" for k in range(steps + 1)), *names.parameters],
        "history": 1,
        "predicts": "next",
        "constraints": [],
    }
