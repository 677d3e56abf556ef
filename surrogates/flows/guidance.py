"""Draws of a trained flow that meet a wish, without training it anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.flows.field import Field
from scenegrad.surrogates.flows.samplers import evenly

__all__ = ["Guided"]


@dataclass(frozen=True)
class Guided:
    """Steps of Euler, after each of which x goes down the slope of a wish J about the expected end E[x1 | x_s = x].

    Guidance of diffusion by the gradient of a loss of what is expected [Chung et al. 2023, arXiv:2209.14687; Ye et al.
    2024, arXiv:2409.15761]: autograd goes through the flow and the wish, a solver, say. The step along the slope is
    Polyak's, J / |dJ/dx|^2, which for a J that can be zero needs no size [Polyak 1969]; it is at most
    `reach` ds sqrt(n) long, n being the numbers of a member: early on the end hardly depends on x, and places far from
    where the flow passes it does not know. settle: steps of the same kind after the last one, of the end itself.

    wish: J [batch], not negative, of ends of order one [batch, channel, *grid]. It is asked steps + settle times, with
    its gradient.
    """

    wish: Callable[[Tensor], Tensor] = field(compare=False)
    steps: int = 16
    reach: float = 2.0
    settle: int = 0

    def __post_init__(self) -> None:
        if self.steps < 2 or self.reach < 0.0 or self.settle < 0:
            raise EngineError(
                f"Guided got steps={self.steps}, reach={self.reach}, settle={self.settle}; it takes two steps or more, "
                f"and a reach such as 2."
            )

    def __call__(self, field: Field, x: Tensor) -> Tensor:
        for begin, end in pairwise(evenly(self.steps)):
            x = self.step(field, x, begin, end - begin)
        for _ in range(self.settle):
            x = self.down(x, x, self.reach / self.steps)
        return x

    def step(self, field: Field, x: Tensor, begin: float, ds: float) -> Tensor:
        with torch.enable_grad():
            at = x.detach().requires_grad_()
            s = torch.full((len(x),), begin, dtype=x.dtype, device=x.device)
            v = field.velocity(at, s)
            expected = field.end(at, s, v)
            moved = self.down(expected, at, self.reach * ds)
        return moved + ds * v.detach()

    def down(self, expected: Tensor, at: Tensor, most: float) -> Tensor:
        """at, moved down the slope of the wish about what is expected."""
        with torch.enable_grad():
            if expected is at:
                expected = at = at.detach().requires_grad_()
            value = self.wish(expected)
            (slope,) = torch.autograd.grad(value.sum(), at)
        size = slope.flatten(1).norm(dim=1).clamp(min=torch.finfo(slope.dtype).tiny)
        length = torch.minimum(value.detach().to(size) / size, torch.full_like(size, most * slope[0].numel() ** 0.5))
        return at.detach() - (length / size).view(-1, *[1] * (at.ndim - 1)) * slope
