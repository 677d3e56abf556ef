"""Two ways to teach a flow: by samples of the target, and by its energy alone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.boltzmann.bases import CenteredNormal, centered
from scenegrad.surrogates.boltzmann.continuous import Continuous
from scenegrad.surrogates.boltzmann.normalizing_flow import NormalizingFlow
from scenegrad.surrogates.boltzmann.weights import Energy

__all__ = ["aligned", "learn_by_energy", "match_particles", "matching"]


def match_particles(
    flow: NormalizingFlow,
    data: Tensor,
    *,
    species: tuple[int, ...] = (),
    steps: int = 1000,
    batch: int = 256,
    learning_rate: float = 2e-3,
    random: torch.Generator | None = None,
) -> list[float]:
    """Flow matching of a continuous flow of particles: |v(x_s, s) - (x1 - x0)|^2 on x_s = (1 - s) x0 + s x1, with x1
    of the data [sample, particle, dim] permuted and turned towards x0, which straightens the way [Klein, Kramer & Noe
    2023, Equivariant flow matching, arXiv:2306.15030]. Returns the loss of every step. data is
    moved to its centre.
    """
    data = data.to(flow.like)

    def loss() -> Tensor:
        chosen = torch.randint(len(data), (batch,), generator=random).to(data.device)
        return matching(flow, data[chosen], species, random)

    return descended(flow, loss, steps, learning_rate)


def matching(flow: NormalizingFlow, x1: Tensor, species: tuple[int, ...], random: torch.Generator | None) -> Tensor:
    """The mean of |v(x_s, s) - (x1 - x0)|^2 over a batch of the data x1 [batch, particle, dim], at random s."""
    maps = [bijection for bijection in flow.bijections if isinstance(bijection, Continuous)]
    if not (isinstance(flow.base, CenteredNormal) and len(maps) == len(flow.bijections) == 1):
        raise EngineError(
            "Matching teaches NormalizingFlow(CenteredNormal(...), Continuous(...)), a base of particles and "
            "one continuous map. Others learn by their energy: learn_by_energy."
        )
    x0 = flow.base.sample(len(x1), random, flow.like)
    x1 = aligned(centered(x1.to(x0)), x0, species)
    s = torch.rand(len(x1), generator=random, dtype=torch.float64).to(x0)
    wide = s.view(-1, 1, 1)
    return (maps[0].velocity((1.0 - wide) * x0 + wide * x1, s) - (x1 - x0)).square().mean()


def learn_by_energy(
    flow: NormalizingFlow,
    energy: Energy,
    *,
    temperature: float = 1.0,
    steps: int = 200,
    batch: int = 128,
    learning_rate: float = 1e-3,
    random: torch.Generator | None = None,
) -> list[float]:
    """Least E_q[ln q(x) + U(x) / T], the reverse Kullback-Leibler divergence less ln Z [Noe et al. 2019]: it needs no
    samples of the target, and loses modes that it does not begin with. Returns the loss of every step."""

    def loss() -> Tensor:
        x, log_density = flow.sample(batch, random)
        return (log_density + energy(x).to(log_density) / temperature).mean()

    return descended(flow, loss, steps, learning_rate)


def descended(flow: nn.Module, loss: Callable[[], Tensor], steps: int, learning_rate: float) -> list[float]:
    """Adam with a rate that falls to zero along a cosine, and gradients no longer than one."""
    optimiser = torch.optim.Adam(flow.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    seen = []
    for step in range(steps):
        optimiser.zero_grad()
        value = loss()
        if not bool(value.isfinite()):
            raise EngineError(
                f"The loss of step {step} is {float(value.detach())}. Take a smaller learning_rate (it was "
                f"{learning_rate:g}), or a base that is nearer to the target."
            )
        value.backward()
        nn.utils.clip_grad_norm_(flow.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        seen.append(float(value.detach()))
    return seen


def aligned(x: Tensor, to: Tensor, species: tuple[int, ...] = ()) -> Tensor:
    """x [batch, particle, dim] with particles of one species permuted, and all turned or reflected, towards `to`. Of up
    to five particles it is the nearest of the symmetric images of x; of more, where permutations and turns in turn lead
    to, which is one of them."""
    if x.shape[1] <= 5:
        return nearest_image(x, to, species)
    kinds = np.asarray(species or (0,) * x.shape[1])
    strangers = kinds[:, None] != kinds
    for _ in range(2):
        left, _, right = torch.linalg.svd(x.transpose(1, 2) @ to)  # orthogonal Procrustes problem
        x = x @ (left @ right)
        costs = -(to @ x.transpose(1, 2)).double().cpu().numpy()
        never = 1.0 + 2.0 * len(kinds) * np.abs(costs).max()  # dearer than any permutation
        order = [linear_sum_assignment(np.where(strangers, never, cost))[1] for cost in costs]
        x = x.gather(1, torch.as_tensor(np.stack(order), device=x.device)[..., None].expand_as(x))
    return x


def nearest_image(x: Tensor, to: Tensor, species: tuple[int, ...]) -> Tensor:
    """All permutations are tried. The best turn Q of each has tr(Q^T x^T y) equal to the sum of the singular values of
    x^T y (Procrustes' problem)."""
    kinds = species or (0,) * x.shape[1]
    allowed = [p for p in permutations(range(len(kinds))) if all(kinds[i] == kinds[j] for i, j in enumerate(p))]
    images = x[:, torch.tensor(allowed, device=x.device)]  # [batch, permutation, particle, dim]
    left, values, right = torch.linalg.svd(images.transpose(2, 3) @ to[:, None])
    row, best = torch.arange(len(x), device=x.device), values.sum(dim=2).argmax(dim=1)
    return images[row, best] @ (left[row, best] @ right[row, best])
