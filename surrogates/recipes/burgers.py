"""Burgers' equation: from the start to t = 1 in one step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch

from scenegrad.generating import generate
from scenegrad.scenes import vary
from scenegrad.scenes.library import fno_burgers
from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.data.split import SplitByPlace
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.operators.fno import FNO
from scenegrad.surrogates.recipes.function_pairs import (
    LearntPairs,
    at_points,
    facts_of,
    frames_of,
    learning_curve,
    of_grids,
    transfer,
)
from scenegrad.surrogates.training.losses import relative_l2
from scenegrad.view.plots import Curve, Panel, plot_panels
from scenegrad.view.report import Chapter, Claim, Picture, Stage

__all__ = ["Burgers"]


@dataclass(frozen=True)
class Burgers(LearntPairs):
    """fine: points of the solver. points: those trained on; tested: all that are tested on, each divides `fine`.
    For the rest see LearntPairs."""

    title: ClassVar[str] = "Burgers' equation by a Fourier neural operator"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({
        "small": {
            "fine": 128, "tested": (64, 128), "members": 96, "test": 16, "seconds": 0.0, "epochs": 60,
            "width": 16, "depth": 2, "limit": 0.05,
        },
        "cpu": {},
        "gpu": {
            "fine": 8192, "points": 1024, "tested": (256, 1024, 2048, 8192), "test": 200, "seconds": 0.0,
            "epochs": 500, "width": 64, "batch": 20,
        },
    })  # fmt: skip

    fine: int = 1024
    points: int = 64
    tested: tuple[int, ...] = (64, 128, 1024)
    viscosity: float = 0.1
    modes: int = 16
    limit: float = 0.002

    def run(self, stage: Stage) -> Chapter:
        pairs = self.pairs(stage)
        torch.manual_seed(self.seed)
        model = FNO((self.modes,), self.width, ["start"], outputs=["velocity"], depth=self.depth)
        made, errors = self.learnt(stage, model, pairs, self.points)
        return Chapter(
            self.title,
            TEXT.strip(),
            pictures=(self.drawn(made.fit.model, pairs, stage), learning_curve(made.fit, stage.folder / "loss.png")),
            claims=(
                Claim(f"relative L2 at {self.points} points", errors[self.points], self.limit, source=SOURCE),
                transfer(errors, self.points, next(n for n in self.tested if n > self.points)),
            ),
            tables=(of_grids(errors, self.points),),
            facts={
                **facts_of(made, model),
                "relative L2 of the heat equation, the same without u u_x": f"{self.by_heat(pairs[self.points]):.4f}",
            },
        )

    def by_heat(self, pairs: Pairs) -> float:
        """Mean relative L2 of what diffusion alone would make of the starts."""
        start, end = (torch.from_numpy(given).double() for given in (pairs.x["start"], pairs.y["velocity"]))
        k = 2.0 * math.pi * torch.arange(self.points // 2 + 1)
        alone = torch.fft.irfft(torch.fft.rfft(start) * torch.exp(-self.viscosity * k**2), n=self.points)
        return float(relative_l2(alone, end).mean())

    def pairs(self, stage: Stage) -> dict[int, Pairs]:
        """By points, the start and the end of every run."""
        scene, count = fno_burgers(cells=self.fine, viscosity=self.viscosity), self.members + self.test
        ensemble, out = vary(scene, count, seed=self.seed), stage.folder / "data"
        data = generate(ensemble, out=out, device=stage.device, batch=50, progress=False)
        u, split = frames_of(data, "velocity", slice(None)), SplitByPlace((), tuple(range(self.members, count)))
        on = {n: at_points(u, n, 1) for n in sorted({self.points, *self.tested})}
        return {n: Pairs.from_arrays({"start": v[:, 0]}, {"velocity": v[:, -1]}, split=split) for n, v in on.items()}

    def drawn(self, model: Dressed, pairs: Mapping[int, Pairs], stage: Stage) -> Picture:
        finest = max(pairs)
        window = pairs[finest].bind(model.names, 1).window("test", range(3)).to(stage.device)
        with torch.no_grad():
            found = model(window.inputs, window.params, window.dt)["velocity"].cpu()
        x = np.arange(finest) / finest
        curve = partial(Curve, x)
        starts, ends = window.inputs["start"].cpu(), window.targets[0]["velocity"].cpu()
        panels = [Panel([curve(u, colour="soft")], x="x", y="velocity at the start") for u in starts]
        panels += [
            Panel([curve(true, "solver"), curve(one, "network", "--", 1)], x="x", y="velocity at t = 1")
            for true, one in zip(ends, found, strict=True)
        ]
        return Picture(
            plot_panels(panels, stage.folder / "runs.png", columns=3),
            f"Three runs of the test part, asked for at {finest} points of a network that was trained at "
            f"{self.points}.",
        )


SOURCE = "Li et al. 2021, arXiv:2010.08895, table 3: 0.0149 on their own data, drawn with other constants"

TEXT = """
u_t + (u^2 / 2)_x = nu u_xx with nu = 0.1 on a circle of length 1. The starts are Gaussian with covariance
625 (-laplace + 25)^-2, and a Fourier neural operator learns the map from u(0) to u(1) [Li et al. 2021,
arXiv:2010.08895, section 5.1 and appendix A.3.1].

At this viscosity little more than one wave is left in the end, and how much of it is decided by the product u u_x. The
network is then asked on finer grids, on which it was never trained.
"""
