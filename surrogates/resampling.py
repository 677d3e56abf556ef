"""Fields from grid to grid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["fourier_resample"]


def fourier_resample(field: Tensor, grid: Sequence[int]) -> Tensor:
    """A periodic field, its last axes those of the grid, on another one: its Fourier series, cut off or continued by
    zeros.

    The highest wave of an even grid has no partner, and no definite phase: it is left out.
    """
    for axis, n in enumerate(grid, start=field.ndim - len(grid)):
        have = field.shape[axis]
        if n != have:
            low = (min(n, have) - 1) // 2
            u_hat = torch.fft.rfft(field, dim=axis, norm="forward").narrow(axis, 0, low + 1)
            field = torch.fft.irfft(u_hat, n=n, dim=axis, norm="forward")
    return field
