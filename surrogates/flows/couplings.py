"""Which start belongs to which example of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

__all__ = ["COUPLINGS", "Coupling", "Independent", "MinibatchOT"]


class Coupling(Protocol):
    conditional: bool  # whether it stays right where the flow is given something beside its start

    def __call__(self, x0: Tensor, x1: Tensor) -> Tensor:
        """The starts, in the order of the examples they belong to; both [batch, channel, *grid]."""
        ...


@dataclass(frozen=True)
class Independent:
    """As they were drawn."""

    conditional = True

    def __call__(self, x0: Tensor, x1: Tensor) -> Tensor:
        return x0


@dataclass(frozen=True)
class MinibatchOT:
    """The assignment of least summed square distance within the batch: straighter paths, so fewer steps.

    [Pooladian et al. 2023, arXiv:2304.14772; Tong et al. 2024, arXiv:2302.00482.] It pairs by the examples alone: where
    the flow is given fields or parameters too, starts would no longer be noise for each of them, so that is refused.
    """

    conditional = False

    def __call__(self, x0: Tensor, x1: Tensor) -> Tensor:
        cost = torch.cdist(x0.flatten(1).double(), x1.flatten(1).double()).square()
        rows, columns = linear_sum_assignment(cost.cpu().numpy())
        order = torch.empty(len(rows), dtype=torch.int64)
        order[torch.from_numpy(columns)] = torch.from_numpy(rows)
        return x0[order.to(x0.device)]


COUPLINGS = (Independent, MinibatchOT)
