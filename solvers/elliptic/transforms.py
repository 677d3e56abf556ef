"""Orthonormal real transforms along one axis: as a matrix, by SciPy, or by torch.fft; whichever is fastest.

Measured, one core of a Xeon with AVX-512, one solve there and back of n x n unknowns [ms], matrix against SciPy:
float32 n = 64: 0.020 / 0.037, 128: 0.086 / 0.10, 256: 0.64 / 0.33, 512: 5.2 / 1.5; float64 128: 0.17 / 0.16,
256: 1.35 / 0.61. Transforms by torch.fft need permutations and phases and come last there. On a GPU a product of
matrices is one launch and wins until the cost of n per unknown shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
import torch
from scipy import fft as scipy_fft
from torch import Tensor

from scenegrad.solvers.elliptic.axes import Axis

__all__ = ["Cosines", "Dense", "Pocket", "Transform", "transform"]

LONGEST_DENSE = {"cpu": 128, "cuda": 1024}
LONGEST_ODD = 1024  # the same on a CPU for lengths with a large prime factor, which Fourier transforms do not like

Kind = tuple[Literal["dct", "dst"], Literal[1, 2, 4]]
KINDS: dict[tuple[str, str], Kind] = {
    ("neumann", "neumann"): ("dct", 2),
    ("dirichlet", "dirichlet"): ("dst", 2),
    ("neumann", "dirichlet"): ("dct", 4),
    ("dirichlet", "neumann"): ("dst", 4),
    ("node", "node"): ("dst", 1),
}


class Transform(Protocol):
    """Into the eigenfunctions of one axis and back; orthonormal, so that back is the transpose."""

    def forward(self, x: Tensor, dim: int) -> Tensor: ...

    def back(self, x: Tensor, dim: int) -> Tensor: ...


def transform(axis: Axis, device: str, dtype: torch.dtype) -> Transform:
    """The fastest for this length, device and precision."""
    where = torch.device(device).type
    longest = LONGEST_DENSE.get(where, LONGEST_DENSE["cuda"])
    if where == "cpu" and dtype == torch.float64:
        longest = longest * 3 // 4
    kind = KINDS.get((axis.lo, axis.hi))
    if axis.count > longest and kind is not None:
        if where == "cpu" and (axis.count > LONGEST_ODD or smooth(axis.count + (kind[1] == 1))):
            return Pocket(*kind)
        if where != "cpu" and kind[1] == 2:
            return Cosines(axis.count, kind[0] == "dst", device, dtype)
    return Dense(torch.from_numpy(axis.basis).to(device, dtype))


def smooth(length: int) -> bool:
    """Whether no prime factor is above 11."""
    for factor in (2, 3, 5, 7, 11):
        while length % factor == 0:
            length //= factor
    return length == 1


@dataclass(frozen=True)
class Dense:
    """basis: eigenfunctions as columns [n, n]."""

    basis: Tensor

    def forward(self, x: Tensor, dim: int) -> Tensor:
        return along(x, self.basis, dim)

    def back(self, x: Tensor, dim: int) -> Tensor:
        return along(x, self.basis.T, dim)


def along(x: Tensor, matrix: Tensor, dim: int) -> Tensor:
    """sum_j matrix[j, k] x[..., j, ...]"""
    if dim == x.ndim - 1:
        return x @ matrix
    after = x.shape[dim + 1 :].numel()
    return (matrix.T @ x.reshape(-1, x.shape[dim], after)).reshape(x.shape)


@dataclass(frozen=True)
class Pocket:
    """SciPy's transforms of type 1, 2 and 4 in the memory of torch."""

    name: Literal["dct", "dst"]
    type: Literal[1, 2, 4]

    def forward(self, x: Tensor, dim: int) -> Tensor:
        return self.run(self.name, x, dim)

    def back(self, x: Tensor, dim: int) -> Tensor:
        return self.run("idct" if self.name == "dct" else "idst", x, dim)

    def run(self, name: str, x: Tensor, dim: int) -> Tensor:
        found: np.ndarray = getattr(scipy_fft, name)(
            x.detach().numpy(), type=self.type, axis=dim, norm="ortho", workers=torch.get_num_threads()
        )
        return torch.from_numpy(found)


@dataclass(frozen=True)
class Cosines:
    """DCT-II, or DST-II where `odd`, by one real transform of the same length [Makhoul 1980, IEEE ASSP 28, 27-34].

    The sine transform is the cosine transform of (-1)^j x_j, read backwards.
    """

    count: int
    odd: bool
    device: str
    dtype: torch.dtype

    @cached_property
    def order(self) -> Tensor:
        """Even samples upwards, then the odd ones downwards."""
        j = torch.arange(self.count, device=self.device)
        return torch.cat((j[::2], j[1::2].flip(0)))

    @cached_property
    def phase(self) -> Tensor:
        """scale_k exp(-i pi k / 2n) of the lower half of the frequencies."""
        k = torch.arange(self.count // 2 + 1, device=self.device, dtype=torch.float64)
        turn = torch.polar(torch.full_like(k, (2.0 / self.count) ** 0.5), -torch.pi * k / (2 * self.count))
        return turn.to(torch.complex64 if self.dtype == torch.float32 else torch.complex128)

    @cached_property
    def signs(self) -> Tensor:
        return 1.0 - 2.0 * (torch.arange(self.count, device=self.device) % 2).to(self.dtype)

    def forward(self, x: Tensor, dim: int) -> Tensor:
        x = x.movedim(dim, -1)
        if self.odd:
            x = x * self.signs
        half = torch.fft.rfft(x[..., self.order]) * self.phase
        upper = half.imag[..., 1 : (self.count + 1) // 2].flip(-1)
        found = torch.cat((half.real, -upper), dim=-1)
        found[..., 0] *= 0.5**0.5
        if self.odd:
            found = found.flip(-1)
        return found.movedim(-1, dim)

    def back(self, x: Tensor, dim: int) -> Tensor:
        x = x.movedim(dim, -1)
        x = x.flip(-1) if self.odd else x.clone()
        x[..., 0] *= 2.0**0.5
        lower = x[..., : self.count // 2 + 1]
        mirrored = torch.zeros_like(lower)
        mirrored[..., 1:] = x[..., (self.count + 1) // 2 :].flip(-1)
        half = torch.complex(lower, -mirrored) / self.phase
        found = torch.empty_like(x)
        found[..., self.order] = torch.fft.irfft(half, n=self.count)
        if self.odd:
            found = found * self.signs
        return found.movedim(-1, dim)
