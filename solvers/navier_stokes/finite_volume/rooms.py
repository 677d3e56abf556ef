"""Tensors by name, for what passes hand to each other."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["Rooms"]


class Rooms:
    """Made when first asked for, each [batch, *shape]."""

    def __init__(self, batch: int, dtype: torch.dtype, device: torch.device):
        self.batch, self.dtype, self.device = batch, dtype, device
        self.made: dict[str, Tensor] = {}

    def __call__(self, name: str, *shape: int) -> Tensor:
        """Of zeros at first."""
        if name not in self.made:
            self.made[name] = torch.zeros((self.batch, *shape), dtype=self.dtype, device=self.device)
        return self.made[name]

    def empty(self, name: str, *shape: int) -> Tensor:
        """For what is written everywhere before it is read."""
        if name not in self.made:
            self.made[name] = torch.empty((self.batch, *shape), dtype=self.dtype, device=self.device)
        return self.made[name]
