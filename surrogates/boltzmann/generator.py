"""A Boltzmann generator of particles, trained, checkpointed and drawn from like any other model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.boltzmann.bases import CenteredNormal
from scenegrad.surrogates.boltzmann.continuous import Continuous
from scenegrad.surrogates.boltzmann.learning import matching
from scenegrad.surrogates.boltzmann.normalizing_flow import NormalizingFlow
from scenegrad.surrogates.boltzmann.particle_field import ParticleField
from scenegrad.surrogates.boltzmann.weights import Energy
from scenegrad.surrogates.choices import choose, spell
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.operators.predictions import Next
from scenegrad.surrogates.scales import Scales
from scenegrad.surrogates.training.losses import Loss
from scenegrad.surrogates.training.targets import Target

__all__ = ["ByEnergy", "EquivariantMatching", "ParticleGenerator"]

POSITION = "position"


@dataclass(frozen=True)
class EquivariantMatching:
    """Flow matching along straight ways between a draw and an example that is permuted and turned towards it
    [Klein, Kramer & Noe 2023, arXiv:2306.15030]."""

    @property
    def horizon(self) -> int:
        return 1

    def __call__(self, model: Any, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        return matching(model.flow, window.targets[0][POSITION], model.network.species, random)


@dataclass(frozen=True)
class ByEnergy:
    """The reverse Kullback-Leibler divergence E_q[ln q(x) + U(x) / T] less ln Z [Noe et al. 2019]: it asks for no
    samples, and loses modes that it does not begin with. then: what the loss has besides, such as
    EquivariantMatching(), which keeps them.

    energy: U(x) [batch], differentiable, such as `scene_energy` of a scene.
    """

    energy: Energy = field(compare=False)
    temperature: float = 1.0
    then: Target | None = None

    @property
    def horizon(self) -> int:
        return 1

    def __call__(self, model: Any, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        x, log_density = model.flow.sample(len(window.dt), random)
        value = (log_density + self.energy(x).to(log_density) / self.temperature).mean()
        return value if self.then is None else value + self.then(model, window, loss, random)


class ParticleGenerator(nn.Module):
    """A continuous equivariant flow behind normal particles: what `train` takes, with samples of the target as data,

        fit = train(ParticleGenerator(4, 2), Pairs.from_arrays({}, {"position": samples}), out="runs/dw4")
        x, log_density = fit.model.flow.sample(1000)

    temperature: of the normal particles, best the variance of a coordinate of the target [length^2]. steps: of RK4 from
    them to the samples. Others: see ParticleField.
    """

    kind = "particle_generator"

    def __init__(
        self,
        particles: int,
        dim: int,
        *,
        temperature: float = 1.0,
        species: tuple[int, ...] = (),
        width: int = 32,
        layers: int = 2,
        reach: float = 8.0,
        steps: int = 16,
        objective: Target | None = None,
    ):
        super().__init__()
        self.sizes = {
            "particles": particles, "dim": dim, "temperature": temperature, "species": list(species), "width": width,
            "layers": layers, "reach": reach, "steps": steps,
        }  # fmt: skip
        self.species, self.objective = tuple(species), objective or EquivariantMatching()
        velocity = ParticleField(particles, species=self.species, width=width, layers=layers, reach=reach)
        self.flow = NormalizingFlow(CenteredNormal(particles, dim, temperature), Continuous(velocity, steps=steps))
        self.names = Names((), (POSITION,), (), {POSITION: dim})

    def dressed(self, statistics: Statistics | None, dt: float, grid: tuple[int, ...]) -> Generating:
        return Generating(self, dt, grid)

    def config(self) -> dict[str, Any]:
        return {"kind": self.kind, **self.sizes, "objective": spell(self.objective)}

    @classmethod
    def build(cls, config: Mapping[str, Any]) -> ParticleGenerator:
        table = {name: value for name, value in config.items() if name != "kind"}
        table["species"] = tuple(table.get("species", ()))
        if isinstance(told := table.pop("objective", None), str | Mapping):
            kind = told if isinstance(told, str) else told.get("kind")
            # An energy is no data: what was trained by one is read back as what it is trained by without.
            table["objective"] = EquivariantMatching() if kind == "by_energy" else choose(told, MATCHED, "objective")
        try:
            return cls(**table)
        except TypeError as error:
            raise EngineError(f"A model of kind {cls.kind!r} cannot be made: {error}.") from error


MATCHED = (EquivariantMatching,)


class Generating(nn.Module):
    """A generator as a trained model: it draws configurations [batch, particle, dim] in physical units, whatever it is
    given, and `flow` knows their density."""

    def __init__(self, network: ParticleGenerator, dt: float, grid: tuple[int, ...]):
        super().__init__()
        self.network, self.names, self.dt, self.grid = network, network.names, dt, tuple(grid)
        self.objective = network.objective
        self.scales = Scales(network.names, Next(), dt)

    @property
    def flow(self) -> NormalizingFlow:
        return self.network.flow

    def forward(
        self,
        state: Mapping[str, Tensor],
        params: Mapping[str, Tensor],
        dt: Tensor,
        geometry: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Drawn by torch's own generator."""
        return {POSITION: self.flow.draw(len(dt))}

    def config(self) -> dict[str, Any]:
        return {"network": self.network.config(), "dt": self.dt, "grid": list(self.grid)}
