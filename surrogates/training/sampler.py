"""The order in which examples are seen, and where in it a training stands."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Sampler"]


@dataclass
class Sampler:
    """A new permutation for each epoch, in which each example is seen once."""

    count: int
    batch_size: int
    random: torch.Generator
    order: Tensor
    position: int = 0

    @staticmethod
    def fresh(count: int, batch_size: int, seed: int) -> Sampler:
        random = torch.Generator().manual_seed(seed)
        return Sampler(count, batch_size, random, torch.randperm(count, generator=random))

    @property
    def batches(self) -> int:
        return -(-self.count // self.batch_size)

    def draw(self) -> list[int]:
        """The next batch; the last one of an epoch may be smaller."""
        picks = self.order[self.position : self.position + self.batch_size].tolist()
        self.position += len(picks)
        return picks

    @property
    def exhausted(self) -> bool:
        return self.position >= self.count

    def shuffle(self) -> None:
        self.order, self.position = torch.randperm(self.count, generator=self.random), 0

    def state(self) -> dict[str, Tensor | int]:
        return {"order": self.order, "position": self.position, "random": self.random.get_state()}

    def restore(self, state: dict[str, Tensor | int]) -> None:
        order, position, random = state["order"], state["position"], state["random"]
        assert isinstance(order, Tensor)
        assert isinstance(position, int)
        assert isinstance(random, Tensor)
        self.order, self.position = order, position
        self.random.set_state(random)
