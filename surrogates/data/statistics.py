"""Means and spreads by which a network scales what it reads and gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

__all__ = ["Moments", "Statistics"]


@dataclass(frozen=True)
class Statistics:
    """Of the training part. Channels of the inputs, of the outputs, and the numbers that condition, in their order."""

    input_mean: Tensor
    input_std: Tensor
    output_mean: Tensor
    output_std: Tensor
    output_change: (
        Tensor  # standard deviation of the change over a step; of the values where nothing is carried forward
    )
    parameter_mean: Tensor
    parameter_std: Tensor


class Moments:
    """Mean and standard deviation of each channel, gathered block by block in float64 [Chan, Golub & LeVeque 1979]."""

    def __init__(self, channels: int):
        self.count, self.mean, self.square = 0, np.zeros(channels), np.zeros(channels)

    def add(self, block: np.ndarray) -> None:
        """block: [..., channel]."""
        rows = block.reshape(-1, block.shape[-1]).astype(np.float64)
        n, mean = len(rows), rows.mean(axis=0)
        square = ((rows - mean) ** 2).sum(axis=0)
        total = self.count + n
        self.square += square + (mean - self.mean) ** 2 * self.count * n / total
        self.mean += (mean - self.mean) * n / total
        self.count = total

    def tensors(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation; a channel that never varies gets 1, so that it is only shifted."""
        std = np.sqrt(self.square / max(self.count, 1))
        flat = std <= 1e-12 * np.abs(self.mean)
        return torch.from_numpy(self.mean.copy()), torch.from_numpy(np.where(flat, 1.0, std))
