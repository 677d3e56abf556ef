"""A trained network wherever it is needed."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from scenegrad.surrogates.model import Dressed

__all__ = ["Copies", "frozen"]


class Copies:
    """Frozen copies of a network: on each device, and in each precision, in which it is asked for. The network itself
    stays as it is, and where it is."""

    def __init__(self, model: Dressed):
        self.first = frozen(model)
        self.made: dict[tuple[torch.device, torch.dtype], Dressed] = {}

    def like(self, value: Tensor) -> Dressed:
        """On the device and in the precision of a tensor."""
        key = (value.device, value.dtype)
        if key not in self.made:
            self.made[key] = copy.deepcopy(self.first).to(value.device, value.dtype)
        return self.made[key]


def frozen(model: Dressed) -> Dressed:
    """A copy whose weights ask for no gradient: the state and the parameters do."""
    made = copy.deepcopy(model).eval()
    for weight in made.parameters():
        weight.requires_grad_(False)
    return made
