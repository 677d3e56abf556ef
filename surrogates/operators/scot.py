"""A transformer on scales that grow coarser and finer again."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Unpack

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.convolutions import CONVOLUTIONS, Conv
from scenegrad.surrogates.operators.grids import Bounded, Surroundings, Torus, with_places
from scenegrad.surrogates.operators.operator import Operator, Said
from scenegrad.surrogates.operators.unet import Level
from scenegrad.surrogates.operators.window_attention import ToldNorm, WindowBlock, joined, parted

__all__ = ["ScOT"]


class ConvNeXt(nn.Module):
    """x + scale perceptron(norm(conv(x))), the convolution over 7 points in each channel alone [Liu et al. 2022,
    arXiv:2201.03545]. x: [batch, *grid, width]."""

    def __init__(self, width: int, dim: int, constants: int, surroundings: Surroundings):
        super().__init__()
        self.conv, self.surroundings = CONVOLUTIONS[dim](width, width, 7, groups=width), surroundings
        self.norm = ToldNorm(width, constants)
        self.perceptron = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.scale = nn.Parameter(torch.full((width,), 1e-2))

    def forward(self, x: Tensor, constants: Tensor) -> Tensor:
        v = self.conv(self.surroundings.pad(x.movedim(-1, 1), 3)).movedim(1, -1)
        return x + self.scale * self.perceptron(self.norm(v, constants))


class Stage(nn.Module):
    """Blocks of window attention on one grid; every other one has its windows moved by half of one."""

    def __init__(self, blocks: Sequence[WindowBlock], window: int):
        super().__init__()
        self.blocks, self.window = nn.ModuleList(blocks), window

    def forward(self, x: Tensor, constants: Tensor) -> Tensor:
        window = [min(self.window, n) for n in x.shape[1:-1]]
        half = [w // 2 if w < n else 0 for w, n in zip(window, x.shape[1:-1], strict=True)]
        for number, block in enumerate(self.blocks):
            x = block(x, constants, window, half if number % 2 else [0] * len(half))
        return x


class ScOT(Operator):
    """Scalable operator transformer [Herde et al. 2024, arXiv:2405.19101, Poseidon]: patches become tokens, which
    attend to each other in moving windows on several levels, and the step is told to every norm.

    grid: the points along each axis on which it works, patch 2^(levels - 1) or a multiple of it; fields on other grids
    are brought there and back by their Fourier or cosine series. widths: channels on each level, multiples of `head`,
    which is the size of one head of attention; each level has half the tokens of the one before along each axis.
    patch: points of a token along each axis. window: tokens of a window along each axis; where there are fewer, one
    window holds all. blocks: of attention on each level, on the way down and on the way up. skips: ConvNeXt blocks
    between the two.
    """

    kind = "scot"
    choices = MappingProxyType({"surroundings": (Torus, Bounded)})

    def __init__(
        self,
        grid: Sequence[int],
        widths: Sequence[int],
        fields: Sequence[str],
        parameters: Sequence[str] = (),
        *,
        patch: int = 4,
        window: int = 8,
        head: int = 16,
        blocks: int = 2,
        skips: int = 1,
        surroundings: Surroundings | None = None,
        **said: Unpack[Said],
    ):
        super().__init__(fields, parameters, **said)
        self.grid, self.widths, self.patch, self.window = tuple(grid), tuple(widths), patch, window
        self.head, self.blocks, self.skips, self.surroundings = head, blocks, skips, surroundings or Torus()
        dim = len(self.grid)
        refuse_bad_shape(self)

        def stage(width: int) -> Stage:
            sizes = (width, width // head, dim, self.constants, self.surroundings)
            return Stage([WindowBlock(*sizes) for _ in range(blocks)], window)

        def bridge(width: int) -> Level:
            return Level(ConvNeXt(width, dim, self.constants, self.surroundings) for _ in range(skips))

        finest, *coarser = self.widths
        pairs = list(zip(self.widths, coarser, strict=False))
        entering = self.channels_in + self.surroundings.channels(dim)
        self.embed, self.embedded = nn.Linear(patch**dim * entering, finest), ToldNorm(finest, self.constants)
        self.down, self.up = (nn.ModuleList(map(stage, self.widths)) for _ in range(2))
        self.bridges = nn.ModuleList(bridge(fine) for fine, _ in pairs)
        self.coarsen = nn.ModuleList(nn.Linear(2**dim * fine, coarse, bias=False) for fine, coarse in pairs)
        self.coarsened = nn.ModuleList(ToldNorm(coarse, self.constants) for _, coarse in pairs)
        self.refine = nn.ModuleList(nn.Linear(coarse, 2**dim * fine, bias=False) for fine, coarse in pairs)
        self.refined = nn.ModuleList(ToldNorm(fine, self.constants) for fine, _ in pairs)
        self.merge = nn.ModuleList(nn.Linear(2 * fine, fine) for fine, _ in pairs)
        self.recover = nn.Linear(finest, patch**dim * self.channels_out)
        self.smooth = Conv(self.channels_out, self.channels_out, dim, self.surroundings, size=5)

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        given, dim = u.shape[2:], len(self.grid)
        v = with_places(self.surroundings.resample(u, self.grid), self.surroundings)
        x = self.embedded(self.embed(gathered(v.movedim(1, -1), self.patch)), constants)
        levels: list[Tensor] = []
        for number, stage in enumerate(self.down):
            if number:
                x = self.coarsened[number - 1](self.coarsen[number - 1](gathered(x, 2)), constants)
            x = stage(x, constants)
            levels.append(x)
        x = self.up[-1](x, constants)
        for number in reversed(range(len(self.refine))):
            x = self.refined[number](scattered(self.refine[number](x), 2, dim), constants)
            across = self.bridges[number](levels[number], constants)
            x = self.up[number](self.merge[number](torch.cat([across, x], dim=-1)), constants)
        v = scattered(self.recover(x), self.patch, dim).movedim(-1, 1)
        return self.surroundings.resample(self.smooth(v), given)


def gathered(x: Tensor, size: int) -> Tensor:
    """Each cube of size^dim points as the channels of one: [batch, *grid, c] to [batch, *(grid / size), size^dim c]."""
    coarse = [n // size for n in x.shape[1:-1]]
    return parted(x, [size] * len(coarse)).flatten(2).unflatten(1, coarse)


def scattered(x: Tensor, size: int, dim: int) -> Tensor:
    """Undoes `gathered`."""
    grid = [n * size for n in x.shape[1:-1]]
    return joined(x.flatten(1, dim).unflatten(-1, (size**dim, -1)), [size] * dim, grid)


def refuse_bad_shape(model: ScOT) -> None:
    positive = (*model.widths, model.patch, model.window, model.head, model.blocks)
    reasons = []
    if not 1 <= len(model.grid) <= 3:
        reasons.append(f"grid={model.grid}: one number of points for each of one to three axes")
    if not model.widths or min(positive) < 1 or model.skips < 0 or any(w % max(model.head, 1) for w in model.widths):
        reasons.append(
            f"widths={model.widths}, head={model.head}, patch={model.patch}, window={model.window}, blocks="
            f"{model.blocks}, skips={model.skips}: all are positive (skips may be 0), widths are multiples of head"
        )
    else:
        whole = model.patch * 2 ** (len(model.widths) - 1)
        if any(n < 1 or n % whole for n in model.grid):
            reasons.append(f"grid={model.grid}: {whole} = patch 2^(levels - 1) divides the points of each axis")
        else:
            tokens = {n // (model.patch * 2**level) for n in model.grid for level in range(len(model.widths))}
            if odd := sorted(t for t in tokens if t > model.window and t % model.window):
                reasons.append(
                    f"window={model.window}: it divides the tokens of every level, or there are fewer; there are "
                    f"{', '.join(map(str, odd))} along an axis"
                )
            if len(model.widths) > 1 and model.skips and min(model.grid) * 2 < 3 * whole:
                reasons.append(f"grid={model.grid}: skips look at three tokens or more along each axis")
    if reasons:
        raise EngineError("ScOT got " + "; ".join(reasons) + ".")
