"""Smoke that rises in a closed box: networks that keep its air free of divergence, judged by the solver.

The data are like the smoke of PDEArena [Gupta & Brandstetter 2022, arXiv:2209.15616], with buoyancies that vary.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor

from scenegrad.engine.dataset import Dataset
from scenegrad.engine.rollout import rollout
from scenegrad.generating import generate
from scenegrad.scenes import vary
from scenegrad.scenes.library import smoke_plume
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import Uniform
from scenegrad.solvers.compile import compile_scene
from scenegrad.surrogates.constraints import DivergenceFreeBox
from scenegrad.surrogates.data.samples import Samples
from scenegrad.surrogates.data.split import SplitByPlace
from scenegrad.surrogates.data.windows import Windows
from scenegrad.surrogates.evaluation.examination import Examination, examine
from scenegrad.surrogates.evaluation.forecasts import blocks
from scenegrad.surrogates.evaluation.rollouts import carry
from scenegrad.surrogates.model import Model
from scenegrad.surrogates.operators.fno import FNO
from scenegrad.surrogates.operators.grids import Bounded
from scenegrad.surrogates.operators.unet import UNet
from scenegrad.surrogates.recipes.budget import Trained, train_within
from scenegrad.surrogates.recipes.study import Study
from scenegrad.surrogates.training.settings import Settings
from scenegrad.surrogates.training.targets import Noise
from scenegrad.view.plots import Curve, Panel, Row, plot_panels, plot_tiles
from scenegrad.view.report import Chapter, Claim, Picture, Stage, Table

__all__ = ["Smoke"]

BUOYANCY = "smoke.buoyancy.1"  # the upward component


@dataclass(frozen=True)
class Smoke(Study):
    """cells: along each edge, of the solver and the models. members: trajectories from t = 0 to `end`, of which `test`
    judge; every: a learned step [s]. buoyancy: drawn from this range [m/s^2]. seconds: for each training; 0 takes
    `epochs`. widths: of the U-Net; modes, width: of the FNO. share: what the better model claims of persistence."""

    title: ClassVar[str] = "Smoke in a closed box: learned steps whose air has no divergence"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({
        "small": {
            "cells": 16, "members": 8, "test": 2, "end": 12.0, "seconds": 0.0, "epochs": 12, "widths": (8, 16),
            "modes": 6, "width": 8, "batch": 4, "share": 0.6,
        },
        "cpu": {},
        "gpu": {"cells": 128, "members": 512, "test": 32, "end": 60.0, "seconds": 1500.0, "widths": (64, 128, 256, 256),
                "modes": 24, "width": 64, "batch": 32},
    })  # fmt: skip

    cells: int = 32
    members: int = 36
    test: int = 6
    end: float = 30.0
    every: float = 1.5
    buoyancy: tuple[float, float] = (0.2, 0.5)
    seconds: float = 40.0
    epochs: int = 1
    widths: tuple[int, ...] = (16, 32, 64)
    modes: int = 12
    width: int = 24
    batch: int = 8
    share: float = 0.5
    seed: int = 0

    def run(self, stage: Stage) -> Chapter:
        ensemble = vary(self.scene(), self.members, seed=self.seed)
        data = generate(ensemble, out=stage.folder / "data", device=stage.device, batch=4, progress=False)
        trained = {name: self.trained(name, model, data, stage) for name, model in self.models().items()}
        seen = {name: examine(made.fit.model, made.fit.samples) for name, made in trained.items()}
        samples = next(iter(trained.values())).fit.samples
        broken = {name: violation(made.fit.model, made.fit.samples) for name, made in trained.items()}
        own = float(lost(next(blocks(trained["U-Net"].fit.model, samples, "test")).targets[-1]["velocity"]))
        costs = {name: seconds_of_step(made.fit.model, samples) for name, made in trained.items()}
        solver = self.seconds_of_solver(stage)
        return Chapter(
            self.title,
            TEXT.strip(),
            pictures=self.pictures(stage.folder, trained, samples, seen),
            claims=self.claims(seen, broken),
            tables=(self.table(trained, seen, broken, costs, solver, own),),
        )

    def scene(self) -> Scene:
        return smoke_plume(cells=self.cells, buoyancy=Uniform(*self.buoyancy), end=self.end, every=self.every)

    def windows(self, data: Dataset) -> Windows:
        last = tuple(range(self.members - self.test, self.members))
        return Windows(data, split=SplitByPlace((0,), last))

    def models(self) -> dict[str, Model]:
        torch.manual_seed(self.seed)
        told: dict[str, Any] = {
            "parameters": [BUOYANCY], "components": {"velocity": 2}, "surroundings": Bounded(),
            "constraints": [DivergenceFreeBox("velocity")],
        }  # fmt: skip
        fields = ["smoke", "velocity"]
        return {
            "U-Net": UNet(2, self.widths, fields, blocks=1, **told),
            "FNO": FNO((self.modes, self.modes), self.width, fields, depth=3, **told),
        }

    def trained(self, name: str, model: Model, data: Dataset, stage: Stage) -> Trained:
        settings = Settings(
            epochs=self.epochs, batch_size=self.batch, learning_rate=4e-3, target=Noise(0.02), seed=self.seed
        )
        out = stage.folder / name.lower()
        made = train_within(self.seconds, model, self.windows(data), settings, out=out, device=stage.device)
        stage.say(f"  {name}: {len(made.fit.history)} epochs, {made.seconds:.0f} s")
        return made

    def seconds_of_solver(self, stage: Stage) -> float:
        """Of a core, for one learned step of one flow in full motion."""
        solver, state, params = compile_scene(self.scene().median(), device=stage.device)
        params = params.detach()
        with torch.no_grad():
            state = rollout(solver, state, params, 0.5 * self.end, probes=()).state
            begun = time.process_time()
            rollout(solver, state, params, 0.5 * self.end + 4 * self.every, start=0.5 * self.end, probes=())
        return (time.process_time() - begun) / 4

    def claims(self, seen: Mapping[str, Examination], broken: Mapping[str, tuple[float, float]]) -> tuple[Claim, ...]:
        best = min(one.numbers["one_step"] / one.numbers["persistence"] for one in seen.values())
        worst = max(held for _, held in broken.values())
        return (
            Claim("what is not free of divergence in learned velocities, over all of them", worst, 1e-5),
            Claim("the same before the projection", max(free for free, _ in broken.values()), 1e-3, at_most=False),
            Claim("best one-step error over that of persistence", best, self.share),
        )

    def table(
        self, trained: Mapping[str, Trained], seen: Mapping[str, Examination],
        broken: Mapping[str, tuple[float, float]], costs: Mapping[str, float], solver: float, own: float,
    ) -> Table:  # fmt: skip
        rows: list[tuple[str | float, ...]] = []
        for name, one in seen.items():
            n = one.numbers
            rows.append((
                name, trained[name].seconds, n["one_step"], n["vrmse"], n["rollout_vrmse"], n["correlation_time"],
                *broken[name], 1e3 * costs[name], solver / costs[name],
            ))  # fmt: skip
        rows.append(("solver", *[""] * 5, "", own, 1e3 * solver, 1.0))
        persistence = next(iter(seen.values())).numbers["persistence"]
        return Table(
            f"{self.cells} x {self.cells} cells, one step of {self.every:g} s; persistence {persistence:.3f}",
            ("model", "training [s]", "one step", "VRMSE", "VRMSE at the end", "correlation > 0.8 [s]",
             "divergent, raw", "projected", "ms per step", "speed-up"),
            tuple(rows),
        )  # fmt: skip

    def pictures(
        self, folder: Path, trained: Mapping[str, Trained], samples: Samples, seen: Mapping[str, Examination]
    ) -> tuple[Picture, ...]:
        window = next(blocks(trained["U-Net"].fit.model, samples, "test"))
        steps = len(window.targets)
        at = [0, steps // 3, 2 * steps // 3, steps - 1]
        true = [window.targets[n]["smoke"][0].numpy() for n in at]
        rows = [Row("solver", true, [f"{(n + 1) * self.every:g} s" for n in at], "smoke")]
        curves = []
        times = self.every * torch.arange(1, steps + 1)
        for number, (name, made) in enumerate(trained.items()):
            frames = [one["smoke"][0].numpy() for one in carry(made.fit.model, window)]
            rows.append(Row(name, [frames[n] for n in at], like=true))
            along = seen[name].along
            curves.append(Curve(times, along.vrmse.mean(0), name, colour=number))
        edges = (float(self.cells), float(self.cells))
        return (
            Picture(plot_tiles(rows, folder / "smoke.png", size=edges), "Smoke of one test run, each from its start."),
            Picture(
                plot_panels([Panel(curves, x="time [s]", y="VRMSE of smoke and air")], folder / "vrmse.png"),
                "Error of the models, carried on by themselves; 1 is that of the mean.",
            ),
        )


TEXT = """
Two networks learn a step of smoke and air, told how strong the buoyancy is. Their velocities are projected onto those
that a closed box allows: nothing through the walls, no divergence. The projection is that of the staggered grid of the
solver, seen from the middles of its cells, so that it leaves what the solver does as it is.
"""


def lost(velocity: Tensor) -> Tensor:
    """The part of velocities that the projection takes away, over all of them."""
    kept = DivergenceFreeBox().tangent(velocity.double())
    return (kept - velocity.double()).norm() / velocity.double().norm()


def violation(model: Any, samples: Samples) -> tuple[float, float]:
    """Of one step from the middle of every test trajectory: before the projection, and after it."""
    window = next(blocks(model, samples, "test"))
    begin = dict(window.targets[len(window.targets) // 2])
    found, constraints = [], model.operator.constraints
    try:
        for held in ((), constraints):
            model.operator.constraints = held
            with torch.no_grad():
                found.append(float(lost(model(begin, window.params, window.dt)["velocity"])))
    finally:
        model.operator.constraints = constraints
    return found[0], found[1]


def seconds_of_step(model: Any, samples: Samples, repeats: int = 5) -> float:
    """Of a core, for one flow."""
    window = samples.window("test", [0]).to(str(next(model.parameters()).device))
    times: Sequence[float] = ()
    with torch.no_grad():
        for _ in range(repeats):
            begun = time.process_time()
            model(window.inputs, window.params, window.dt)
            times = [*times, time.process_time() - begun]
    return min(times)
