"""The Fourier neural operator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.grids import Bounded, Surroundings, Torus, with_places
from scenegrad.surrogates.operators.operator import Operator, Said

__all__ = ["FNO", "SpectralConv"]


class SpectralConv(nn.Module):
    """v = F^-1[R F u] on the lowest modes [Li et al. 2021, arXiv:2010.08895]; commutes with periodic shifts.

    R is one complex matrix for each mode, kept as real numbers so that every optimiser, exporter and file format takes
    it: weight [real | imaginary, *modes, width, width], where an axis holds k = 0 ... m-1, -m ... -1, the last one only
    its first half. Mode-major, because then one batched product of real matrices serves all modes. A grid too coarse
    for some modes leaves them out.
    """

    def __init__(self, width: int, modes: Sequence[int]):
        super().__init__()
        self.modes = tuple(modes)
        rows = [*(2 * m for m in self.modes[:-1]), self.modes[-1]]
        self.weight = nn.Parameter(torch.randn(2, *rows, width, width) / (math.sqrt(2.0) * width))

    def forward(self, u: Tensor) -> Tensor:  # [batch, width, *grid]
        grid, kept = u.shape[2:], [min(m, n // 2) for m, n in zip(self.modes, u.shape[2:], strict=True)]
        axes = list(range(2, u.ndim - 1))
        u_hat = torch.fft.rfft(u, dim=-1)[..., : kept[-1]]
        for axis, k in zip(axes, kept, strict=False):
            u_hat = low(torch.fft.fft(u_hat, dim=axis), axis, k)
        v_hat = self.mix(u_hat, kept)
        for axis, n in zip(axes, grid, strict=False):
            v_hat = torch.fft.ifft(widen(v_hat, axis, n), dim=axis)
        return torch.fft.irfft(v_hat, n=grid[-1], dim=-1)

    def matrices(self) -> Tensor:
        """[real | imaginary, *modes, width, width]"""
        return self.weight

    def mix(self, u_hat: Tensor, kept: Sequence[int]) -> Tensor:
        """The matrix of every mode, as real products: (a + ib)(R + iS) = (aR - bS) + i(aS + bR)."""
        weight = self.matrices()
        for axis, k in enumerate(kept[:-1], start=1):
            weight = low(weight, axis, k)
        real, imaginary = weight.narrow(len(kept), 0, kept[-1]).flatten(1, len(kept))  # each [mode, width, width]
        parts = torch.view_as_real(u_hat).flatten(2, -2).permute(2, 3, 0, 1)  # [mode, re | im, batch, width]
        rows = parts.flatten(1, 2)
        by_real = torch.bmm(rows, real).unflatten(1, parts.shape[1:3])
        by_imaginary = torch.bmm(rows, imaginary).unflatten(1, parts.shape[1:3])
        a, b = by_real[:, 0] - by_imaginary[:, 1], by_imaginary[:, 0] + by_real[:, 1]
        v_hat = torch.stack([a, b], dim=-1).permute(1, 2, 0, 3).contiguous()
        return torch.view_as_complex(v_hat).unflatten(2, u_hat.shape[2:])


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


class Pointwise(nn.Module):
    """The same linear map at every point: [batch, inputs, *grid] to [batch, outputs, *grid]."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs).uniform_(-1, 1) / math.sqrt(max(inputs, 1)))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, u: Tensor) -> Tensor:
        # One product for each member: torch.matmul folds the batch into the grid and copies twice.
        weight = self.weight.expand(u.shape[0], *self.weight.shape)
        return torch.baddbmm(self.bias[:, None], weight, u.flatten(2)).unflatten(2, u.shape[2:])


class Block(nn.Module):
    """u + V gelu(K u + W u + c): K a spectral convolution, V and W pointwise, c linear in the constants."""

    def __init__(self, width: int, spectral: nn.Module, constants: int):
        super().__init__()
        self.spectral = spectral
        self.local, self.out = Pointwise(width, width), Pointwise(width, width)
        self.condition = nn.Linear(constants, width)

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        c = self.condition(constants)
        return u + self.out(functional.gelu(self.spectral(u) + self.local(u) + c.view(*c.shape, *[1] * (u.ndim - 2))))


class FNO(Operator):
    """Fourier neural operator [Li et al. 2021, arXiv:2010.08895] in one to three dimensions, the same on every grid.

    modes: wavenumbers kept along each axis, whose number is the dimension. width: channels inside. surroundings:
    Torus() where space is periodic and every place alike, Torus(harmonics=...) where it is periodic only, Bounded()
    within walls. fields, parameters, and what is `Said` by name: as every Operator takes them.
    """

    kind = "fno"
    choices = MappingProxyType({"surroundings": (Torus, Bounded)})

    def __init__(
        self,
        modes: Sequence[int],
        width: int,
        fields: Sequence[str],
        parameters: Sequence[str] = (),
        *,
        depth: int = 4,
        surroundings: Surroundings | None = None,
        **said: Unpack[Said],
    ):
        super().__init__(fields, parameters, **said)
        self.modes, self.width, self.depth = tuple(modes), width, depth
        self.surroundings = surroundings or Torus()
        refuse_bad_shape(self)
        self.lift = Pointwise(self.channels_in + self.surroundings.channels(len(modes)), width)
        self.blocks = nn.ModuleList(Block(width, self.spectral(), self.constants) for _ in range(depth))
        self.project = Pointwise(width, self.channels_out)

    def spectral(self) -> nn.Module:
        """The spectral convolution of one block."""
        return SpectralConv(self.width, self.modes)

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        """u [batch, channels, *grid] and constants [batch, parameters + 1] to [batch, channels out, *grid]."""
        v = self.surroundings.extend(self.lift(with_places(u, self.surroundings)))
        for block in self.blocks:
            v = block(v, constants)
        return self.project(self.surroundings.cut(v, u.shape[2:]))


def refuse_bad_shape(model: FNO) -> None:
    dim = len(model.modes)
    reasons = []
    if not 1 <= dim <= 3 or min(model.modes, default=0) < 1:
        reasons.append(f"modes={model.modes}: one positive number for each of one to three axes")
    if model.width < 1 or model.depth < 1:
        reasons.append(f"width={model.width}, depth={model.depth}: both are positive")
    if isinstance(model.surroundings, Torus) and len(model.surroundings.harmonics) not in (0, dim):
        reasons.append(f"harmonics={model.surroundings.harmonics}: none, or one entry for each of {dim} axes")
    if reasons:
        raise EngineError("FNO got " + "; ".join(reasons) + ".")
