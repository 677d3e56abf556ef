"""Params side by side in one tensor, as kernels want them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.shared.unchanged import Fingerprint

__all__ = ["Joined"]


class Joined:
    """Params at some addresses side by side, [batch, *shape]; made again only when one of them changed."""

    def __init__(self, addresses: Sequence[str], shape: tuple[int, ...]):
        self.addresses, self.shape = tuple(addresses), shape
        self.made_of = Fingerprint(())
        self.value: Tensor | None = None

    def __call__(self, params: Params) -> Tensor:
        """Without a graph: always the same tensor for the same numbers."""
        parts = [params[address].detach() for address in self.addresses]
        if self.value is None or not self.made_of.fits(parts):
            self.value = self.join(parts)
            self.made_of = Fingerprint(parts)
        return self.value

    def differentiable(self, params: Params) -> Tensor:
        return self.join([params[address] for address in self.addresses])

    def join(self, parts: list[Tensor]) -> Tensor:
        return torch.stack(parts, dim=1).reshape(parts[0].shape[0], *self.shape).contiguous()

    def learning(self, params: Params) -> bool:
        return any(params[address].requires_grad for address in self.addresses)

    def parts(self, bar: Tensor, params: Params) -> dict[str, Tensor]:
        """The cotangent of the whole to those of its parts that ask for one."""
        columns = bar.reshape(bar.shape[0], -1).unbind(dim=1)
        return {a: c for a, c in zip(self.addresses, columns, strict=True) if params[a].requires_grad}
