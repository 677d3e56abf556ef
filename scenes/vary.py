"""Ensembles: the members of a scene that holds distributions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from scipy.stats import qmc

from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import RandomField

__all__ = ["Ensemble", "vary"]


@dataclass(frozen=True)
class Ensemble(Sequence[Scene]):
    """n members of a scene. Member i depends on the scene, the seed, the sampler and i alone, not on n or on order."""

    scene: Scene
    n: int
    seed: int = 0
    sampler: Literal["sobol", "random"] = "sobol"

    def __post_init__(self) -> None:
        if self.n < 1:
            raise SceneError(f"An ensemble has at least one member; got n={self.n}.")
        if self.sampler not in ("sobol", "random"):
            raise SceneError(f"Unknown sampler {self.sampler!r}; there are 'sobol' and 'random'.")
        if not self.scene.distributions():
            raise SceneError(
                f"Scene {self.scene.name!r} holds no distribution, so all members would be the same. "
                f"Give a value such as Uniform(0.5, 1.5) or GaussianField(...), or run the scene once."
            )

    @cached_property
    def drawn(self) -> dict[str, Any]:
        """Distributions of numbers, by address."""
        return {a: d for a, d in self.scene.distributions().items() if not isinstance(d, RandomField)}

    @cached_property
    def fields(self) -> dict[str, RandomField]:
        return {a: d for a, d in self.scene.distributions().items() if isinstance(d, RandomField)}

    def values(self, index: int) -> dict[str, float]:
        """What member `index` draws, by address."""
        if not self.drawn:
            return {}
        if self.sampler == "sobol":
            points = qmc.Sobol(len(self.drawn), scramble=True, rng=np.random.default_rng(self.seed))
            u = (points.fast_forward(index) if index else points).random(1)[0]
        else:
            u = self.rng(index).random(len(self.drawn))
        return {a: d.quantile(float(p)) for (a, d), p in zip(self.drawn.items(), u, strict=True)}

    def rng(self, index: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(index,)))

    def __getitem__(self, index: int) -> Scene:  # type: ignore[override]
        if not -self.n <= index < self.n:
            raise IndexError(f"member {index} of an ensemble of {self.n}")
        index %= self.n
        words = np.random.SeedSequence(self.seed, spawn_key=(index,)).generate_state(1 + len(self.fields))
        chosen: dict[str, Any] = {**self.values(index), "seed": int(words[0])}
        for address, word in zip(self.fields, words[1:], strict=True):
            chosen[f"{address}.seed"] = int(word)
        return self.scene.replace(chosen)

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[Scene]:
        return (self[i] for i in range(self.n))


def vary(scene: Scene, n: int, *, seed: int = 0, sampler: Literal["sobol", "random"] = "sobol") -> Ensemble:
    """n members drawn from the distributions of a scene, by a scrambled Sobol sequence or at random."""
    return Ensemble(scene, n, seed, sampler)
