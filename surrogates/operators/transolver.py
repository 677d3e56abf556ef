"""Attention between parts of a domain that are in like states, on any set of points."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.grids import Bounded, Surroundings, Torus, with_places
from scenegrad.surrogates.operators.operator import Operator, Said

__all__ = ["Transolver"]


class SliceAttention(nn.Module):
    """Points are shared out softly among a few slices, the slices attend to each other, and give back what they found.

        w_ps = softmax_s(linear(v_p)),  z_s = sum_p w_ps v_p / sum_p w_ps,  z' = attention(z),  v'_p = sum_s w_ps z'_s

    The cost is linear in the points [Wu, Luo, Wang, Wang & Long 2024, arXiv:2402.02366, section 3.2].
    """

    def __init__(self, width: int, heads: int, slices: int):
        super().__init__()
        self.heads, size = heads, width // heads
        self.values, self.shares = nn.Linear(width, width), nn.Linear(size, slices)
        self.sharpness = nn.Parameter(torch.full((heads, 1, 1), 2.0))
        self.ask, self.key, self.answer = (nn.Linear(size, size, bias=False) for _ in range(3))
        self.out = nn.Linear(width, width)

    def forward(self, v: Tensor) -> Tensor:  # [batch, point, width]
        parts = self.values(v).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [batch, head, point, size]
        w = torch.softmax(self.shares(parts) * self.sharpness, dim=-1)  # [batch, head, point, slice]
        z = w.transpose(-1, -2) @ parts / w.sum(dim=-2)[..., None].clamp(min=1e-6)
        z = functional.scaled_dot_product_attention(self.ask(z), self.key(z), self.answer(z))
        return self.out((w @ z).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """v + attention(norm(v)), then v + perceptron(norm(v)); the constants scale and shift what each is given."""

    def __init__(self, width: int, heads: int, slices: int, constants: int):
        super().__init__()
        self.attention = SliceAttention(width, heads, slices)
        self.perceptron = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width, elementwise_affine=False) for _ in range(2))
        self.told = nn.Linear(constants, 4 * width)

    def forward(self, v: Tensor, constants: Tensor) -> Tensor:
        scale_a, shift_a, scale_b, shift_b = self.told(constants)[:, None].chunk(4, dim=-1)
        v = v + self.attention(self.norms[0](v) * (1.0 + scale_a) + shift_a)
        return v + self.perceptron(self.norms[1](v) * (1.0 + scale_b) + shift_b)


class Transolver(Operator):
    """Transolver [Wu et al. 2024, arXiv:2402.02366] for grids, meshes and clouds of points: whatever the order of the
    points, and however many there are.

    width: channels inside, a multiple of heads. slices: into how many parts each head shares the points. dim: of
    the grid. A cloud is a grid of one axis whose positions are a field among the others; Torus() adds no place to them.
    """

    kind = "transolver"
    choices = MappingProxyType({"surroundings": (Torus, Bounded)})

    def __init__(
        self,
        dim: int,
        width: int,
        fields: Sequence[str],
        parameters: Sequence[str] = (),
        *,
        heads: int = 4,
        slices: int = 32,
        depth: int = 4,
        surroundings: Surroundings | None = None,
        **said: Unpack[Said],
    ):
        super().__init__(fields, parameters, **said)
        self.dim, self.width, self.heads, self.slices, self.depth = dim, width, heads, slices, depth
        self.surroundings = surroundings or Torus()
        if min(width, heads, slices, depth) < 1 or width % max(heads, 1) or dim not in (1, 2, 3):
            raise EngineError(
                f"Transolver got dim={dim}, width={width}, heads={heads}, slices={slices}, depth={depth}; all are "
                f"positive, dim is at most 3, and width is a multiple of heads."
            )
        enter = self.channels_in + self.surroundings.channels(dim)
        self.lift = nn.Sequential(nn.Linear(enter, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.blocks = nn.ModuleList(Block(width, heads, slices, self.constants) for _ in range(depth))
        self.project = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, self.channels_out))

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        v = self.lift(with_places(u, self.surroundings).flatten(2).transpose(1, 2))
        for block in self.blocks:
            v = block(v, constants)
        return self.project(v).transpose(1, 2).unflatten(2, u.shape[2:])
