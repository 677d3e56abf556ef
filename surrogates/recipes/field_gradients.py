"""Adjoints of steps as training data: a network that steps Kolmogorov flow, with and without them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch

from scenegrad.engine.dataset import Dataset
from scenegrad.engine.step_adjoints import Adjoints
from scenegrad.generating import generate
from scenegrad.scenes.library import kolmogorov
from scenegrad.scenes.vary import vary
from scenegrad.surrogates.data.split import SplitByPlace
from scenegrad.surrogates.data.windows import Windows
from scenegrad.surrogates.data.with_adjoints import WithAdjoints
from scenegrad.surrogates.evaluation.rollouts import compare
from scenegrad.surrogates.operators.fno import FNO
from scenegrad.surrogates.recipes.study import Study
from scenegrad.surrogates.training.fit import Fit
from scenegrad.surrogates.training.gradient_targets import WithGradients
from scenegrad.surrogates.training.loop import train
from scenegrad.surrogates.training.losses import RelativeL2
from scenegrad.surrogates.training.settings import Settings
from scenegrad.surrogates.training.targets import OneStep
from scenegrad.view.plots import Curve, Panel, plot_panels
from scenegrad.view.report import Chapter, Claim, Picture, Stage, Table

__all__ = ["FieldGradients"]


@dataclass(frozen=True)
class Judged:
    """One network against the solver on trajectories that it has not seen."""

    name: str
    one_step: float  # relative L2
    adjoint: float  # relative error of J^T w, w as in the data
    errors: tuple[float, ...]  # relative L2 after 1, 2, ... steps
    training: float  # seconds of processor time

    @property
    def row(self) -> tuple[str | float, ...]:
        return (self.name, self.one_step, self.errors[-1], self.adjoint, self.training)


@dataclass(frozen=True)
class FieldGradients(Study):
    """members: trajectories to train on, `test` more judge. frames: steps of each. smooth: of the directions
    (Adjoints). weight: of the adjoints in the loss. longer: how many times as many epochs frames alone are given once
    more, as adjoints take longer to train on; 0 leaves that out. better: the most that errors with adjoints may be of
    those without."""

    title: ClassVar[str] = "Steps of Kolmogorov flow, learnt with their adjoints"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({
        "small": {
            "cells": 20, "members": 4, "test": 2, "frames": 4, "epochs": 80, "width": 12, "depth": 2, "modes": 5,
            "longer": 0.0,
        },
        "cpu": {},
        "gpu": {
            "cells": 64, "members": 64, "test": 16, "frames": 40, "epochs": 60, "width": 48, "depth": 4, "modes": 16,
        },
    })  # fmt: skip

    cells: int = 32
    viscosity: float = 0.02
    every: float = 0.25
    warmup: float = 2.0
    members: int = 8
    test: int = 4
    frames: int = 8
    epochs: int = 40
    width: int = 16
    depth: int = 3
    modes: int = 8
    batch: int = 8
    learning_rate: float = 4e-3
    smooth: float = 2.0
    weight: float = 0.3
    longer: float = 2.5
    better: float = 1.0
    seed: int = 4

    def run(self, stage: Stage) -> Chapter:
        data = self.data(stage)
        split = SplitByPlace(test=tuple(range(self.members, self.members + self.test)))
        windows = WithAdjoints(Windows(data, split=split))
        alone = [self.judged("frames", windows, OneStep(), stage)]
        if self.longer:
            name = f"frames, {self.longer:g} times the epochs"
            alone.append(self.judged(name, windows, OneStep(), stage, round(self.longer * self.epochs)))
        both = self.judged("frames and adjoints", windows, WithGradients(self.weight), stage)
        plain = min(alone, key=lambda one: one.one_step)
        costs = data.costs
        steps = [*range(1, len(plain.errors) + 1)]
        curves = [Curve(steps, one.errors, one.name, "o-", colour) for colour, one in ((1, plain), (0, both))]
        path = plot_panels(
            [Panel(curves, "trajectories not seen", "steps", "relative L2", log="y")], stage.folder / "rollouts.png"
        )
        solves = f"{self.members} trajectories of {self.frames} steps"
        return Chapter(
            self.title,
            "Beside the frames, the ensemble holds J^T w of every step between them, J its Jacobian and w smooth "
            "noise: one more number for each point and step, for one adjoint. Both networks see the same "
            f"{solves}; the claims are against the better of those without.",
            pictures=(Picture(path, "Error of rollouts, trained with and without the adjoints of the steps."),),
            claims=(
                Claim("error after one step, with adjoints over without", both.one_step / plain.one_step, self.better),
                Claim("error of the adjoint, with over without", both.adjoint / plain.adjoint, 0.8),
                Claim(
                    f"error after {len(steps)} steps, with adjoints over without", both.errors[-1] / plain.errors[-1],
                    self.better,
                ),
            ),
            tables=(
                Table(
                    solves,
                    ("data", "one step", f"{len(steps)} steps", "adjoint", "training takes, s"),
                    (*(one.row for one in alone), both.row),
                ),
            ),
            facts={
                "frames": f"{costs['solve']:.3g} s of processor time for all members",
                "with adjoints": f"{costs['adjoints']:.3g} s, {costs['adjoints'] / costs['solve']:.1f} times",
            },
        )  # fmt: skip

    def data(self, stage: Stage) -> Dataset:
        end = self.warmup + self.frames * self.every
        scene = kolmogorov(cells=self.cells, viscosity=self.viscosity, end=end, every=self.every)
        scene = scene.replace({"time.warmup": self.warmup})
        count = self.members + self.test
        return generate(
            vary(scene, count, seed=self.seed), out=stage.folder / "data", batch=min(8, count), device=stage.device,
            adjoints=Adjoints("fields", smooth=self.smooth), progress=False,
        )  # fmt: skip

    def judged(
        self, name: str, data: WithAdjoints, target: OneStep | WithGradients, stage: Stage, epochs: int = 0
    ) -> Judged:
        stage.say(f"training on {name}")
        torch.manual_seed(self.seed)
        network = FNO((self.modes, self.modes), self.width, ["vorticity"], depth=self.depth)
        count = epochs or self.epochs
        settings = Settings(
            epochs=count, batch_size=self.batch, learning_rate=self.learning_rate, target=target, seed=self.seed
        )
        begun = time.process_time()
        out = stage.folder / f"training_{'both' if isinstance(target, WithGradients) else 'frames'}_{count}"
        fit = train(network, data, out=out, settings=settings, device=stage.device, progress=False, resume=True)
        took = time.process_time() - begun
        errors = compare(fit.model, fit.samples).error.mean(dim=0)
        one_step = float(fit.evaluate(["one_step"])["one_step"])
        return Judged(name, one_step, adjoint_error(fit), tuple(map(float, errors)), took)


def adjoint_error(fit: Fit) -> float:
    """sqrt of the relative square error of J^T w over all windows of the test part."""
    window = fit.samples.window("test", list(range(fit.samples.count("test"))))
    random, loss = torch.Generator().manual_seed(0), RelativeL2()
    plain = OneStep()(fit.model, window, loss, random)
    return float((WithGradients(1.0, then=OneStep())(fit.model, window, loss, random) - plain).detach().sqrt())
