"""Slopes of distances at edges: those that differences to both sides would find.

The distance from a box has two slopes upon the planes that part its sides. Boxes of round sizes at round places have
samples there, but for rounding, which must not choose between the two.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["largest", "snapped"]


def rounding(of: Tensor, scale: float) -> float:
    """Of numbers that were made of others as large as `scale`."""
    return 16.0 * torch.finfo(of.dtype).eps * scale


def snapped(values: Tensor, scale: float) -> Tensor:
    """0, with the slope that they have, where they are 0 but for rounding."""
    return torch.where(values.detach().abs() <= rounding(values, scale), values - values.detach(), values)


def largest(values: Tensor, scale: float) -> Tensor:
    """Over the last axis; with the mean of the slopes of all that are the largest but for rounding."""
    level = (values >= values.amax(-1, keepdim=True) - rounding(values, scale)).to(values.dtype)
    return (level / level.sum(-1, keepdim=True) * values).sum(-1)
