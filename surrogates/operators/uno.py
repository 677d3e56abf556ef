"""The U-shaped neural operator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.fno import Pointwise, SpectralConv
from scenegrad.surrogates.operators.grids import Bounded, Surroundings, Torus, with_places
from scenegrad.surrogates.operators.operator import Operator, Said
from scenegrad.surrogates.resampling import fourier_resample

__all__ = ["UNO"]


class Block(nn.Module):
    """gelu(K u + W u + c) on another grid: K a spectral convolution, W pointwise, c linear in the constants."""

    def __init__(self, inputs: int, width: int, modes: Sequence[int], constants: int):
        super().__init__()
        self.enter = Pointwise(inputs, width)
        self.spectral, self.local = SpectralConv(width, modes), Pointwise(width, width)
        self.condition = nn.Linear(constants, width)

    def forward(self, u: Tensor, constants: Tensor, grid: Sequence[int]) -> Tensor:
        u = fourier_resample(self.enter(u), grid)
        c = self.condition(constants)
        return u + functional.gelu(self.spectral(u) + self.local(u) + c.view(*c.shape, *[1] * (u.ndim - 2)))


class UNO(Operator):
    """U-NO [Rahman, Ross & Azizzadenesheli 2023, arXiv:2204.11127]: spectral convolutions on grids that grow coarser
    and wider, then finer again, with a bridge between levels of equal grid; like an FNO it runs on every grid.

    modes: wavenumbers kept on the finest level along each axis; each further level keeps half. widths: channels on each
    level; level n works on a grid 2^n times coarser.
    """

    kind = "uno"
    choices = MappingProxyType({"surroundings": (Torus, Bounded)})

    def __init__(
        self,
        modes: Sequence[int],
        widths: Sequence[int],
        fields: Sequence[str],
        parameters: Sequence[str] = (),
        *,
        surroundings: Surroundings | None = None,
        **said: Unpack[Said],
    ):
        super().__init__(fields, parameters, **said)
        self.modes, self.widths, self.surroundings = tuple(modes), tuple(widths), surroundings or Torus()
        if not 1 <= len(self.modes) <= 3 or min(self.modes, default=0) < 1 or min(self.widths, default=0) < 1:
            raise EngineError(
                f"UNO got modes={self.modes}, widths={self.widths}; it takes one positive number of modes for each of "
                f"one to three axes, and a positive width for each level."
            )

        def block(inputs: int, width: int, level: int) -> Block:
            kept = [max(1, math.ceil(m / 2**level)) for m in self.modes]
            return Block(inputs, width, kept, self.constants)

        finest, *coarser = self.widths
        self.lift = Pointwise(self.channels_in + self.surroundings.channels(len(self.modes)), finest)
        befores = [finest, *self.widths[:-1]]
        pairs = zip(befores, self.widths, strict=True)
        self.down = nn.ModuleList(block(before, width, n) for n, (before, width) in enumerate(pairs))
        self.up = nn.ModuleList(
            block(coarse + fine, fine, n) for n, (fine, coarse) in enumerate(zip(self.widths, coarser, strict=False))
        )
        self.project = Pointwise(finest, self.channels_out)

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        v = self.surroundings.extend(self.lift(with_places(u, self.surroundings)))
        grids = [[max(1, round(n / 2**level)) for n in v.shape[2:]] for level in range(len(self.widths))]
        levels: list[Tensor] = []
        for block, grid in zip(self.down, grids, strict=True):
            v = block(v, constants, grid)
            levels.append(v)
        for level in reversed(range(len(self.up))):
            v = torch.cat([fourier_resample(v, grids[level]), levels[level]], dim=1)
            v = self.up[level](v, constants, grids[level])
        return self.project(self.surroundings.cut(v, u.shape[2:]))
