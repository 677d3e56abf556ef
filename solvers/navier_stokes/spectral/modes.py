"""The Fourier modes of a periodic box: transforms, wavenumbers, and which modes a quadratic product keeps exact."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.fields.waves import highest_mode

__all__ = ["Modes", "highest_mode"]


@dataclass(frozen=True)
class Modes:
    """Modes exp(i k.x) of the box [0, Lx] x [0, Ly] with |n_x| <= K_x and 0 <= n_y <= K_y; the others with n_y < 0 are
    conjugates of these.

    A spectrum is a complex tensor [..., K_y + 1, nx]: all waves along x, those above K_x zero, but of the waves along y
    only those that are carried, so that transforms along x and all pointwise work are a third shorter. The last axis is
    the one that the second transform runs along, and so the contiguous one.
    """

    cells: tuple[int, int]
    size: tuple[float, float]  # [length]
    device: str
    dtype: torch.dtype

    @property
    def highest(self) -> tuple[int, int]:
        return highest_mode(self.cells[0]), highest_mode(self.cells[1])

    @property
    def rows(self) -> int:
        return self.highest[1] + 1

    @property
    def complex_dtype(self) -> torch.dtype:
        return torch.complex64 if self.dtype == torch.float32 else torch.complex128

    @property
    def spacing(self) -> tuple[float, float]:
        return self.size[0] / self.cells[0], self.size[1] / self.cells[1]

    @property
    def area(self) -> float:
        return self.size[0] * self.size[1]

    def forward(self, field: Tensor) -> Tensor:
        """Sum over the samples of field * exp(-i k.x), of all waves along x: [..., nx, ny] -> [..., K_y + 1, nx]."""
        return torch.fft.fft(torch.fft.rfft(field)[..., : self.rows].transpose(-2, -1))

    def spectrum(self, field: Tensor) -> Tensor:
        """Like forward, but only of the modes that are carried; the others are zero."""
        found = self.forward(field)
        found[..., self.highest[0] + 1 : self.cells[0] - self.highest[0]] = 0.0
        return found

    def inverse(self, spectrum: Tensor) -> Tensor:
        """The samples of a field: [..., K_y + 1, nx] -> [..., nx, ny]."""
        return torch.fft.irfft(torch.fft.ifft(spectrum).transpose(-2, -1), n=self.cells[1])

    # ---- tables, computed in float64; those used in steps are cast to the precision of the solver

    def table(self, values: Tensor) -> Tensor:
        return values.to(self.device, self.complex_dtype if values.is_complex() else self.dtype)

    @cached_property
    def wavenumbers(self) -> tuple[Tensor, Tensor]:
        """k_x [1, nx] and k_y [K_y + 1, 1] in float64 on the host [1/length]."""
        n_x = torch.fft.fftfreq(self.cells[0], 1.0 / self.cells[0], dtype=torch.float64)
        n_y = torch.arange(self.rows, dtype=torch.float64)
        return n_x[None, :] * (2 * math.pi / self.size[0]), n_y[:, None] * (2 * math.pi / self.size[1])

    @cached_property
    def kept(self) -> Tensor:
        """True for the modes that are carried [K_y + 1, nx]."""
        n_x = torch.fft.fftfreq(self.cells[0], 1.0 / self.cells[0], dtype=torch.float64).round().abs()
        return (n_x <= self.highest[0]).expand(self.rows, -1)

    @cached_property
    def k_squared(self) -> Tensor:
        """|k|^2 in float64 on the device [K_y + 1, nx]."""
        k_x, k_y = self.wavenumbers
        return (k_x**2 + k_y**2).to(self.device)

    @cached_property
    def mirrored(self) -> Tensor:
        """For each column the one of 0 ... nx // 2 that has the same |n_x| [nx]."""
        column = torch.arange(self.cells[0], device=self.device)
        return torch.minimum(column, self.cells[0] - column)

    @cached_property
    def inverse_laplacian(self) -> Tensor:
        """1 / |k|^2 on the modes that are carried, 0 for the mean: w = -laplace(psi), so psi = w / |k|^2."""
        k_x, k_y = self.wavenumbers
        k2 = k_x**2 + k_y**2
        return self.table(torch.where(self.kept & (k2 > 0), 1.0 / k2.clamp(min=1e-300), 0.0))

    @cached_property
    def gradient(self) -> tuple[Tensor, Tensor]:
        """i k_x and i k_y on the modes that are carried."""
        k_x, k_y = self.wavenumbers
        kept = self.kept.to(torch.float64)
        return self.table(1j * k_x * kept), self.table(1j * k_y * kept)

    @cached_property
    def velocity(self) -> tuple[Tensor, Tensor]:
        """u = d psi/dy and v = -d psi/dx of a vorticity, as multipliers."""
        (d_x, d_y), solve = self.gradient, self.inverse_laplacian
        return d_y * solve, -d_x * solve

    @cached_property
    def parseval(self) -> Tensor:
        """Weights with  mean of f g = sum over the stored modes of weight * Re(conj(F[f]) F[g])."""
        samples = float(self.cells[0] * self.cells[1])
        weight = torch.full((self.rows, 1), 2.0, dtype=torch.float64)
        weight[0] = 1.0
        return self.table(weight * self.kept / samples**2)

    def project(self, field: Tensor) -> Tensor:
        """The part of a field that lies on the modes that are carried."""
        return self.inverse(self.spectrum(field))
