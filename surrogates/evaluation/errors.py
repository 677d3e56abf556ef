"""Errors of fields, one number for each member of a batch."""

from __future__ import annotations

from torch import Tensor

__all__ = ["relative_max", "vrmse"]


def vrmse(predicted: Tensor, true: Tensor, dim: int = 0) -> Tensor:
    """Root mean square error over the standard deviation of the truth in space [batch]: 1 for its mean.

    dim: axes of the grid, all of them unless said; what comes after them are components, each of which varies about a
    mean of its own. [Ohana et al. 2024, The Well, arXiv:2412.00568]
    """
    points = true.shape[1 : 1 + dim].numel() if dim else true[0].numel()
    a, b = (value.reshape(len(true), points, -1) for value in (predicted, true))
    return ((a - b).square().mean(dim=(1, 2)) / (b.var(dim=1, correction=0).mean(dim=1) + 1e-7)).sqrt()


def relative_max(predicted: Tensor, true: Tensor) -> Tensor:
    """The largest error at any point over the largest value of the truth [batch]."""
    return (predicted - true).flatten(1).abs().amax(dim=1) / true.flatten(1).abs().amax(dim=1).clamp(min=1e-30)
