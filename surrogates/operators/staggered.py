"""Networks on several coarse grids that lie between each other's points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Any, Protocol, Unpack

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.operator import Operator, Said

__all__ = ["AsMembers", "Staggered", "AsChannels"]


class Subproblems(Protocol):
    """What the network is shown of the coarse grids."""

    def channels(self, count: int) -> int:
        """How many times as many channels the network has as there are fields, for `count` grids."""
        ...

    def enter(self, u: Tensor, constants: Tensor, factor: int) -> tuple[Tensor, Tensor]:
        """From grids [batch, grid, channel, *coarse] to what the network is given."""
        ...

    def leave(self, v: Tensor, count: int) -> Tensor:
        """Undoes `enter`."""
        ...


@dataclass(frozen=True)
class AsMembers:
    """Each grid is a flow of its own, and all are members of one batch; the network is told where it lies.

    What a grid does not hold it cannot know, so that the fields have to be smooth on it.
    """

    def channels(self, count: int) -> int:
        return 1

    def enter(self, u: Tensor, constants: Tensor, factor: int) -> tuple[Tensor, Tensor]:
        batch, count = u.shape[:2]
        offsets = torch.tensor(list(product(range(factor), repeat=u.ndim - 3)), dtype=u.dtype, device=u.device)
        told = torch.cat([(offsets / factor).repeat(batch, 1), constants.repeat_interleave(count, dim=0)], dim=1)
        return u.flatten(0, 1), told

    def leave(self, v: Tensor, count: int) -> Tensor:
        return v.unflatten(0, (-1, count))


@dataclass(frozen=True)
class AsChannels:
    """All grids at once, as the channels of one coarse grid: the network sees everything, at fewer points."""

    def channels(self, count: int) -> int:
        return count

    def enter(self, u: Tensor, constants: Tensor, factor: int) -> tuple[Tensor, Tensor]:
        nowhere = constants.new_zeros(len(constants), u.ndim - 3)
        return u.flatten(1, 2), torch.cat([nowhere, constants], dim=1)

    def leave(self, v: Tensor, count: int) -> Tensor:
        return v.unflatten(1, (count, -1))


class Staggered(Operator):
    """Another network on the factor^dim coarse grids that a grid is made of, whose answers are put together again.

    Every factor-th point makes a grid, and one network, small and on few points, serves them all [Huang, Shi, Meng,
    Wang, Gao, Zhang & Liu 2023, arXiv:2302.10255]. They have a network for each; here it is one, told where it is. The
    decomposition in time, of every so many frames, is that of the data: Windows(stride=...).

    inner: the network as a recipe says it, without its fields, such as {"kind": "fno", "modes": [8, 8], "width": 24}.
    subproblems: AsChannels() or AsMembers(). dim: of the grid.
    """

    kind = "staggered"
    choices = MappingProxyType({"subproblems": (AsChannels, AsMembers)})

    def __init__(
        self,
        inner: Mapping[str, Any],
        fields: Sequence[str],
        parameters: Sequence[str] = (),
        *,
        factor: int = 2,
        dim: int = 2,
        subproblems: Subproblems | None = None,
        **said: Unpack[Said],
    ):
        from scenegrad.surrogates.operators.known import build_operator  # which knows this class too

        super().__init__(fields, parameters, **said)
        if factor < 2 or dim not in (1, 2, 3):
            raise EngineError(f"Staggered got factor={factor}, dim={dim}; it takes a factor of 2 or more, and 1 to 3.")
        self.inner, self.factor, self.dim = dict(inner), factor, dim
        self.subproblems = subproblems or AsChannels()
        many = self.subproblems.channels(factor**dim)
        told = {
            "fields": ["all"],
            "outputs": ["next"],
            "components": {"all": many * self.channels_in, "next": many * self.channels_out},
            "parameters": [*(f"offset {axis}" for axis in range(dim)), *self.names.parameters],
            "predicts": "next",
        }
        self.network = build_operator(self.inner | told)

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        if any(n % self.factor for n in u.shape[2:]):
            raise EngineError(
                f"Staggered(factor={self.factor}) was given {tuple(u.shape[2:])} points; it takes a grid whose "
                f"axes the factor divides."
            )
        parts, told = self.subproblems.enter(apart(u, self.factor), constants, self.factor)
        made = self.subproblems.leave(self.network(parts, told), self.factor**self.dim)
        return joined(made, self.factor)


def apart(u: Tensor, factor: int) -> Tensor:
    """[batch, channel, *grid] as [batch, grid, channel, *coarse], the last axis of the offsets running fastest."""
    dim = u.ndim - 2
    split = u.reshape(*u.shape[:2], *(size for n in u.shape[2:] for size in (n // factor, factor)))
    coarse, offsets = range(2, 2 + 2 * dim, 2), range(3, 3 + 2 * dim, 2)
    return split.permute(0, *offsets, 1, *coarse).flatten(1, dim)


def joined(parts: Tensor, factor: int) -> Tensor:
    """Undoes `apart`."""
    dim = parts.ndim - 3
    split = parts.unflatten(1, (factor,) * dim)
    order = [axis for a in range(dim) for axis in (2 + dim + a, 1 + a)]
    coarse = parts.shape[3:]
    grid = [n * factor for n in coarse]
    return split.permute(0, 1 + dim, *order).reshape(len(parts), parts.shape[2], *grid)
