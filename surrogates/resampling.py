"""Fields from grid to grid."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from scenegrad.surrogates.precision import in_full_precision

__all__ = ["cell_resample", "cosine_resample", "fourier_resample"]


@in_full_precision
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


@in_full_precision
def cosine_resample(field: Tensor, grid: Sequence[int]) -> Tensor:
    """A field within walls, given in the middles of cells, on another grid: its cosine series, cut off or continued by
    zeros.

    u_i = sum over k < n of c_k cos(pi k (i + 1/2) / n), which is the Fourier series of the field and its mirror image.
    """
    for axis, n in enumerate(grid, start=field.ndim - len(grid)):
        have = field.shape[axis]
        if n != have:
            mirrored = torch.cat([field, field.flip(axis)], dim=axis)
            u_hat = torch.fft.rfft(mirrored, dim=axis, norm="forward").narrow(axis, 0, min(n, have))
            k = torch.arange(min(n, have), device=field.device, dtype=field.dtype)
            angle = 0.5 * math.pi * k * (1.0 / n - 1.0 / have)  # the middle of the first cell moves
            turn = torch.polar(torch.ones_like(angle), angle)
            turned = u_hat * turn.view([-1 if a == axis else 1 for a in range(field.ndim)])
            field = torch.fft.irfft(turned, n=2 * n, dim=axis, norm="forward").narrow(axis, 0, n)
    return field


def cell_resample(field: Tensor, grid: Sequence[int]) -> Tensor:
    """Means over cells [batch, *cells] on another grid: the means over larger cells, by which sums are kept, or what
    lies on straight lines between the middles of the cells. Nothing overshoots, as waves do at shocks."""
    coarser = any(n < have for n, have in zip(grid, field.shape[1:], strict=True))
    straight = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(grid)]
    return interpolate(field.unsqueeze(1), tuple(grid), mode="area" if coarser else straight).squeeze(1)
