"""Darcy flow: from the permeability of two phases to the pressure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch

from scenegrad.generating import generate
from scenegrad.scenes import vary
from scenegrad.scenes.library import fno_darcy
from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.data.split import SplitByPlace
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.operators.fno import FNO
from scenegrad.surrogates.operators.grids import Bounded
from scenegrad.surrogates.recipes.function_pairs import (
    LearntPairs,
    at_centres,
    facts_of,
    frames_of,
    learning_curve,
    of_grids,
    transfer,
)
from scenegrad.view.plots import Row, plot_tiles
from scenegrad.view.report import Chapter, Claim, Picture, Stage

__all__ = ["Darcy"]


@dataclass(frozen=True)
class Darcy(LearntPairs):
    """fine: cells of the solver along each edge. cells: those trained on; tested: all that are tested on, each divides
    `fine`. For the rest see LearntPairs."""

    title: ClassVar[str] = "Darcy flow by a Fourier neural operator"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({
        "small": {
            "fine": 32, "cells": 16, "tested": (16, 32), "members": 64, "test": 12, "seconds": 0.0, "epochs": 30,
            "modes": 5, "width": 16, "depth": 3, "limit": 0.3,
        },
        "cpu": {},
        "gpu": {
            "fine": 425, "cells": 85, "tested": (85, 425), "test": 200, "seconds": 0.0, "epochs": 500, "width": 64,
            "batch": 20, "learning_rate": 2e-3, "limit": 0.0108,
        },
    })  # fmt: skip

    fine: int = 128
    cells: int = 64
    tested: tuple[int, ...] = (64, 128)
    modes: int = 12
    width: int = 24
    seconds: float = 150.0
    limit: float = 0.025

    def run(self, stage: Stage) -> Chapter:
        pairs = self.pairs(stage)
        torch.manual_seed(self.seed)
        model = FNO(
            (self.modes,) * 2, self.width, ["permeability"], outputs=["pressure"], depth=self.depth,
            surroundings=Bounded(),
        )  # fmt: skip
        made, errors = self.learnt(stage, model, pairs, self.cells)
        return Chapter(
            self.title,
            TEXT.strip(),
            pictures=(self.drawn(made.fit.model, pairs, stage), learning_curve(made.fit, stage.folder / "loss.png")),
            claims=(
                Claim(f"relative L2 at {self.cells}^2", errors[self.cells], self.limit, source=OF_PRESET),
                transfer(errors, self.cells, next(n for n in self.tested if n > self.cells)),
            ),
            tables=(of_grids(errors, self.cells),),
            facts=facts_of(made, model),
        )

    def pairs(self, stage: Stage) -> dict[int, Pairs]:
        """By cells, the permeability and the pressure of every medium."""
        count = self.members + self.test
        ensemble, out = vary(fno_darcy(cells=self.fine), count, seed=self.seed), stage.folder / "data"
        data = generate(ensemble, out=out, device=stage.device, batch=8, progress=False)
        medium, pressure = (frames_of(data, name, slice(-1, None))[:, 0] for name in ("permeability", "pressure"))
        split = SplitByPlace((), tuple(range(self.members, count)))
        return {
            n: Pairs.from_arrays(
                {"permeability": at_centres(medium, n, smooth=False)},
                {"pressure": at_centres(pressure, n, smooth=True)},
                split=split,
            )
            for n in sorted({self.cells, *self.tested})
        }

    def drawn(self, model: Dressed, pairs: Mapping[int, Pairs], stage: Stage) -> Picture:
        window = pairs[self.cells].bind(model.names, 1).window("test", range(4)).to(stage.device)
        with torch.no_grad():
            found = model(window.inputs, window.params, window.dt)["pressure"].cpu()
        true = window.targets[0]["pressure"].cpu()
        rows = [
            Row("medium", list(window.inputs["permeability"].cpu().numpy()), name="permeability"),
            Row("solver", list(true.numpy()), name="pressure"),
            Row("network", list(found.numpy()), name="pressure", like=list(true.numpy())),
            Row("difference", list((found - true).numpy()), name="pressure"),
        ]
        return Picture(plot_tiles(rows, stage.folder / "media.png"), "Four media of the test part.")


SOURCE = "Li et al. 2021, arXiv:2010.08895, table 4: 0.0108 at 85 x 85 with 1000 media and 500 epochs"
OF_PRESET = f"the limit is that of the preset; {SOURCE}"

TEXT = """
-div(a grad p) = 1 in a square with p = 0 on its sides. The permeability a is 12 where a Gaussian field of covariance
(-laplace + 9)^-2 is positive and 3 elsewhere, and a Fourier neural operator learns the map from a to p [Li et al. 2021,
arXiv:2010.08895, section 5.2].

All grids see the same solutions, those of the finest one.
"""
