"""Power spectra of periodic fields."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["power_spectrum", "ratio_of_spectra", "spectrum_error"]


def power_spectrum(field: Tensor, dim: int) -> Tensor:
    """Power in shells of integer wavenumber |k| = 0, 1, ... [batch, shell]; its sum is the mean square of the field.

    field: [batch, *grid] or [batch, *grid, component], of `dim` axes; components add up.
    """
    grid = field.shape[1 : 1 + dim]
    u_hat = torch.fft.fftn(field, dim=tuple(range(1, 1 + dim)), norm="forward")
    power = u_hat.abs().square().flatten(1 + dim).sum(dim=-1) if field.ndim > 1 + dim else u_hat.abs().square()
    axes = [torch.fft.fftfreq(n, 1.0 / n, device=field.device) for n in grid]
    radius = torch.stack(torch.meshgrid(*axes, indexing="ij")).square().sum(dim=0).sqrt().round().long().flatten()
    shells = torch.zeros(field.shape[0], int(radius.max()) + 1, dtype=power.dtype, device=field.device)
    return shells.index_add_(1, radius, power.flatten(1))[:, : min(grid) // 2 + 1]


def spectrum_error(predicted: Tensor, true: Tensor, dim: int) -> float:
    """Mean |log10(power predicted / power true)| over the shells that hold more than 1e-8 of the true power."""
    return ratio_of_spectra(*(power_spectrum(value, dim).mean(dim=0) for value in (predicted, true)))


def ratio_of_spectra(predicted: Tensor, true: Tensor) -> float:
    """The same of two spectra [shell]."""
    held = true > 1e-8 * true.sum()
    held[0] = False
    return float((predicted[held].clamp(min=1e-30) / true[held]).log10().abs().mean())
