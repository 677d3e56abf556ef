"""A velocity field as a map whose weights are exact without any Jacobian: each step is disturbed, forth and back."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.boltzmann.bases import Base, drawn
from scenegrad.surrogates.boltzmann.continuous import Velocity
from scenegrad.surrogates.flows.samplers import RK4, RungeKutta

__all__ = ["Perturbed"]


class Perturbed(nn.Module):
    """dx/ds = v(x, s) in steps that are disturbed at random; weights by what undoing the step makes of it.

    Flow perturbation [Peng & Gao 2025, Nature Communications 16, arXiv:2407.10666], step by step [Peng & Gao 2026,
    arXiv:2601.21177]. A step goes to y = F(x) + e, e of random direction and length, and the step back, G, from there
    is proposed with the same kind of noise, e' = x - G(y), so that the pair has the weight p(e') / p(e): no derivative
    of anything, twice the evaluations of plain sampling. It is right on the average, whatever F and G are:

        E[exp(ln_det)] over the noise stands in place of |det dy/dx|,

    and for a small e it is E[(|e| / |dx/dy e|)^n] = |det dy/dx| itself, n being the directions there are. Weights
    from it, and ln Z and averages by them, have no bias; each has the more variance the more a step turns and shears,
    which many steps keep small. `Continuous` knows |det| for as many derivatives as there are numbers, and Hutchinson's
    estimate of it is right on the average for ln |det|, not for weights.

    size: of e, its median; well above the error of going forth and back, |x - G(F(x))|, and below what bends the flow,
    or the variance has no end. Its length is log-normal, so that lengths forth and back that differ are hardly told
    apart. along: a base whose noise has the directions in which members can move, such as CenteredNormal; all of them,
    unless said. steps: of `method`.
    """

    def __init__(
        self,
        velocity: Velocity,
        *,
        steps: int = 16,
        size: float = 1e-3,
        along: Base | None = None,
        method: type[RungeKutta] = RK4,
        random: torch.Generator | None = None,
    ):
        super().__init__()
        if steps < 1 or not size > 0.0:
            raise EngineError(f"Perturbed got steps={steps}, size={size}; both are positive, such as 16 and 1e-3.")
        self.velocity, self.steps, self.size, self.along = velocity, steps, size, along
        self.method, self.random = method, random

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.carried(x, 0.0, 1.0)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        return self.carried(y, 1.0, 0.0)

    @torch.no_grad()
    def carried(self, x: Tensor, begin: float, end: float) -> tuple[Tensor, Tensor]:
        total, ds = x.new_zeros(len(x)), (end - begin) / self.steps
        step = self.method().step
        for n in range(self.steps):
            s = begin + n * ds
            disturbance = self.noise(x)
            y = step(self.velocity, x, s, ds) + disturbance
            back = x - step(self.velocity, y, s + ds, -ds)
            total = total + self.log_density(back) - self.log_density(disturbance)
            x = y
        return x, total

    def noise(self, like: Tensor) -> Tensor:
        """Of even direction and log-normal length."""
        normal = self.along.noise(like, self.random) if self.along else drawn(like.shape, self.random, like)
        length = self.size * torch.exp(SPREAD * drawn((len(like),), self.random, like))
        norm = normal.flatten(1).square().sum(1).sqrt()
        return normal * (length / norm).view(-1, *[1] * (like.ndim - 1))

    def log_density(self, noise: Tensor) -> Tensor:
        """Less a constant."""
        log_length = 0.5 * noise.flatten(1).square().sum(1).log()
        free = self.along.free if self.along else noise[0].numel()
        return -free * log_length - 0.5 * ((log_length - math.log(self.size)) / SPREAD) ** 2


SPREAD = 1.0  # standard deviation of the logarithm of the length
