"""Which numbers of a scene an agent may set, and between which bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.errors import SceneError, nearest

__all__ = ["Actions"]


@dataclass(frozen=True)
class Actions:
    """Numbers at addresses of Params, laid out in one row [batch, n]: a vector takes as many places as it has entries.

    sizes: entries of each address. low, high: bounds of each place [n].
    """

    sizes: Mapping[str, int]
    shapes: Mapping[str, tuple[int, ...]]  # without the batch
    low: Tensor
    high: Tensor

    @staticmethod
    def of(params: Params, bounds: Mapping[str, tuple[float, float]]) -> Actions:
        """bounds: lowest and highest value at each address."""
        if not bounds:
            raise SceneError("There is nothing to act on; name an address and its bounds, such as {...: (-1, 1)}.")
        for address, (low, high) in bounds.items():
            if address not in params:
                raise SceneError(
                    f"No number at {address!r} can be set while a scene runs.{nearest(address, params)} "
                    f"These can: {', '.join(params) or 'none'}. A Table or a Sine is set by its own numbers; "
                    f"write a plain number in its place to have it set."
                )
            if not low < high:
                raise SceneError(f"The bounds of {address} are {(low, high)}; the first must be below the second.")
        shapes = {address: tuple(params[address].shape[1:]) for address in bounds}
        sizes = {address: int(torch.Size(shape).numel()) for address, shape in shapes.items()}
        ends = [[bounds[address][end] for address, size in sizes.items() for _ in range(size)] for end in (0, 1)]
        like = params[next(iter(bounds))].detach()
        return Actions(sizes, shapes, *(torch.tensor(end, dtype=torch.float64).to(like) for end in ends))

    @property
    def size(self) -> int:
        return sum(self.sizes.values())

    def squash(self, free: Tensor) -> Tensor:
        """Any real numbers [batch, n] to numbers within the bounds: middle + half the width times tanh."""
        return 0.5 * (self.low + self.high) + 0.5 * (self.high - self.low) * torch.tanh(free)

    def clip(self, row: Tensor) -> Tensor:
        return torch.minimum(torch.maximum(row, self.low), self.high)

    def values(self, row: Tensor) -> dict[str, Tensor]:
        """By address, from a row [batch, n]."""
        parts = torch.split(row, list(self.sizes.values()), dim=1)
        return {a: part.reshape(-1, *self.shapes[a]) for a, part in zip(self.sizes, parts, strict=True)}
