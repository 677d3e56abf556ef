"""A surrogate with its solver behind it: ten times as long as it was trained for, within bounds, and faster than the
solver on the coarsest grid of equal error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch

from scenegrad.generating import generate
from scenegrad.scenes import vary
from scenegrad.scenes.library import kolmogorov
from scenegrad.scenes.scene import Scene
from scenegrad.surrogates.data.split import SplitByPlace
from scenegrad.surrogates.data.windows import Windows
from scenegrad.surrogates.operators.staggered import Staggered
from scenegrad.surrogates.recipes.budget import Trained, train_within
from scenegrad.surrogates.recipes.safe_runs import Bench, Judged, draw_judged, judge
from scenegrad.surrogates.recipes.study import Study
from scenegrad.surrogates.training.settings import Settings
from scenegrad.surrogates.training.targets import Noise
from scenegrad.view.report import Chapter, Claim, Stage, Table

__all__ = ["SafeKolmogorov"]


@dataclass(frozen=True)
class SafeKolmogorov(Study):
    """viscosities: of a chaotic flow, of which spectra and energies are judged, and of a calm one, of which the path is
    too. cells: of the solver and of the surrogate. every: the learned step, many of the solver's [s]. start, end: of
    what is learnt from; longer: how many times as long the long runs are. check: cells of the solver that checks.
    resolutions: of the solvers that are raced, over `horizon` [s]. seconds: for the training of the chaotic flow; the
    calm one has a quarter of it. limits: of energy, spectrum and path."""

    title: ClassVar[str] = "A safeguarded surrogate: ten times longer than its training, and faster than the solver"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({
        "small": {
            "cells": 32, "viscosities": (0.03, 0.1), "members": 8, "start": 1.0, "end": 4.0, "every": 0.25,
            "seconds": 0.0, "epochs": 30, "modes": 6, "width": 16, "batch": 4, "check": 16, "resolutions": (16, 24),
            "longer": 3.0, "race": False, "quantile": 0.85, "limits": (0.2, 1.5, 0.5),
        },
        "cpu": {},
        "gpu": {"cells": 256, "viscosities": (1e-3, 0.1), "members": 128, "end": 22.0, "seconds": 1200.0,
                "modes": 32, "width": 64, "batch": 16, "check": 96, "resolutions": (64, 96, 128, 192, 256)},
    })  # fmt: skip

    cells: int = 64
    viscosities: tuple[float, float] = (0.01, 0.1)
    members: int = 30
    start: float = 2.0
    end: float = 12.0
    every: float = 0.5
    seconds: float = 75.0
    epochs: int = 1
    modes: int = 12
    width: int = 32
    batch: int = 8
    check: int = 24
    quantile: float = 0.95
    resolutions: tuple[int, ...] = (16, 24, 28, 32, 48, 64)
    horizon: float = 2.0
    longer: float = 10.0
    race: bool = True
    limits: tuple[float, float, float] = (0.1, 0.15, 0.1)
    seed: int = 0

    def run(self, stage: Stage) -> Chapter:
        judged = {}
        for name, viscosity in zip(("chaotic", "calm"), self.viscosities, strict=True):
            made = self.trained(name, viscosity, stage)
            bench = Bench(self.scene(viscosity), made.fit, self.every, stage.device)
            judged[name] = judge(
                bench, self.check, self.quantile, horizon=self.horizon, long=self.longer * (self.end - self.start),
                resolutions=self.resolutions,
            )  # fmt: skip
        return Chapter(
            self.title,
            TEXT.strip(),
            pictures=tuple(p for name, one in judged.items() for p in draw_judged(stage.folder, name, one)),
            claims=self.claims(judged),
            tables=tuple(self.table(name, one) for name, one in judged.items()),
            facts={f"{name}: trusted": f"{one.accepted:.1%} of {one.steps} steps" for name, one in judged.items()},
        )

    def scene(self, viscosity: float) -> Scene:
        return kolmogorov(cells=self.cells, viscosity=viscosity, end=self.end, every=self.every)

    def trained(self, name: str, viscosity: float, stage: Stage) -> Trained:
        ensemble = vary(self.scene(viscosity), self.members, seed=self.seed)
        made = generate(ensemble, out=stage.folder / f"{name}_data", device=stage.device, batch=8, progress=False)
        kept = max(2, self.members // 10)
        split = SplitByPlace(tuple(range(kept)), tuple(range(kept, 2 * kept)))
        data = Windows(made, first=round(self.start / self.every), split=split)
        torch.manual_seed(self.seed)
        inner = {
            "kind": "fno", "modes": [self.modes, self.modes], "width": self.width, "depth": 3,
            "surroundings": {"kind": "torus", "harmonics": [0, 4]},
        }  # fmt: skip
        settings = Settings(
            epochs=self.epochs, batch_size=self.batch, learning_rate=6e-3, target=Noise(0.02), seed=self.seed
        )
        model = Staggered(inner, ["vorticity"], factor=2)
        seconds = self.seconds if name == "chaotic" else self.seconds / 4.0
        found = train_within(seconds, model, data, settings, out=stage.folder / name, device=stage.device)
        stage.say(f"  {name}: {len(found.fit.history)} epochs, {found.seconds:.0f} s")
        return found

    def claims(self, judged: Mapping[str, Judged]) -> tuple[Claim, ...]:
        found = []
        energy, spectrum, path = self.limits
        for name, one in judged.items():
            found += [
                Claim(f"{name}: largest doubt of a step that was taken, in thresholds", one.largest_doubt, 1.0),
                Claim(
                    f"{name}: energy, farthest outside the band of the solver, over its mean",
                    one.outside_energy,
                    energy,
                ),
            ]
            if name == "calm":
                found.append(Claim("calm: path of the long run, largest relative L2", one.path, path))
            else:
                found.append(
                    Claim(f"{name}: spectrum of the long run, mean |log10| from the solver's", one.spectrum, spectrum)
                )
            if self.race and name == "chaotic":
                found.append(Claim(
                    f"{name}: speed over the cheapest solver of equal error, after {self.horizon:g} s", one.speed_up,
                    1.0, at_most=False,
                ))  # fmt: skip
        return tuple(found)

    def table(self, name: str, one: Judged) -> Table:
        rows = tuple((who, race.error, 1e3 * race.seconds, race.note) for who, race in one.races.items())
        return Table(
            f"{name}, viscosity {self.viscosities[0 if name == 'chaotic' else 1]:g}: one flow over {self.horizon:g} s",
            ("who", "relative L2", "ms per simulated s", ""), rows,
        )  # fmt: skip


TEXT = """
A network learns steps that are many of the solver's, and a coarse solver goes each of them too: where the two are
farther apart than they were on 95 of 100 steps that the network had not seen, the solver goes this step itself. So a
run may go on for ten times as long as the training data did. In the chaotic flow the path is lost to everyone after a
while; what has to stay is the residual, which is that distance, the spectrum and the energy. The calm flow keeps its
path as well.

The race is over a time in which the path is known: whoever is as exact as the safeguarded surrogate, on the fewest
cells, is its competitor. All times are those of one flow on one core, checks and fallbacks included.
"""
