"""Means and spreads by which a network scales what it reads and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

__all__ = ["Moments", "Statistics", "growth"]


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
    output_growth: Tensor | None = None  # p of change ~ dt^p over steps of several lengths; one where it is not known
    step_range: Tensor | None = None  # the shortest and the longest step, in units of the step; one and one
    output_turn: Tensor | None = None  # root mean square of the change of the change over a step; one where not known


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

    def size(self) -> Tensor:
        """Root mean square; a channel that is always zero gets 1."""
        size = np.sqrt(self.mean**2 + self.square / max(self.count, 1))
        return torch.from_numpy(np.where(size == 0.0, 1.0, size))


def growth(changes: Mapping[float, Tensor]) -> Tensor:
    """p of change = change_1 l^p for each channel, by least squares of logarithms; change_1 is that of l = 1.

    changes: by l, the length of a step in units of the shortest, the standard deviations [channel] of the change over
    it. Fields that are smooth in time give 1, paths of noise 1/2, and what has forgotten where it was 0.
    """
    longer = [length for length in changes if length != 1.0]
    if not longer:
        return torch.ones_like(changes[1.0])
    far = torch.tensor(longer, dtype=torch.float64).log()[:, None]
    rise = torch.stack([(changes[length] / changes[1.0]).log() for length in longer])
    return (far * rise).sum(dim=0) / far.square().sum()
