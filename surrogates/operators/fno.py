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
from scenegrad.surrogates.operators.local_kernels import Differential, Integral, Local, LocalConv
from scenegrad.surrogates.operators.operator import Operator, Said
from scenegrad.surrogates.operators.waves import Waves, low, low_waves
from scenegrad.surrogates.precision import in_full_precision

__all__ = ["FNO", "SpectralConv", "mixed"]


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
        v = u.movedim(1, -1)
        return self.added(torch.zeros_like(v), v, low_waves(v, self.modes)).movedim(-1, 1)

    @in_full_precision
    def added(self, to: Tensor, u: Tensor, waves: Waves) -> Tensor:
        """to + v; both, as u, [batch, *grid, width]."""
        return waves.synthesised(self.mix(waves.analysed(u), waves.kept), to)

    def matrices(self) -> Tensor:
        """[real | imaginary, *modes, width, width]"""
        return self.weight

    def mix(self, spectrum: Tensor, kept: Sequence[int]) -> Tensor:
        """R F u from F u [batch, real | imaginary, mode, width]."""
        return mixed(spectrum, self.matrices(), kept)


def mixed(spectrum: Tensor, weight: Tensor, kept: Sequence[int]) -> Tensor:
    """The matrix of every mode, as real products: (a + ib)(R + iS) = (aR - bS) + i(aS + bR).

    spectrum: [batch, real | imaginary, mode, inputs]. weight: [real | imaginary, *modes, inputs, outputs].
    """
    for axis, k in enumerate(kept[:-1], start=1):
        weight = low(weight, axis, k)
    real, imaginary = weight.narrow(len(kept), 0, kept[-1]).flatten(1, len(kept))  # each [mode, inputs, outputs]
    parts = spectrum.permute(2, 1, 0, 3)  # [mode, re | im, batch, inputs]
    rows = parts.flatten(1, 2)
    by_real = torch.bmm(rows, real).unflatten(1, parts.shape[1:3])
    by_imaginary = torch.bmm(rows, imaginary).unflatten(1, parts.shape[1:3])
    a, b = by_real[:, 0] - by_imaginary[:, 1], by_imaginary[:, 0] + by_real[:, 1]
    return torch.stack([a, b]).permute(2, 0, 1, 3)


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
    """u + V gelu(K u + W u + c): K a spectral convolution, V and W pointwise, c linear in the constants.

    u: [batch, *grid, width], so that pointwise maps are one product, and transforms products with many columns.
    near: what may be added to W u.
    """

    def __init__(self, width: int, spectral: SpectralConv, constants: int, near: LocalConv | None = None):
        super().__init__()
        self.spectral, self.near = spectral, near
        self.local, self.out = Pointwise(width, width), Pointwise(width, width)
        self.condition = nn.Linear(constants, width)

    def forward(self, u: Tensor, constants: Tensor, waves: Waves) -> Tensor:
        points, told = u.flatten(1, -2), (self.condition(constants) + self.local.bias)[:, None]
        local = torch.baddbmm(told, points, self.local.weight.t().expand(len(u), -1, -1)).view(u.shape)
        local = local if self.near is None else local + self.near(u)
        v = functional.gelu(self.spectral.added(local, u, waves))
        return u + functional.linear(v, self.out.weight, self.out.bias)


class FNO(Operator):
    """Fourier neural operator [Li et al. 2021, arXiv:2010.08895] in one to three dimensions, the same on every grid.

    modes: wavenumbers kept along each axis, whose number is the dimension. width: channels inside. surroundings:
    Torus() where space is periodic and every place alike, Torus(harmonics=...) where it is periodic only, Bounded()
    within walls. local: kernels that act near each point beside the waves, Differential(cells) or Integral(radius).
    fields, parameters, and what is `Said` by name: as every Operator takes them.
    """

    kind = "fno"
    choices = MappingProxyType({"surroundings": (Torus, Bounded), "local": (Differential, Integral)})

    def __init__(
        self,
        modes: Sequence[int],
        width: int,
        fields: Sequence[str],
        parameters: Sequence[str] = (),
        *,
        depth: int = 4,
        surroundings: Surroundings | None = None,
        local: Local | None = None,
        **said: Unpack[Said],
    ):
        super().__init__(fields, parameters, **said)
        self.modes, self.width, self.depth = tuple(modes), width, depth
        self.surroundings, self.local = surroundings or Torus(), local
        refuse_bad_shape(self)
        self.lift = Pointwise(self.channels_in + self.surroundings.channels(len(modes)), width)
        self.blocks = nn.ModuleList(Block(width, self.spectral(), self.constants, self.near()) for _ in range(depth))
        self.project = Pointwise(width, self.channels_out)

    def spectral(self) -> SpectralConv:
        """The spectral convolution of one block."""
        return SpectralConv(self.width, self.modes)

    def near(self) -> LocalConv | None:
        """The local kernels of one block."""
        return LocalConv(self.width, len(self.modes), self.local) if self.local else None

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        """u [batch, channels, *grid] and constants [batch, parameters + 1] to [batch, channels out, *grid]."""
        v = self.surroundings.extend(self.lift(with_places(u, self.surroundings))).movedim(1, -1).contiguous()
        waves = low_waves(v, self.modes)
        for block in self.blocks:
            v = block(v, constants, waves)
        return self.project(self.surroundings.cut(v.movedim(-1, 1), u.shape[2:]))


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
