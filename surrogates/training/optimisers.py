"""By which rule the weights follow the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

__all__ = ["OPTIMISERS", "SGD", "Adam", "AdamW", "Optimiser"]


class Optimiser(Protocol):
    def over(self, weights: Sequence[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer: ...


@dataclass(frozen=True)
class AdamW:
    """[Loshchilov & Hutter 2019, arXiv:1711.05101]. weight_decay: part of a weight lost in a step of rate 1."""

    weight_decay: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.999)

    def over(self, weights: Sequence[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
        return torch.optim.AdamW(
            weights, lr=learning_rate, weight_decay=self.weight_decay, betas=self.betas, fused=True
        )


@dataclass(frozen=True)
class Adam:
    """[Kingma & Ba 2015, arXiv:1412.6980]. weight_decay: of a term |weights|^2 / 2 of the loss."""

    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)

    def over(self, weights: Sequence[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
        return torch.optim.Adam(weights, lr=learning_rate, weight_decay=self.weight_decay, betas=self.betas, fused=True)


@dataclass(frozen=True)
class SGD:
    """Plain descent with momentum, which looks ahead [Nesterov 1983] where there is any."""

    momentum: float = 0.9
    weight_decay: float = 0.0

    def over(self, weights: Sequence[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
        ahead = self.momentum > 0.0
        return torch.optim.SGD(
            weights, lr=learning_rate, momentum=self.momentum, weight_decay=self.weight_decay, nesterov=ahead
        )


OPTIMISERS = (AdamW, Adam, SGD)
