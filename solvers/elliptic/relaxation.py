"""Successive over-relaxation, and who chooses its parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from scenegrad.solvers.elliptic.diffusion import Diffusion
from scenegrad.solvers.elliptic.iteration import Found, beside, look, norm

__all__ = ["FixedOmega", "OmegaPolicy", "Relaxation"]


class OmegaPolicy(Protocol):
    """Chooses omega in (0, 2), and is told what it cost.

    A member that is not done after `patience` iterations goes on with the omega that is `best` as far as it knows.
    """

    @property
    def patience(self) -> int: ...

    @property
    def best(self) -> float: ...

    def choose(self, operator: Diffusion) -> Tensor:
        """One for each member [batch]."""
        ...

    def tell(self, omega: Tensor, iterations: Tensor) -> None:
        """omega, iterations: of each member [batch]."""
        ...


@dataclass(frozen=True)
class FixedOmega:
    omega: float
    patience: int = 10**9

    @property
    def best(self) -> float:
        return self.omega

    def choose(self, operator: Diffusion) -> Tensor:
        return torch.full((operator.diagonal.shape[0],), self.omega, dtype=torch.float64)

    def tell(self, omega: Tensor, iterations: Tensor) -> None:
        """Learns nothing."""


@dataclass(frozen=True)
class Relaxation:
    """x_i += omega (b - A x)_i / A_ii, the red cells of a chessboard before the black ones [Young 1971, Iterative
    Solution of Large Linear Systems]. Simple, and slow: iterations grow with the cells across even for the best omega,
    and with their square for most others."""

    policy: OmegaPolicy
    iterations: int = 2000

    def run(self, operator: Diffusion, b: Tensor, guess: Tensor | None, goal: Tensor) -> Found:
        x = torch.zeros_like(b) if guess is None else guess.to(b).clone()
        omega = self.policy.choose(operator)
        inverse = torch.where(operator.diagonal > 0.0, 1.0 / operator.diagonal, 0.0)
        numbers = torch.meshgrid(*(torch.arange(n, device=b.device) for n in b.shape[1:]), indexing="ij")
        black = (sum(numbers, torch.zeros_like(numbers[0])) % 2).to(b.dtype)
        colours = (inverse * (1.0 - black), inverse * black)
        steps = [colour * beside(omega.to(b.device), b) for colour in colours]
        r = b - operator.apply(x)
        active = norm(r) > goal
        count = torch.zeros_like(active, dtype=torch.int64)
        often = look(b.device)
        for n in range(self.iterations):
            if n % often == 0 and not bool(active.any()):
                break
            if n == self.policy.patience:
                steps = [colour * self.policy.best for colour in colours]
            going = beside(active, b)
            for step in steps:
                x.addcmul_(step * going, r)
                r = b - operator.apply(x)
            count += active
            active = active & (norm(r) > goal)
        self.policy.tell(omega, count)
        return Found(x, count, norm(r) <= goal)
