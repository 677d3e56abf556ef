"""Kolmogorov flow: a U-Net, a Fourier neural operator, PDE-Refiner and an interpolant on the same data, for the same
time, beside the solver on coarser grids.

The truth is the solver's on a fine grid, shown to the models on a coarser one, as in [Kochkov et al. 2021, PNAS 118,
e2101784118] and [Lippe et al. 2023, arXiv:2308.05732].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch

from scenegrad.engine.dataset import Dataset
from scenegrad.generating import generate
from scenegrad.scenes import vary
from scenegrad.scenes.library import kolmogorov
from scenegrad.scenes.scene import Scene
from scenegrad.surrogates.constraints import DivergenceFree
from scenegrad.surrogates.data.split import SplitByPlace
from scenegrad.surrogates.data.windows import Windows
from scenegrad.surrogates.evaluation.cost import Cost, Spent, break_even
from scenegrad.surrogates.evaluation.examination import Examination, examine
from scenegrad.surrogates.flows.energy import EnergyConsistent
from scenegrad.surrogates.flows.flow import Flow
from scenegrad.surrogates.flows.refiner import Refiner
from scenegrad.surrogates.flows.samplers import Heun
from scenegrad.surrogates.flows.starts import FromPresent
from scenegrad.surrogates.model import Model
from scenegrad.surrogates.operators.fno import FNO
from scenegrad.surrogates.operators.grids import Torus
from scenegrad.surrogates.operators.unet import UNet
from scenegrad.surrogates.recipes.budget import Trained, train_within
from scenegrad.surrogates.recipes.coarse import coarse_solver
from scenegrad.surrogates.recipes.plane_flow import VORTICITY, AsVorticity, Filtered
from scenegrad.surrogates.recipes.study import Study
from scenegrad.surrogates.recipes.vorticity_runs import Run, carried, draw_runs, relative_divergence, solved
from scenegrad.surrogates.training.settings import Settings
from scenegrad.surrogates.training.targets import Noise
from scenegrad.view.report import Chapter, Claim, Stage, Table

__all__ = ["Kolmogorov"]

KOCHKOV = "Kochkov et al. 2021, PNAS 118, e2101784118; Lippe et al. 2023, arXiv:2308.05732"


@dataclass(frozen=True)
class Kolmogorov(Study):
    """fine, cells: along each edge, of the solver that makes the truth and of what the models see. members:
    trajectories, of which `test` judge. start, end: of what is learnt from and judged by [s]. seconds: that each
    training may take; 0 takes `epochs`. widths: of the U-Nets, level by level; modes, width: of the FNO. draws: of each
    forecast of a model that draws. beats: what the best model claims, as a share of the one-step error of persistence,
    and of the correlation time of the solver on the coarsest grid."""

    title: ClassVar[str] = "Kolmogorov flow: U-Net, FNO, PDE-Refiner and an interpolant side by side"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({
        "small": {
            "fine": 32, "cells": 16, "viscosity": 0.02, "members": 7, "test": 2, "start": 1.0, "end": 4.0,
            "seconds": 0.0, "epochs": 12, "widths": (8, 16), "modes": 6, "width": 10, "batch": 8, "draws": 4,
            "resolutions": (16, 24), "beats": (0.85, 0.2),
        },
        "cpu": {},
        "gpu": {
            "fine": 256, "cells": 64, "viscosity": 1e-3, "members": 128, "test": 16, "end": 20.0, "seconds": 1200.0,
            "widths": (64, 128, 256), "modes": 24, "width": 64, "draws": 16, "resolutions": (32, 64, 96, 128, 192),
        },
    })  # fmt: skip

    fine: int = 64
    cells: int = 32
    viscosity: float = 0.01
    members: int = 44
    test: int = 8
    start: float = 2.0
    end: float = 12.0
    every: float = 0.25
    seconds: float = 60.0
    epochs: int = 1
    widths: tuple[int, ...] = (16, 32, 64)
    modes: int = 12
    width: int = 24
    batch: int = 8
    draws: int = 8
    resolutions: tuple[int, ...] = (16, 24, 32, 48)
    beats: tuple[float, float] = (0.25, 1.0)
    seed: int = 0

    def run(self, stage: Stage) -> Chapter:
        data = self.data(stage)
        trained = {name: self.trained(name, model, data, stage) for name, model in self.models().items()}
        samples = self.windows(data).bind(VORTICITY, 1)
        coarse = coarse_solver(self.scene(), stage.device)
        models = {name: AsVorticity(made.fit.model) for name, made in trained.items()}
        seen = {name: examine(m, samples, draws=self.draws if name in DRAWN else 1) for name, m in models.items()}
        costs = {name: break_even(m, samples, coarse, self.resolutions) for name, m in models.items()}
        sides = {name: relative_divergence(made.fit.model, samples) for name, made in trained.items()}
        runs = [carried(name, model, samples) for name, model in models.items()]
        solvers = [solved(coarse, cells, models["U-Net"], samples) for cells in self.resolutions]
        return Chapter(
            self.title,
            TEXT.strip(),
            pictures=draw_runs(stage.folder, runs, solvers),
            claims=self.claims(seen, sides, solvers),
            tables=(
                self.table(trained, seen, costs, sides, getattr(data.data, "seconds", None)),
                self.of_solvers(costs, solvers),
                self.of_draws(seen),
            ),
            facts={"data": f"{self.members} trajectories, {self.test} of them to judge by"},
        )

    def scene(self) -> Scene:
        return kolmogorov(cells=self.fine, viscosity=self.viscosity, end=self.end, every=self.every)

    def data(self, stage: Stage) -> Filtered:
        ensemble = vary(self.scene(), self.members, seed=self.seed)
        made: Dataset = generate(ensemble, out=stage.folder / "data", device=stage.device, batch=8, progress=False)
        return Filtered(made, self.cells)

    def windows(self, data: Filtered) -> Windows:
        last = tuple(range(self.members - self.test, self.members))
        return Windows(data, first=round(self.start / self.every), split=SplitByPlace((0,), last))

    def models(self) -> dict[str, Model]:
        torch.manual_seed(self.seed)
        told: dict[str, Any] = {"components": {"velocity": 2}, "surroundings": Torus((0, 4))}

        def unet(**said: Any) -> UNet:
            return UNet(2, self.widths, ["velocity"], blocks=1, **told, **said)

        return {
            "U-Net": unet(),
            "FNO": FNO((self.modes, self.modes), self.width, ["velocity"], depth=3, **told),
            "PDE-Refiner": Refiner(unet(), steps=3, level=0.02),
            "interpolant": Flow(
                unet(constraints=[DivergenceFree()]),
                path=EnergyConsistent(),
                start=FromPresent(noise=0.2),
                sampler=Heun(2),
            ),
        }

    def trained(self, name: str, model: Model, data: Filtered, stage: Stage) -> Trained:
        target = None if name in DRAWN else Noise(0.05)
        settings = Settings(
            epochs=self.epochs, batch_size=self.batch, learning_rate=4e-3, target=target,
            average=0.995 if self.seconds else 0.9, seed=self.seed,
        )  # fmt: skip
        out = stage.folder / name.lower().replace(" ", "_")
        made = train_within(self.seconds, model, self.windows(data), settings, out=out, device=stage.device)
        stage.say(f"  {name}: {len(made.fit.history)} epochs, {made.seconds:.0f} s")
        return made

    def claims(
        self, seen: Mapping[str, Examination], sides: Mapping[str, float], solvers: Sequence[Run]
    ) -> tuple[Claim, ...]:
        best = max(one.numbers["correlation_time"] for one in seen.values())
        return (
            Claim("divergence of the interpolant over its vorticity", sides["interpolant"], 1e-5),
            Claim(
                "best one-step error over that of persistence",
                min(one.numbers["one_step"] / one.numbers["persistence"] for one in seen.values()),
                self.beats[0],
            ),
            Claim(
                f"longest correlation time over that of the {solvers[0].name}",
                best / max(solvers[0].correlation_time, 1e-9),
                self.beats[1],
                at_most=False,
                source=KOCHKOV,
            ),
        )

    def table(
        self, trained: Mapping[str, Trained], seen: Mapping[str, Examination], costs: Mapping[str, Cost],
        sides: Mapping[str, float], made_in: float | None,
    ) -> Table:  # fmt: skip
        rows: list[tuple[str | float, ...]] = []
        steps = round((self.end - self.start) / self.every)
        for name, one in seen.items():
            n, cost = one.numbers, costs[name]
            repaid = cost.solves_to_repay(Spent(made_in, trained[name].seconds), steps)
            rows.append((
                name, trained[name].seconds, n["one_step"], n["correlation_time"], n["spectrum"],
                n["W2 of kinetic energy"], sides[name], 1e3 * cost.seconds, str(cost.cheapest or "none"),
                cost.speed_up or float("nan"), "never" if repaid is None else repaid,
            ))  # fmt: skip
        persistence = next(iter(seen.values())).numbers["persistence"]
        return Table(
            f"Models on {self.cells} x {self.cells} points, one step of {self.every:g} s; persistence "
            f"{persistence:.3f}. Break-even: trajectories of {steps} steps that pay for data and training",
            ("model", "training [s]", "one step", "correlation > 0.8 [s]", "spectrum", "W2 of energy",
             "div / curl", "ms per step", "equal solver", "speed-up", "break-even"),
            tuple(rows),
        )  # fmt: skip

    def of_solvers(self, costs: Mapping[str, Cost], solvers: Sequence[Run]) -> Table:
        solver = next(iter(costs.values())).solver
        rows: list[tuple[str | float, ...]] = [
            (f"{cells}", solver[cells][0], 1e3 * solver[cells][1], run.correlation_time, run.spectrum)
            for cells, run in zip(self.resolutions, solvers, strict=True)
        ]
        return Table(
            f"The solver on other grids, the truth being {self.fine} x {self.fine}",
            ("cells", "one step", "ms per step", "correlation > 0.8 [s]", "spectrum"), tuple(rows),
        )  # fmt: skip

    def of_draws(self, seen: Mapping[str, Examination]) -> Table:
        names = ("crps", "spread_skill", "rank_distance", "of_mean_end", "crps_end", "spread_skill_end")
        rows: list[tuple[str | float, ...]] = [(name, *(seen[name].numbers[n] for n in names)) for name in DRAWN]
        return Table(f"Ensembles of {self.draws} draws: after one step, and at the end", ("model", *names), tuple(rows))


DRAWN = ("PDE-Refiner", "interpolant")

TEXT = """
Four models learn one step of the same turbulent flow, for the same time: a U-Net and a Fourier neural operator by their
error, PDE-Refiner by that and the noise on it, and an interpolant that leads from the present to the next state on a
path of consistent energy, its velocity projected onto flows without divergence.

Each is then carried on by itself beside the truth, and so is the solver on coarser grids: the correlation time is how
long the vorticity correlates with the truth by more than 0.8.
"""
