"""Drops of Brownian particles in a trap: their law is known at every time, and so is what leads from one to another."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.rollout import rollout
from scenegrad.scenes.atoms import Atoms, Sites
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.targets import HarmonicWell
from scenegrad.scenes.thermostats import Brownian
from scenegrad.scenes.time import Time
from scenegrad.solvers.compile import compile_scene

__all__ = ["Drops", "bound", "covariance"]


@dataclass(frozen=True)
class Drops:
    """Particles that do not feel each other, at the temperature 1, start in a few drops of the plane; a harmonic well
    of `stiffness` k pulls them to its middle, and friction 1 holds them:

        dx = -k x dt + sqrt(2) dW,   x_t | x_0 ~ N(x_0 exp(-k t), (1 - exp(-2 k t)) / k).

    Seen at `early` and at `late`, T later, such particles are a Schroedinger bridge between their two laws: the joint
    law is ~ f(x) g(y) exp(x . y / epsilon) with epsilon = 2 sinh(k T) / k, the same from early to late and back. A
    Brownian motion of that epsilon that is bound to the same ends is at its half, up to the factor 1 / cosh(k T / 2),
    where the particles are after T / 2.

    places: of the drops, Gaussians of this `width`; shares: of the particles that start there. dt: of the solver.
    """

    places: tuple[tuple[float, float], ...]
    shares: tuple[float, ...]
    width: float
    stiffness: float
    early: float
    late: float
    dt: float

    def scene(self, count: int, seed: int) -> Scene:
        numbers = [round(share * count) for share in self.shares[:-1]]
        numbers.append(count - sum(numbers))
        middles = torch.tensor(self.places, dtype=torch.float64).repeat_interleave(torch.tensor(numbers), dim=0)
        random = torch.Generator().manual_seed(seed)
        sites = middles + self.width * torch.randn(count, 2, dtype=torch.float64, generator=random)
        return Scene(
            name="drops",
            units="lj",
            domain=Domain.unbounded(dim=2),
            entities={
                "dye": Atoms(lattice=Sites(tuple(map(tuple, sites.tolist()))), temperature=1.0),
                "trap": HarmonicWell(stiffness=self.stiffness, center=(0.0, 0.0)),
            },
            dynamics=Brownian(temperature=1.0, friction=1.0),
            time=Time(end=self.late, dt=self.dt),
            seed=seed,
        )

    def seen(self, count: int, seed: int, device: str = "cpu") -> tuple[Tensor, Tensor, Tensor]:
        """The same particles early, at half of the time between, and late, [particle, 2] each."""
        solver, state, params = compile_scene(self.scene(count, seed), device=device, dtype="float64")
        half = 0.5 * (self.late - self.early)
        places = []
        with torch.no_grad():
            for span in (self.early, half, half):
                state = rollout(solver, state, params.detach(), span, probes=()).state
                places.append(state.position[0].float().cpu())
        return places[0], places[1], places[2]

    @property
    def epsilon(self) -> float:
        """[length^2]"""
        return 2.0 * math.sinh(self.stiffness * (self.late - self.early)) / self.stiffness

    @property
    def squeeze(self) -> float:
        """Of the bridge of Brownian motion at its half, to where the particles are."""
        return 1.0 / math.cosh(0.5 * self.stiffness * (self.late - self.early))

    def variance(self, span: float, before: float) -> float:
        """Of one coordinate of particles this time after it was `before` [length^2]."""
        decay = math.exp(-2.0 * self.stiffness * span)
        return before * decay + (1.0 - decay) / self.stiffness

    def origin(self, late: Tensor) -> Tensor:
        """E[x early | x late] [particle, 2], by Bayes' rule within each drop and among the drops."""
        span = self.late - self.early
        decay = math.exp(-self.stiffness * span)
        first = self.variance(self.early, self.width**2)
        total = self.variance(span, first)
        means = torch.tensor(self.places, dtype=torch.float64) * math.exp(-self.stiffness * self.early)
        apart = late.double()[:, None] - decay * means  # [particle, drop, 2]
        shares = torch.tensor(self.shares, dtype=torch.float64).log() - 0.5 * apart.square().sum(2) / total
        each = means + decay * first / total * apart
        return (shares.softmax(dim=1)[..., None] * each).sum(dim=1).to(late)


def covariance(a: Tensor, b: Tensor) -> float:
    """Of one coordinate of two sets of points that belong together [point, dim], mean over the axes."""
    return float(((a - a.mean(0)) * (b - b.mean(0))).mean())


def bound(a: float, b: float, epsilon: float) -> float:
    """Covariance of the ends of the Schroedinger bridge between Gaussians of variances a and b: c^2 + epsilon c = a b
    [Janati et al. 2020, NeurIPS, arXiv:2006.02572]."""
    return 0.5 * (math.sqrt(4.0 * a * b + epsilon**2) - epsilon)
