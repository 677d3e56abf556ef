"""What studies share in which flows learn to draw the media of a scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from scenegrad.scenes.scene import Scene
from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.data.split import Split
from scenegrad.surrogates.evaluation.sliced import sliced_wasserstein
from scenegrad.surrogates.evaluation.spectrum import spectrum_error
from scenegrad.surrogates.flows.flow import Flow
from scenegrad.surrogates.operators.grids import Bounded
from scenegrad.surrogates.operators.unet import UNet
from scenegrad.surrogates.recipes.porous_media import permeabilities
from scenegrad.surrogates.recipes.study import Study
from scenegrad.surrogates.training.fit import Fit
from scenegrad.surrogates.training.loop import train
from scenegrad.surrogates.training.targets import Target
from scenegrad.view.report import Stage

__all__ = ["ALL", "DrawnMedia", "Media"]

ALL = Split(0.0, 0.0)  # all is for learning, what judges is drawn anew


@dataclass(frozen=True)
class Media:
    """Permeabilities [medium, cells, cells]. known: to learn from. truth, other: two sets to judge by, unseen."""

    known: Tensor
    truth: Tensor
    other: Tensor

    @property
    def data(self) -> Pairs:
        return Pairs.from_arrays({}, {"k": self.known.numpy()}, split=ALL)

    def apart(self, made: Tensor) -> tuple[float, float, float]:
        """Sliced W1 and W2 from the truth, in standard deviations, and the error of the spectrum."""
        mean, unit = self.known.mean(), self.known.std()
        a, b = (made - mean) / unit, (self.truth - mean) / unit
        return sliced_wasserstein(a, b), sliced_wasserstein(a, b, order=2.0), spectrum_error(a, b, 2)


@dataclass(frozen=True)
class DrawnMedia(Study):
    """cells: along an axis. examples: media to learn from. drawn: by each flow, and as many judge it. widths: of the
    network, the same for all flows."""

    small: ClassVar[dict[str, Any]] = {"cells": 8, "examples": 256, "drawn": 128, "widths": (8, 16), "batch_size": 32}
    large: ClassVar[dict[str, Any]] = {
        "cells": 64, "examples": 16384, "drawn": 4096, "batch_size": 128, "learning_rate": 1e-3,
    }  # fmt: skip

    cells: int = 16
    examples: int = 2048
    drawn: int = 1024
    widths: tuple[int, ...] = (16, 32)
    batch_size: int = 64
    learning_rate: float = 3e-3
    seed: int = 0

    def media(self, scene: Scene) -> Media:
        fields = permeabilities(scene, self.examples + 2 * self.drawn, 10**6 * self.seed)
        return Media(*fields.split([self.examples, self.drawn, self.drawn]))

    def fresh(self, **how: Any) -> Flow:
        """A flow that has learnt nothing; its network begins with the same numbers every time."""
        torch.manual_seed(self.seed)
        return Flow(UNet(2, self.widths, [], outputs=["k"], blocks=1, surroundings=Bounded()), **how)

    def learnt(
        self, stage: Stage, name: str, flow: Flow, data: Pairs, epochs: int, target: Target | None = None
    ) -> Fit:
        return train(
            flow, data, out=stage.folder / name.replace(" ", "_"), epochs=epochs, batch_size=self.batch_size,
            learning_rate=self.learning_rate, target=target, seed=self.seed, device=stage.device, progress=False,
            resume=True,
        )  # fmt: skip

    def draw(self, model: Any, count: int) -> Tensor:
        """With the same noise every time [count, cells, cells]."""
        like = model.scales.output_mean
        noise = torch.randn(count, 1, self.cells, self.cells, generator=torch.Generator().manual_seed(1)).to(like)
        with torch.no_grad():
            return torch.cat([model({}, {}, torch.ones(len(z)).to(like), noise=z)["k"] for z in noise.split(256)]).cpu()
