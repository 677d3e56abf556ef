"""A column of sand that collapses: a graph network that moves every particle, one that moves a few which carry the
rest, and the solver that both learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch

from scenegrad.engine.dataset import Dataset
from scenegrad.generating import generate
from scenegrad.scenes import Uniform, vary
from scenegrad.scenes.library import sand_column
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.vary import Ensemble
from scenegrad.surrogates.data.formats.particles import ParticleTrajectories
from scenegrad.surrogates.data.split import SplitByPlace
from scenegrad.surrogates.data.windows import Windows
from scenegrad.surrogates.particles.carried import Carried
from scenegrad.surrogates.particles.gns import GNS
from scenegrad.surrogates.particles.interpolation import farthest_points
from scenegrad.surrogates.particles.surrogate import ParticleSurrogate
from scenegrad.surrogates.particles.targets import RandomWalk
from scenegrad.surrogates.recipes.budget import Trained, train_within
from scenegrad.surrogates.recipes.particle_runs import Compiled, Run, draw_runs, members_of, run_solver, run_surrogate
from scenegrad.surrogates.recipes.study import Study
from scenegrad.surrogates.training.settings import Settings
from scenegrad.view.report import Chapter, Claim, Stage, Table

__all__ = ["SandGNS"]

ANGLE = "sand.material.friction_angle"
STILL = ("affine", "deformation", "history")
HISTORY = 3  # frames


@dataclass(frozen=True)
class SandGNS(Study):
    """cells: of the solver in the width of the column. members: columns, whose sand has an angle of friction between 20
    and 40 degrees, of which `test` judge. carriers: particles that carry the others. fine: cells in the width where the
    carriers move another solver's particles, for `steps` learned steps; 0 leaves that out. seconds: that each training
    may take; 0 takes `epochs`. sight: of the networks, in distances between the particles that they see. noise: see
    RandomWalk."""

    title: ClassVar[str] = "Sand: a graph network, carriers of many particles, and the solver"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({
        "small": {
            "cells": 4, "members": 5, "test": 1, "carriers": 40, "fine": 6, "steps": 6, "seconds": 0.0, "epochs": 20,
            "width": 16, "rounds": 2,
        },
        "cpu": {},
        "gpu": {
            "cells": 32, "members": 200, "test": 20, "carriers": 2000, "fine": 128, "steps": 32, "seconds": 3600.0,
            "width": 128, "rounds": 10,
        },
    })  # fmt: skip

    cells: int = 10
    members: int = 28
    test: int = 4
    carriers: int = 300
    fine: int = 112
    steps: int = 4
    seconds: float = 150.0
    epochs: int = 1
    width: int = 32
    rounds: int = 4
    sight: float = 2.6
    noise: float = 0.5
    every: float = 0.02
    seed: int = 0

    def run(self, stage: Stage) -> Chapter:
        columns = ParticleTrajectories.of(self.data(stage), "particles")
        few = columns.thinned(self.carriers)
        everyone = self.trained("every particle", columns, stage)
        carrying = self.trained("carriers", few, stage)
        test = members_of(self.ensemble(), range(self.members - self.test, self.members), stage.device)
        steps, dt = columns.position[0].shape[0] - 1, columns.dt
        chosen = farthest_points(test[1].position[0].cpu(), self.carriers)
        true = run_solver("solver", test, dt, steps, stage.device)
        runs = (
            true,
            run_surrogate("every particle", self.in_place(everyone.fit.model, test), test, steps, stage.device),
            run_surrogate("carriers", self.in_place(self.carried(carrying, chosen), test), test, steps, stage.device),
        )
        others = self.of_carriers(carrying, test, chosen, true, steps, stage)
        large = self.on_many(carrying, stage) if self.fine else ()
        pictures = [self.picture("columns", runs, steps, stage)]
        pictures += [self.picture("many", large, self.steps, stage)] if large else []
        return Chapter(
            self.title,
            TEXT,
            pictures=tuple(pictures),
            claims=self.claims(runs, others, large),
            tables=(self.table(runs, (everyone, carrying)), *([self.table_of_many(large)] if large else [])),
            facts={
                "data": f"{self.members} columns of {columns.position[0].shape[1]} particles, {self.test} to judge by",
                "carriers alone": f"error {others:.3g} of the carriers themselves",
            },
        )

    def scene(self, cells: int) -> Scene:
        return sand_column(cells=cells, friction_angle=Uniform(20.0, 40.0), every=self.every)

    def ensemble(self, cells: int = 0) -> Ensemble:
        return vary(self.scene(cells or self.cells), self.members, seed=self.seed)

    def data(self, stage: Stage) -> Dataset:
        return generate(self.ensemble(), out=stage.folder / "data", device=stage.device, batch=8, progress=False)

    def network(self, count: int) -> GNS:
        """For so many particles in the column: they see as many neighbours, however many they are."""
        torch.manual_seed(self.seed)
        width, height = 0.1, 0.2
        apart = (width * height / count) ** 0.5
        far = float("inf")
        return GNS(
            self.width, self.sight * apart, ["position"], [ANGLE], rounds=self.rounds, walls=((0.0, 0.0), (far, far)),
            components={"position": 2}, history=HISTORY,
        )  # fmt: skip

    def trained(self, name: str, data: ParticleTrajectories, stage: Stage) -> Trained:
        count = data.position[0].shape[1]
        last = tuple(range(self.members - self.test, self.members))
        settings = Settings(
            epochs=self.epochs, batch_size=max(1, 1200 // count), learning_rate=2e-3, target=RandomWalk(self.noise),
            average=0.995 if self.seconds else 0.9, seed=self.seed,
        )  # fmt: skip
        windows = Windows(data, split=SplitByPlace((0,), last))
        out = stage.folder / name.replace(" ", "_")
        return train_within(self.seconds, self.network(count), windows, settings, out=out, device=stage.device)

    def carried(self, trained: Trained, chosen: torch.Tensor) -> Carried:
        """The field of a carrier reaches as far as the carriers see."""
        model: Any = trained.fit.model
        return Carried(model, chosen, model.operator.radius)

    def in_place(self, model: Any, compiled: Compiled) -> ParticleSurrogate[Any]:
        return ParticleSurrogate(model, like=compiled[0], still=STILL)

    def of_carriers(
        self, trained: Trained, test: Compiled, chosen: torch.Tensor, true: Run, steps: int, stage: Stage
    ) -> float:
        """Error of the carriers themselves, as the network moves them."""
        made = run_surrogate("", self.in_place(self.carried(trained, chosen), test), test, steps, stage.device)
        return Run("", made.position[:, :, chosen], 0.0).error(Run("", true.position[:, :, chosen], 0.0))

    def on_many(self, trained: Trained, stage: Stage) -> tuple[Run, Run]:
        """The solver with many particles, and the same carriers that move them."""
        test = members_of(self.ensemble(self.fine), [self.members - 1], stage.device)
        chosen = farthest_points(test[1].position[0].cpu(), self.carriers)
        count = f"{test[1].position.shape[1]:,} particles"
        return (
            run_solver(f"solver, {count}", test, self.every, self.steps, stage.device),
            run_surrogate(
                f"{self.carriers} carriers, {count}", self.in_place(self.carried(trained, chosen), test), test,
                self.steps, stage.device,
            ),
        )  # fmt: skip

    def picture(self, name: str, runs: tuple[Run, ...], steps: int, stage: Stage) -> Any:
        shown = [steps // 3, 2 * steps // 3, steps]
        size = min(8.0, max(0.6, 4000.0 / runs[0].position.shape[2]))
        caption = f"{', '.join(run.name for run in runs)}: a column that none of the networks has seen."
        return draw_runs(stage.folder / f"{name}.png", runs, 0, shown, self.every, caption, size)

    def claims(self, runs: tuple[Run, ...], others: float, large: tuple[Run, ...]) -> tuple[Claim, ...]:
        true, everyone, carried = runs
        small = not self.seconds
        found = [
            Claim("error of carriers and what they carry", carried.error(true), 0.5 if small else 0.05),
            Claim("what is carried errs as its carriers do, ratio", carried.error(true) / others, 2.0),
            Claim("run-out by carriers, relative error", away(carried, true), 0.5 if small else 0.1),
        ]
        if small:
            found.append(Claim("error of every particle moved", everyone.error(true), 0.5))
        else:
            found += [
                Claim("error of every particle moved", everyone.error(true), 0.05),
                Claim("run-out by every particle moved, relative error", away(everyone, true), 0.1),
            ]
        if large:
            found.append(Claim(f"error, {large[1].name}", large[1].error(large[0]), 0.5 if small else 0.05))
        if large and not small:
            gain = large[0].seconds / large[1].seconds
            found.append(Claim("many particles: solver over carriers, time", gain, 10.0, False))
        return tuple(found)

    def table(self, runs: tuple[Run, ...], trained: tuple[Trained, ...]) -> Table:
        true = runs[0]
        taken: list[str | float] = ["", *(made.seconds for made in trained)]
        rows: list[tuple[str | float, ...]] = [
            (run.name, run.error(true), run.last_error(true), front(run), away(run, true), 1e3 * run.seconds, spent)
            for run, spent in zip(runs, taken, strict=True)
        ]
        columns = ("", "error", "at the end", "run-out [m]", "its error", "ms per learned step", "training [s]")
        return Table(f"{true.position.shape[2]} particles, {len(true.position)} columns", columns, tuple(rows))

    def table_of_many(self, runs: tuple[Run, ...]) -> Table:
        true = runs[0]
        rows = [(run.name, run.error(true), run.last_error(true), run.seconds) for run in runs]
        return Table(f"{self.steps} learned steps", ("", "error", "at the end", "s per learned step"), tuple(rows))


def front(run: Run) -> float:
    """How far the sand has come at the end [m]: beyond it lies one particle in a hundred; the mean over the members."""
    return float(torch.quantile(run.position[:, -1, :, 0], 0.99, dim=1).mean())


def away(run: Run, true: Run) -> float:
    """Relative error of the way that the front has gone, the mean over the members."""
    ends = [torch.quantile(one.position[:, -1, :, 0], 0.99, dim=1) for one in (run, true)]
    start = torch.quantile(true.position[:, 0, :, 0], 0.99, dim=1)
    return float(((ends[0] - ends[1]).abs() / (ends[1] - start)).mean())


TEXT = """A column of sand twice as high as wide collapses on rough ground, solved by material points; its angle of
friction is drawn between 20 and 40 degrees. One graph network learns to move every particle
[Sanchez-Gonzalez et al. 2020, arXiv:2002.09405]. Another sees a few of them only, and what lies between is carried
along by the smooth field through their displacements, a reduced order in the manner of
[Viswanath et al. 2024, arXiv:2407.03925]. Both stand in the solver's place: the solver makes the first two steps.

The error is the mean square of how far particles are from where the solver has them, over that of how far they went: 0
is perfect, 1 as good as sand that never falls. Times are of one processor for one learned step of 0.02 s, in which the
solver takes many. The carriers were taught by a coarse solver; in the second table they move the particles of a fine
one, which they have never seen."""
