"""A term for each group of the members of a batch, where members need different tables."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.force_field import Term
from scenegrad.solvers.md.speeds import speed_of

__all__ = ["Grouped"]


class Grouped:
    """Terms of the same addresses, each of which serves some members [member] and sees no others."""

    def __init__(self, groups: Sequence[tuple[Tensor, Term]]):
        self.groups = tuple(groups)
        self.addresses, self.speed = self.groups[0][1].addresses, speed_of(self.groups[0][1])

    def add_force(self, x: Tensor, box: Box, params: Params, force: Tensor) -> None:
        for who, term in self.groups:
            part = torch.zeros_like(x[who])
            term.add_force(x[who], of(box, who), some(params, who), part)
            force.index_add_(0, who, part)

    def add_product(self, x: Tensor, box: Box, params: Params, w: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        bars: dict[str, Tensor] = {}
        for who, term in self.groups:
            part = torch.zeros_like(x[who])
            collect(bars, who, params, term.add_product(x[who], of(box, who), some(params, who), w[who], part))
            x_bar.index_add_(0, who, part)
        return bars

    def sums(self, x: Tensor, box: Box, params: Params) -> Tensor:
        total = torch.zeros(len(x), 1 + box.dim**2, dtype=torch.float64, device=x.device)
        for who, term in self.groups:
            total.index_add_(0, who, term.sums(x[who], of(box, who), some(params, who)))
        return total

    def add_sums_adjoint(self, x: Tensor, box: Box, params: Params, bar: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        bars: dict[str, Tensor] = {}
        for who, term in self.groups:
            part = torch.zeros_like(x[who])
            made = term.add_sums_adjoint(x[who], of(box, who), some(params, who), bar[who], part)
            collect(bars, who, params, made)
            x_bar.index_add_(0, who, part)
        return bars

    def highest_frequency(self, x: Tensor, box: Box, params: Params, mass: Tensor, height: Tensor) -> Tensor:
        total = torch.zeros(len(x), dtype=torch.float64, device=x.device)
        for who, term in self.groups:
            given = (x[who], of(box, who), some(params, who), mass[who], height[who])
            total.index_add_(0, who, term.highest_frequency(*given))
        return total


def of(box: Box, who: Tensor) -> Box:
    return Box(box.edges[who], None if box.lean is None else box.lean[who])


def some(params: Params, who: Tensor) -> Params:
    return Params({a: value.detach()[who].requires_grad_(value.requires_grad) for a, value in params.items()})


def collect(bars: dict[str, Tensor], who: Tensor, params: Params, made: dict[str, Tensor]) -> None:
    for address, bar in made.items():
        total = bars.setdefault(address, torch.zeros_like(params[address]))
        total.index_add_(0, who, bar)
