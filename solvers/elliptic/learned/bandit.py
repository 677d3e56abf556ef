"""A bandit that finds the relaxation parameter of a family of equations while it solves them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from scenegrad.solvers.elliptic.diffusion import Diffusion

__all__ = ["TsallisBandit"]


class TsallisBandit:
    """Tsallis-INF with loss estimates of reduced variance [Zimmert & Seldin 2021, JMLR 22(28), section 3] over a grid
    of omegas, as of [Khodak, Chow, Balcan & Talwalkar 2024, Learning to relax, ICLR]. It is told the number of
    iterations and nothing else; its regret against the best omega of the grid grows at most like the root of the number
    of solves.

    patience: iterations after which a choice counts as the greatest loss, and a solve goes on with the likeliest omega,
    so that a bad one costs little. The members of a batch choose by what the batches before have told.
    """

    def __init__(self, omegas: Sequence[float] | np.ndarray, patience: int, seed: int = 0):
        self.omegas = np.asarray(omegas, dtype=np.float64)
        self.patience = patience
        self.losses = np.zeros(len(self.omegas))  # estimated sums
        self.told = 0
        self.rng = np.random.default_rng(seed)

    @property
    def rate(self) -> float:
        return float(4.0 / np.sqrt(self.told + 1.0))

    @property
    def chances(self) -> np.ndarray:
        """w_i = 4 / (rate (L_i - x))^2 with x such that they add up to one, by Newton's method."""
        x = self.losses.min() - 2.0 / self.rate
        for _ in range(50):
            w = 4.0 / (self.rate * (self.losses - x)) ** 2
            change = (w.sum() - 1.0) / (self.rate * (w**1.5).sum())
            x -= change
            if abs(change) < 1e-12 * max(1.0, abs(x)):
                break
        return w / w.sum()

    @property
    def best(self) -> float:
        """The omega that it holds most likely to be the best."""
        return float(self.omegas[self.chances.argmax()])

    def choose(self, operator: Diffusion) -> Tensor:
        batch = operator.diagonal.shape[0]
        return torch.from_numpy(self.omegas[self.rng.choice(len(self.omegas), size=batch, p=self.chances)])

    def tell(self, omega: Tensor, iterations: Tensor) -> None:
        chances = self.chances
        for one, cost in zip(omega.tolist(), iterations.tolist(), strict=True):
            arm = int(np.abs(self.omegas - one).argmin())
            usual = 0.5 * (chances >= self.rate**2)
            self.losses += usual
            self.losses[arm] += (min(cost / self.patience, 1.0) - usual[arm]) / chances[arm]
            self.told += 1
