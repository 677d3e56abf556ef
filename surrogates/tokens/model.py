"""Tokens of fields and what follows them, as a model that is trained and used like any other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.choices import choose, spell
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.operators.convolutions import refuse_indivisible
from scenegrad.surrogates.operators.grids import Bounded, Surroundings, Torus
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.operators.predictions import Next
from scenegrad.surrogates.scales import Scales
from scenegrad.surrogates.tokens.codec import Codec
from scenegrad.surrogates.tokens.speaker import Speaker
from scenegrad.surrogates.training.losses import Loss

__all__ = ["Reconstruction", "TokenModel", "TokenStepper", "WhatFollows"]

OWN = (
    "fields", "grid", "parameters", "components", "widths", "levels", "width", "layers", "heads", "temperature",
    "surroundings",
)  # fmt: skip


class TokenModel(nn.Module):
    """A tokenizer and an autoregressive transformer: the tokens of the next frame are said one by one, given those of
    the present [for video: Yan et al. 2021, arXiv:2104.10157].

    fields, parameters, components: as for operators; fields are outputs. grid: of the data. widths: channels of the
    tokenizer, each level half as fine as the one before. levels: of `FiniteScalars`. width, layers, heads: of the
    transformer. temperature: of draws; 0 says what is most probable.
    """

    kind = "tokens"

    def __init__(
        self,
        fields: Sequence[str],
        grid: Sequence[int],
        parameters: Sequence[str] = (),
        *,
        components: Mapping[str, int] | None = None,
        widths: Sequence[int] = (32, 64, 64),
        levels: Sequence[int] = (8, 5, 5, 5),
        width: int = 96,
        layers: int = 3,
        heads: int = 4,
        temperature: float = 1.0,
        surroundings: Surroundings | None = None,
    ):
        super().__init__()
        self.names = Names(tuple(fields), tuple(fields), tuple(parameters), dict(components or {}))
        self.grid, self.widths, self.levels = tuple(grid), tuple(widths), tuple(levels)
        self.width, self.layers, self.heads, self.temperature = width, layers, heads, temperature
        self.surroundings = surroundings or Torus()
        if not temperature >= 0.0:
            raise EngineError(f"TokenModel got temperature={temperature}; it is 0 or more.")
        refuse_indivisible(self.grid, self.factor, type(self).__name__)
        channels, dim = self.names.width(self.names.outputs), len(self.grid)
        self.codec = Codec(channels, dim, self.widths, self.levels, self.surroundings)
        self.speaker = Speaker(
            self.codec.quantiser.tokens, math.prod(self.coarse), len(self.levels), len(parameters) + 1, width, layers,
            heads,
        )  # fmt: skip

    @property
    def factor(self) -> int:
        return 2 ** (len(self.widths) - 1)

    @property
    def coarse(self) -> tuple[int, ...]:
        """Grid of the tokens."""
        return tuple(n // self.factor for n in self.grid)

    def logits(self, present: Tensor, following: Tensor, constants: Tensor) -> Tensor:
        """Of each token of `following` [batch, token], given those before it and all of `present`."""
        numbers = self.codec.quantiser.values
        return self.speaker(numbers(present), numbers(following[:, :-1]), constants)

    def drawn(self, present: Tensor, constants: Tensor) -> Tensor:
        """What follows [batch, token], by torch's own generator."""
        numbers = self.codec.quantiser.values
        said = present[:, :0]
        for _ in range(present.shape[1]):
            logits = self.speaker(numbers(present), numbers(said), constants)[:, -1]
            if self.temperature:
                share = (logits / self.temperature).softmax(dim=1)
                word = torch.multinomial(share, 1)
            else:
                word = logits.argmax(dim=1, keepdim=True)
            said = torch.cat([said, word], dim=1)
        return said

    def dressed(self, statistics: Statistics | None, dt: float, grid: tuple[int, ...]) -> TokenStepper:
        if tuple(grid) != self.grid:
            raise EngineError(f"This model has words for a grid {self.grid}, and the data are on {tuple(grid)}.")
        return TokenStepper(self, statistics, dt)

    def config(self) -> dict[str, Any]:
        names = self.names
        told = {"fields": names.fields, "parameters": names.parameters, "components": dict(names.components)}
        own = {name: getattr(self, name) for name in OWN if name not in told}
        return {"kind": self.kind, **{name: spell(value) for name, value in (told | own).items()}}

    @classmethod
    def build(cls, config: Mapping[str, Any]) -> TokenModel:
        table = {name: value for name, value in config.items() if name != "kind"}
        if strangers := [name for name in table if name not in OWN]:
            raise EngineError(f"A model of tokens got {', '.join(strangers)}; it takes {', '.join(OWN)}.")
        if isinstance(table.get("surroundings"), str | Mapping):
            table["surroundings"] = choose(table["surroundings"], (Torus, Bounded), "surroundings")
        return cls(**table)


@dataclass(frozen=True)
class Reconstruction:
    """Mean square of what the tokenizer loses, in units of the spread of each channel, before and after the step."""

    @property
    def horizon(self) -> int:
        return 1

    def __call__(self, model: Any, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        u = torch.cat([model.raw(window.inputs), model.raw(window.targets[0])])
        return (model.network.codec.decode(model.network.codec.encode(u)[0]) - u).square().mean()


@dataclass(frozen=True)
class WhatFollows:
    """-ln p(next tokens | present ones), the mean over tokens, of a tokenizer that stays as it is; `tokenizer` of
    Reconstruction() on top, so that both learn at once. Train by Reconstruction() first: words must mean something."""

    tokenizer: float = 0.0

    @property
    def horizon(self) -> int:
        return 1

    def __call__(self, model: Any, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        with torch.no_grad():
            present, following = (model.tokens(state) for state in (window.inputs, window.targets[0]))
        constants = model.scales.constants(window.params, window.dt)
        logits = model.network.logits(present, following, constants)
        missed = functional.cross_entropy(logits.flatten(0, 1), following.flatten())
        return missed + self.tokenizer * Reconstruction()(model, window, loss, random) if self.tokenizer else missed


class TokenStepper(nn.Module):
    """A model of tokens with the scales of its data: fields in physical units to a draw of what they become."""

    objective = WhatFollows(tokenizer=1.0)

    def __init__(self, network: TokenModel, statistics: Statistics | None, dt: float):
        super().__init__()
        self.network, self.names, self.dt, self.grid = network, network.names, dt, network.grid
        self.scales = Scales(network.names, Next(), dt, statistics)

    def forward(
        self,
        state: Mapping[str, Tensor],
        params: Mapping[str, Tensor],
        dt: Tensor,
        geometry: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """One draw of the outputs, by torch's own generator."""
        state = {**(geometry or {}), **state}
        present = self.tokens(state)
        constants = self.scales.constants(params, dt.to(self.scales.output_mean))
        return self.fields(self.network.drawn(present, constants), state)

    def raw(self, state: Mapping[str, Tensor]) -> Tensor:
        return self.scales.write({name: state[name] for name in self.names.outputs}, state)

    def tokens(self, state: Mapping[str, Tensor]) -> Tensor:
        """The words for fields in physical units [batch, token]."""
        return self.network.codec.encode(self.raw(state))[1]

    def fields(self, tokens: Tensor, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Undoes `tokens` as well as the tokenizer can."""
        return self.scales.read(self.network.codec.read(tokens, self.network.coarse), state)

    def config(self) -> dict[str, Any]:
        return {"network": self.network.config(), "dt": self.dt, "grid": list(self.grid)}
