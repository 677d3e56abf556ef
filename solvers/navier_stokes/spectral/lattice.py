"""Fourier modes of a periodic box of one, two or three dimensions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.fields.waves import highest_mode

__all__ = ["Lattice"]


@dataclass(frozen=True)
class Lattice:
    """Modes exp(i k.x) of the box [0, L], as torch.fft.rfftn lays them: half of those along the last axis.

    `modes` is the shape of a spectrum, (n_0, ..., n_{d-1} // 2 + 1).
    """

    cells: tuple[int, ...]
    size: tuple[float, ...]  # [length]
    device: str
    dtype: torch.dtype

    @property
    def dim(self) -> int:
        return len(self.cells)

    @property
    def axes(self) -> tuple[int, ...]:
        return tuple(range(-self.dim, 0))

    @property
    def modes(self) -> tuple[int, ...]:
        return (*self.cells[:-1], self.cells[-1] // 2 + 1)

    @property
    def samples(self) -> int:
        return math.prod(self.cells)

    @property
    def volume(self) -> float:
        return math.prod(self.size)

    @property
    def spacing(self) -> tuple[float, ...]:
        return tuple(length / n for length, n in zip(self.size, self.cells, strict=True))

    @property
    def highest(self) -> tuple[float, ...]:
        """Largest wavenumber along each axis that is carried [1/length]."""
        return tuple(highest_mode(n) * 2 * math.pi / length for n, length in zip(self.cells, self.size, strict=True))

    def forward(self, field: Tensor) -> Tensor:
        """Spectrum of samples: [..., *cells] -> [..., *modes], the modes that the 2/3 rule cuts off set to zero."""
        return torch.fft.rfftn(field, dim=self.axes) * self.kept

    def inverse(self, spectrum: Tensor) -> Tensor:
        """Samples of a spectrum: [..., *modes] -> [..., *cells]."""
        return torch.fft.irfftn(spectrum, s=self.cells, dim=self.axes)

    def positions(self) -> list[Tensor]:
        """Coordinates of the samples along each axis, float64 on the host, to broadcast over [*cells]."""
        return [
            along(torch.arange(n, dtype=torch.float64) * h, axis, self.dim)
            for axis, (n, h) in enumerate(zip(self.cells, self.spacing, strict=True))
        ]

    @cached_property
    def indices(self) -> list[Tensor]:
        """Waves per edge along each axis, float64 on the host, to broadcast over [*modes]."""
        last = self.dim - 1
        whole = [
            torch.fft.rfftfreq(n, 1.0 / n, dtype=torch.float64)
            if axis == last
            else torch.fft.fftfreq(n, 1.0 / n, dtype=torch.float64)
            for axis, n in enumerate(self.cells)
        ]
        return [along(values, axis, self.dim) for axis, values in enumerate(whole)]

    @cached_property
    def k(self) -> list[Tensor]:
        """Wavenumbers along each axis, float64 on the device [1/length]."""
        return [(n * (2 * math.pi / length)).to(self.device) for n, length in zip(self.indices, self.size, strict=True)]

    @cached_property
    def k_squared(self) -> Tensor:
        """|k|^2 in float64 on the device [*modes]."""
        total = torch.zeros(self.modes, dtype=torch.float64, device=self.device)
        for k in self.k:
            total = total + k.square()
        return total

    @cached_property
    def kept(self) -> Tensor:
        """1 on the modes that a quadratic product leaves without alias [Orszag 1971], 0 elsewhere [*modes]."""
        mask = torch.ones(self.modes, dtype=torch.bool)
        for n, cells in zip(self.indices, self.cells, strict=True):
            mask &= n.abs() <= highest_mode(cells)
        return mask.to(self.device, self.dtype)

    @cached_property
    def gradient(self) -> Tensor:
        """i k on the modes that are carried [dim, *modes]."""
        return torch.stack([1j * (k * self.kept) for k in self.k]).to(self.complex_dtype)

    @cached_property
    def inverse_laplacian(self) -> Tensor:
        """1 / |k|^2 on the modes that are carried, 0 for the mean [*modes]."""
        k2 = self.k_squared
        return torch.where(k2 > 0, self.kept.double() / k2.clamp(min=1e-300), 0.0).to(self.dtype)

    @property
    def complex_dtype(self) -> torch.dtype:
        return torch.complex64 if self.dtype == torch.float32 else torch.complex128

    @cached_property
    def weight(self) -> Tensor:
        """Weights with  mean of f g = sum over the stored modes of weight * Re(conj(F[f]) F[g])  [*modes]."""
        last = self.indices[-1]
        twice = (last > 0) & (2 * last < self.cells[-1])
        table = torch.where(twice, 2.0, 1.0).double().expand(self.modes) / self.samples**2
        return table.to(self.device, self.dtype)

    def project(self, field: Tensor) -> Tensor:
        """The part of a field that lies on the modes that are carried."""
        return self.inverse(self.forward(field))

    def solenoidal(self, spectrum: Tensor) -> Tensor:
        """The part of a vector field without divergence: u - k (k.u) / |k|^2  [..., dim, *modes]."""
        along_k = (self.gradient.conj() * spectrum).sum(-self.dim - 1, keepdim=True)  # -i k.u
        return spectrum - self.gradient * along_k * self.inverse_laplacian

    def integral(self, field: Tensor) -> Tensor:
        """Over the box: [..., *cells] -> [...]."""
        return field.mean(self.axes) * self.volume

    @cached_property
    def shells(self) -> tuple[Tensor, Tensor]:
        """Shell of each mode [*modes], and the wavenumbers in the middle of the shells [shell] (1/length)."""
        unit = 2 * math.pi / max(self.size)
        index = (self.k_squared.sqrt() / unit).round().to(torch.int64)
        index = torch.where(self.kept > 0, index, 0)
        return index, torch.arange(int(index.max()) + 1, dtype=torch.float64) * unit

    def power(self, field: Tensor) -> Tensor:
        """Integral of field^2, by shells of |k| as wide as the longest wave's: [batch, channel, *cells] ->
        [batch, shell]."""
        index, wavenumbers = self.shells
        size = torch.view_as_real(self.forward(field)).square().sum(-1) * self.weight * self.volume
        size = size.sum(1).flatten(1)
        total = torch.zeros(len(size), len(wavenumbers), dtype=size.dtype, device=size.device)
        return total.index_add(1, index.flatten(), size)


def along(values: Tensor, axis: int, dim: int) -> Tensor:
    """A vector laid along one axis of `dim`."""
    return values.view([-1 if a == axis else 1 for a in range(dim)])
