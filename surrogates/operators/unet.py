"""U-Nets: convolutions on grids that grow coarser and finer again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import MappingProxyType
from typing import Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.convolutions import Conv, Modulation, doubled, groups_of, refuse_indivisible
from scenegrad.surrogates.operators.grids import Bounded, Surroundings, Torus, with_places
from scenegrad.surrogates.operators.operator import Operator, Said

__all__ = ["ClassicUNet", "UNet"]


class Residual(nn.Module):
    """u + conv(silu(norm(conv(silu(norm(u)))))), the inner one told of the constants.

    The last convolution begins with zeros, so that a fresh block does nothing.
    """

    def __init__(self, inputs: int, width: int, dim: int, constants: int, surroundings: Surroundings):
        super().__init__()
        self.norm_in, self.norm = nn.GroupNorm(groups_of(inputs), inputs), nn.GroupNorm(groups_of(width), width)
        self.conv_in = Conv(inputs, width, dim, surroundings)
        self.conv = Conv(width, width, dim, surroundings)
        self.told = Modulation(constants, width)
        self.past = Conv(inputs, width, dim, surroundings, size=1) if inputs != width else nn.Identity()
        nn.init.zeros_(self.conv.inner.weight)
        assert self.conv.inner.bias is not None
        nn.init.zeros_(self.conv.inner.bias)

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        v = self.conv_in(functional.silu(self.norm_in(u)))
        v = self.conv(functional.silu(self.told(self.norm(v), constants)))
        return self.past(u) + v


class Double(nn.Module):
    """relu(norm(conv(.))) twice, the constants added in between."""

    def __init__(self, inputs: int, width: int, dim: int, constants: int, surroundings: Surroundings):
        super().__init__()
        self.first, self.second = Conv(inputs, width, dim, surroundings), Conv(width, width, dim, surroundings)
        self.norm_first, self.norm_second = (nn.GroupNorm(groups_of(width), width) for _ in range(2))
        self.told = Modulation(constants, width)

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        v = functional.relu(self.told(self.norm_first(self.first(u)), constants))
        return functional.relu(self.norm_second(self.second(v)))


class Level(nn.Module):
    """Blocks on one grid, one after the other."""

    def __init__(self, blocks: Iterable[nn.Module]):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        for block in self.blocks:
            u = block(u, constants)
        return u


class Hourglass(Operator):
    """What both kinds share. widths: channels on each level, from the finest; each level has half the points of the one
    before along each axis. dim: of space, 1 to 3. blocks: on each level, on the way down and on the way up."""

    choices = MappingProxyType({"surroundings": (Torus, Bounded)})
    block: type[Residual] | type[Double]

    def __init__(
        self,
        dim: int,
        widths: Sequence[int],
        fields: Sequence[str],
        parameters: Sequence[str] = (),
        *,
        blocks: int = 2,
        surroundings: Surroundings | None = None,
        **said: Unpack[Said],
    ):
        super().__init__(fields, parameters, **said)
        self.dim, self.widths, self.blocks = dim, tuple(widths), blocks
        self.surroundings = surroundings or Torus()
        if dim not in (1, 2, 3) or not self.widths or min(self.widths) < 1 or blocks < 1:
            raise EngineError(
                f"{type(self).__name__} got dim={dim}, widths={self.widths}, blocks={blocks}; it takes 1 to 3 "
                f"dimensions, a positive width for each level and one block or more."
            )

        def level(inputs: int, width: int) -> Level:
            sizes = [inputs] + [width] * (blocks - 1)
            return Level(self.block(n, width, dim, self.constants, self.surroundings) for n in sizes)

        def conv(inputs: int, outputs: int, stride: int = 1) -> Conv:
            return Conv(inputs, outputs, dim, self.surroundings, stride=stride)

        finest, *coarser = self.widths
        self.lift = conv(self.channels_in + self.surroundings.channels(dim), finest)
        self.down = nn.ModuleList([level(finest, finest), *(level(width, width) for width in coarser)])
        pairs = list(zip(self.widths, coarser, strict=False))
        self.coarsen = nn.ModuleList(conv(fine, coarse, stride=2) for fine, coarse in pairs)
        self.refine = nn.ModuleList(conv(coarse, fine) for fine, coarse in pairs)
        self.up = nn.ModuleList(level(2 * fine, fine) for fine, _ in pairs)
        self.project = conv(finest, self.channels_out)

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        refuse_indivisible(u.shape[2:], 2 ** (len(self.widths) - 1), type(self).__name__)
        v = self.lift(with_places(u, self.surroundings))
        levels: list[Tensor] = []
        for number, level in enumerate(self.down):
            v = level(self.coarsen[number - 1](v) if number else v, constants)
            levels.append(v)
        for number in reversed(range(len(self.up))):
            v = torch.cat([levels[number], self.refine[number](doubled(v))], dim=1)
            v = self.up[number](v, constants)
        return self.project(v)


class UNet(Hourglass):
    """Modern U-Net: residual blocks, group norm, constants as scale and shift in each [Gupta & Brandstetter 2022,
    arXiv:2209.15616, the U-Net without attention]."""

    kind = "unet"
    block = Residual


class ClassicUNet(Hourglass):
    """The U-Net of pairs of plain convolutions [Ronneberger, Fischer & Brox 2015, arXiv:1505.04597], with group norm
    in place of batch norm: what a member gives must not depend on its companions."""

    kind = "classic_unet"
    block = Double
