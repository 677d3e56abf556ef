"""Steps written in torch, transposed by autograd."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from scenegrad.engine.state import Params, tensors, with_tensors

if TYPE_CHECKING:
    from scenegrad.engine.solver import Bars, Pull

__all__ = ["linearized"]

S = TypeVar("S")


def linearized(advance: Callable[[S, Params], S], state: S, params: Params) -> tuple[S, Pull]:
    """Where a step leads to, and the transpose of its derivative there: cotangents of the state after it to those of
    the floating fields before it and of the params that ask for a gradient. What does not matter is left out."""
    fields = {name: value.detach() for name, value in tensors(state).items()}
    moving = {name: value.requires_grad_() for name, value in fields.items() if value.is_floating_point()}
    values = {address: value.detach().requires_grad_(value.requires_grad) for address, value in params.items()}
    learning = {address: value for address, value in values.items() if value.requires_grad}
    with torch.enable_grad():
        made = advance(with_tensors(state, fields), Params(values))
    after = tensors(made)

    def pull(cotangent: Mapping[str, Tensor]) -> tuple[Bars, Bars]:
        pairs = [(after[name], bar) for name, bar in cotangent.items() if after[name].requires_grad]
        if not pairs:
            return {}, {}
        outputs, bars = zip(*pairs, strict=True)
        found = torch.autograd.grad(outputs, [*moving.values(), *learning.values()], bars, allow_unused=True)
        by_name = list(zip([*moving, *learning], found, strict=True))
        return (
            {name: bar for name, bar in by_name[: len(moving)] if bar is not None},
            {address: bar for address, bar in by_name[len(moving) :] if bar is not None},
        )

    return with_tensors(made, {name: value.detach() for name, value in after.items()}), pull
