"""What every way to solve A x = b gives and takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from scenegrad.solvers.elliptic.diffusion import Diffusion

__all__ = ["Found", "Iteration", "Preconditioner", "beside", "dot", "look", "norm"]


@dataclass(frozen=True)
class Found:
    """x [batch, *cells]; iterations of each member and whether it reached its goal [batch]."""

    x: Tensor
    iterations: Tensor
    solved: Tensor


class Iteration(Protocol):
    """One way to solve. goal: norm of the residual to reach [batch]. b is `operator.within` already."""

    def run(self, operator: Diffusion, b: Tensor, guess: Tensor | None, goal: Tensor) -> Found: ...


class Preconditioner(Protocol):
    """About A^-1. linear: whether what `prepare` returns is one symmetric positive definite operator; where it is not,
    directions are made conjugate one by one."""

    @property
    def linear(self) -> bool: ...

    def prepare(self, operator: Diffusion) -> Callable[[Tensor], Tensor]: ...


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Of each member [batch]."""
    return (a * b).flatten(1).sum(1)


def norm(a: Tensor) -> Tensor:
    return torch.linalg.vector_norm(a.flatten(1), dim=1)


def beside(numbers: Tensor, like: Tensor) -> Tensor:
    """[batch] -> [batch, 1, ...]"""
    return numbers.to(like.dtype).view(-1, *[1] * (like.ndim - 1))


def look(device: torch.device) -> int:
    """Iterations between two looks of the host at whether anybody still works: looking makes a GPU wait."""
    return 1 if device.type == "cpu" else 4
