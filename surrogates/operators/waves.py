"""The lowest waves of functions on a periodic grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from scenegrad.surrogates.precision import in_full_precision

__all__ = ["Waves", "low", "low_waves"]

MOST = 64  # waves along an axis; with more, a fast transform of all of them is quicker than products with a few


class Waves(Protocol):
    """Between functions [batch, *grid, width] and their spectra [batch, real | imaginary, mode, width].

    kept: m waves along each axis: k = 0 ... m-1, -m ... -1, and 0 ... m-1 along the last one.
    """

    @property
    def kept(self) -> tuple[int, ...]: ...

    def analysed(self, u: Tensor) -> Tensor: ...

    def synthesised(self, spectrum: Tensor, to: Tensor) -> Tensor:
        """to + the function of the spectrum."""
        ...


@in_full_precision
def low_waves(like: Tensor, modes: Sequence[int]) -> Waves:
    """Of the grid of `like` [batch, *grid, width]; those of the modes that it can hold."""
    grid = like.shape[1:-1]
    kept = tuple(min(m, n // 2) for m, n in zip(modes, grid, strict=True))
    return by_matrices(grid, kept, like) if max(kept) <= MOST else Transforms(kept)


@dataclass(frozen=True)
class Matrices:
    """Products with matrices, each of one axis: few waves are less work so than by a transform that finds all.

    analysis: of the last axis [2 m, n]; of the others [2 (2 m), 2 n], which take numbers in pairs of a real and an
    imaginary part.
    """

    kept: tuple[int, ...]
    analysis: tuple[Tensor, ...]
    synthesis: tuple[Tensor, ...]

    def analysed(self, u: Tensor) -> Tensor:
        batch, width = len(u), u.shape[-1]
        for axis in reversed(range(len(self.kept))):
            before = math.prod(u.shape[1 : 1 + axis])
            matrix = self.analysis[axis].expand(batch * before, -1, -1)
            v = torch.bmm(matrix, u.reshape(batch * before, matrix.shape[2], -1))
            u = v.view(batch, *u.shape[1 : 1 + axis], 2, -1)
        return u.reshape(batch, 2, -1, width)

    def synthesised(self, spectrum: Tensor, to: Tensor) -> Tensor:
        grid, v = to.shape[1:-1], spectrum.reshape(len(to), -1)
        for axis, matrix in enumerate(self.synthesis[:-1]):
            rows = len(to) * math.prod(grid[:axis])
            v = torch.bmm(matrix.expand(rows, -1, -1), v.view(rows, matrix.shape[1], -1))
        rows, last = len(to) * math.prod(grid[:-1]), self.synthesis[-1]
        columns = v.view(rows, last.shape[1], to.shape[-1])
        return torch.baddbmm(to.reshape(rows, grid[-1], -1), last.expand(rows, -1, -1), columns).view(to.shape)


def by_matrices(grid: Sequence[int], kept: tuple[int, ...], like: Tensor) -> Matrices:
    analysis, synthesis = [], []
    for n, m in zip(grid[:-1], kept[:-1], strict=True):
        k = torch.cat([torch.arange(m, device=like.device), torch.arange(-m, 0, device=like.device)])
        cos, sin = turns(k, n, like)
        # (cos - i sin)(a + ib); rows are real and imaginary parts of all waves, columns the pairs of all points
        whole = torch.stack([torch.stack([cos, sin], dim=-1), torch.stack([-sin, cos], dim=-1)]).view(4 * m, 2 * n)
        analysis.append(whole)
        synthesis.append(whole.t() / n)
    n, m = grid[-1], kept[-1]
    cos, sin = turns(torch.arange(m, device=like.device), n, like)
    whole = torch.cat([cos, -sin])
    twice = torch.full((m,), 2.0 / n, device=like.device, dtype=like.dtype)  # for the waves -k, which are not kept
    twice[0] = 1.0 / n
    return Matrices(kept, (*analysis, whole), (*synthesis, whole.t() * twice.repeat(2)))


def turns(k: Tensor, n: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """cos and sin of 2 pi k x / n for x = 0 ... n-1, each [wave, point]; whole turns are taken away exactly."""
    part = (k[:, None] * torch.arange(n, device=k.device)) % n
    angle = part.to(like.dtype) * (2.0 * math.pi / n)
    return torch.cos(angle), torch.sin(angle)


@dataclass(frozen=True)
class Transforms:
    """Fast Fourier transforms, of which the lowest waves are kept."""

    kept: tuple[int, ...]

    def analysed(self, u: Tensor) -> Tensor:
        dim = len(self.kept)
        u_hat = torch.fft.rfft(u, dim=dim)[(slice(None),) * dim + (slice(self.kept[-1]),)]
        for axis, k in enumerate(self.kept[:-1], start=1):
            u_hat = low(torch.fft.fft(u_hat, dim=axis), axis, k)
        return torch.view_as_real(u_hat.flatten(1, dim)).movedim(-1, 1)

    def synthesised(self, spectrum: Tensor, to: Tensor) -> Tensor:
        grid = to.shape[1:-1]
        waves = [*(2 * k for k in self.kept[:-1]), self.kept[-1]]
        v_hat = torch.view_as_complex(spectrum.movedim(1, -1).contiguous()).unflatten(1, waves)
        for axis, n in enumerate(grid[:-1], start=1):
            v_hat = torch.fft.ifft(widen(v_hat, axis, n), dim=axis)
        return to + torch.fft.irfft(v_hat, n=grid[-1], dim=len(grid))


def low(spectrum: Tensor, axis: int, k: int) -> Tensor:
    """The frequencies 0 ... k-1 and -k ... -1 along one axis."""
    n = spectrum.shape[axis]
    return spectrum if n == 2 * k else torch.cat([spectrum.narrow(axis, 0, k), spectrum.narrow(axis, n - k, k)], axis)


def widen(spectrum: Tensor, axis: int, n: int) -> Tensor:
    """Undoes `low`: zeros at the frequencies that it left out."""
    k = spectrum.shape[axis] // 2
    if n == 2 * k:
        return spectrum
    shape = [*spectrum.shape[:axis], n - 2 * k, *spectrum.shape[axis + 1 :]]
    return torch.cat([spectrum.narrow(axis, 0, k), spectrum.new_zeros(shape), spectrum.narrow(axis, k, k)], axis)
