"""What adjoint gradients are worth as training data: more from each solve, and more from each second."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch

from scenegrad.surrogates.data.responses import Responses, gradient_of
from scenegrad.surrogates.operators.mlp import MLP
from scenegrad.surrogates.recipes.steering import ADDRESS, COST, Steering, descended
from scenegrad.surrogates.recipes.study import Study
from scenegrad.surrogates.training.gradient_targets import WithGradients
from scenegrad.surrogates.training.loop import train
from scenegrad.surrogates.training.settings import Settings
from scenegrad.surrogates.training.targets import Regression
from scenegrad.view.plots import Curve, Panel, plot_panels
from scenegrad.view.report import Chapter, Claim, Picture, Stage, Table

__all__ = ["DataAndGradients"]

COLUMNS = (
    "solves",
    "data",
    "error",
    "cosine of gradient",
    "cost at its optimum",
    "solves take, s",
    "training takes, s",
)


@dataclass(frozen=True)
class Judged:
    """One network: what it was trained on, and how it fares against the solver."""

    solves: int
    gradients: bool
    error: float  # root mean square over the standard deviation of the cost
    cosine: float  # mean, of its gradient with the solver's
    reached: float  # cost at its optimum, as the solver says; median of the starts
    solving: float  # seconds of processor time
    training: float

    @property
    def row(self) -> tuple[str | float, ...]:
        what = "values and gradients" if self.gradients else "values"
        return (str(self.solves), what, self.error, self.cosine, self.reached, self.solving, self.training)


@dataclass(frozen=True)
class DataAndGradients(Study):
    """few: numbers of solves of the problem with `few_parameters`. many: solves with gradients of that with
    `many_parameters`; values alone get as many solves as take the same time. test: fresh solves that judge. starts: of
    descents on each surrogate. steps: of the optimiser in each training. gain: how many times as many values alone the
    gradients must be worth. ratio: of the time of a value with its gradient to that of a value; 0 measures it. better:
    by what factor gradients must be better at equal time."""

    title: ClassVar[str] = "Data and adjoint gradients"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({
        "small": {
            "few": (24, 48), "gain": 2, "many_parameters": 16, "many": 32, "many_cells": 64, "test": 48, "starts": 3,
            "steps": 200, "width": 48, "ratio": 4.0, "better": 1.3,
        },
        "cpu": {},
        "gpu": {"few": (64, 256, 1024, 4096), "many": 1024, "test": 2048, "starts": 64, "steps": 10000, "width": 256},
    })  # fmt: skip

    few: tuple[int, ...] = (64, 256, 1024)
    few_parameters: int = 8
    many: int = 256
    many_parameters: int = 64
    many_cells: int = 128
    test: int = 256
    starts: int = 16
    steps: int = 1500
    width: int = 96
    learning_rate: float = 5e-3
    gain: int = 4
    ratio: float = 0.0
    better: float = 2.0
    seed: int = 7

    def run(self, stage: Stage) -> Chapter:
        few = Steering(stage.folder / "data", self.few_parameters)
        many = Steering(
            stage.folder / "data", self.many_parameters, self.many_cells, end=0.3, dt=0.0025, amplitude=0.8, decay=1.0
        )
        few.made(8, 1, stage.device)  # what is loaded at first is not what a solve takes
        by_solves = self.at_equal_solves(few, stage)
        by_time = self.at_equal_time(many, stage)
        picture = self.drawn(by_solves, by_time, stage)
        return Chapter(
            self.title,
            "Burgers' equation starts from waves with given coefficients and shall end in a wanted field. A network "
            "learns the mean square distance from it as a function of the coefficients: from values alone, and from "
            "values with the gradients that one adjoint solve gives, whatever the number of coefficients. All solves "
            "are drawn by one Sobol sequence; both networks are the same, and make as many steps of the optimiser.\n\n"
            "The cost at the optimum is what the solver says where a descent on the network ends; zero can be reached.",
            pictures=(picture,),
            claims=self.claims(by_solves, by_time),
            tables=(
                Table(f"{self.few_parameters} parameters, equal numbers of solves", COLUMNS, rows(by_solves)),
                Table(f"{self.many_parameters} parameters, equal time of solves", COLUMNS, rows(by_time)),
            ),
            facts=facts(by_solves, self.few_parameters) | facts(by_time, self.many_parameters),
        )

    def at_equal_solves(self, problem: Steering, stage: Stage) -> list[Judged]:
        data = problem.responses(max(self.few), self.seed, stage.device)
        seconds = self.seconds(problem, max(self.few), stage)
        return [
            self.judged(problem, data.first(count), gradients, seconds, stage)
            for count in self.few
            for gradients in (False, True)
        ]

    def at_equal_time(self, problem: Steering, stage: Stage) -> list[Judged]:
        """Gradients for `many` solves; values of these, and of as many as could be had in their time, whose network is
        trained once for as many steps and once for as long."""
        known = problem.responses(self.many, self.seed, stage.device)
        value, gradient = self.seconds(problem, self.many, stage)
        more = round(self.many * (self.ratio or gradient / value))
        plain = Responses.of(problem.made(more, self.seed, stage.device, gradients=False), split=known.split)
        few = self.judged(problem, known, False, (value, gradient), stage)
        more_values = self.judged(problem, plain, False, (value, gradient), stage)
        gradients = self.judged(problem, known, True, (value, gradient), stage)
        longer = max(1.0, gradients.training / max(more_values.training, 1e-9))
        return [few, more_values, self.judged(problem, plain, False, (value, gradient), stage, longer), gradients]

    def seconds(self, problem: Steering, members: int, stage: Stage) -> tuple[float, float]:
        """Processor time of one value, and of one value with its gradient."""
        costs = problem.made(members, self.seed, stage.device).costs
        return costs["solve"] / members, costs["gradients"] / members

    def judged(
        self, problem: Steering, data: Responses, gradients: bool, seconds: tuple[float, float], stage: Stage,
        longer: float = 1.0,
    ) -> Judged:  # fmt: skip
        count = len(data.y[COST.name])
        stage.say(
            f"{problem.parameters} parameters, {count} solves, {'values and gradients' if gradients else 'values'}"
        )
        batch = min(32, max(8, count // 4))
        epochs = max(1, round(longer * self.steps / -(-count // batch)))
        settings = Settings(
            epochs=epochs, batch_size=batch, learning_rate=self.learning_rate, seed=self.seed,
            target=WithGradients() if gradients else Regression(),
        )  # fmt: skip
        torch.manual_seed(self.seed)
        begun = time.process_time()
        name = f"training/p{problem.parameters}_{count}_{'gradients' if gradients else 'values'}"
        name += f"_{epochs}_epochs" if longer > 1.0 else ""
        fit = train(
            MLP.of(data, width=self.width), data if gradients else data.without_gradients(), out=stage.folder / name,
            settings=settings, device=stage.device, progress=False, resume=True,
        )  # fmt: skip
        took = time.process_time() - begun
        fresh = problem.responses(self.test, self.seed + 1, stage.device)
        value, slopes = gradient_of(fit.model, fresh.x, COST.name)
        true, slope = fresh.y[COST.name], fresh.slopes[COST.name][ADDRESS]
        found = slopes[ADDRESS]
        cosine = (found * slope).sum(1) / (np.linalg.norm(found, axis=1) * np.linalg.norm(slope, axis=1))
        ends = descended(fit.model, fresh.x[ADDRESS][: self.starts], problem.bounds)
        return Judged(
            count,
            gradients,
            float(np.sqrt(np.mean((value - true) ** 2)) / np.std(true)),
            float(cosine.mean()),
            float(np.median(problem.cost(ends))),
            count * seconds[gradients],
            took,
        )

    def claims(self, by_solves: list[Judged], by_time: list[Judged]) -> tuple[Claim, ...]:
        values = {one.solves: one for one in by_solves if not one.gradients}
        both = {one.solves: one for one in by_solves if one.gradients}
        found = [
            Claim(f"{n} solves: error with gradients over that without", both[n].error / values[n].error, 1.0)
            for n in self.few
        ]
        source = "prototype with 8 parameters: 256 solves with gradients match 1,024 without"
        for n in self.few:
            if (more := self.gain * n) in values:
                over = f"{n} solves with gradients over {more} without"
                found += [
                    Claim(f"{over}: error", both[n].error / values[more].error, 1.0, source=source),
                    Claim(f"{over}: cosine of gradient", both[n].cosine / values[more].cosine, 1.0, False, source),
                ]
        _, *plain, gradients = by_time
        more_values = min(plain, key=lambda one: one.error)
        what = f"{self.many_parameters} parameters, equal time ({gradients.solves} solves against {more_values.solves})"
        found += [
            Claim(
                f"{what}: error without gradients over that with",
                more_values.error / gradients.error,
                self.better,
                False,
            ),
            Claim(f"{what}: cost at the optimum, with over without", gradients.reached / more_values.reached, 1.0),
        ]
        return tuple(found)

    def drawn(self, by_solves: list[Judged], by_time: list[Judged], stage: Stage) -> Picture:
        parts = [("values", False, 1), ("values and gradients", True, 0)]

        def curves(what: str, over: str = "solves") -> list[Curve]:
            found = []
            for label, gradients, colour in parts:
                chosen = [one for one in by_solves if one.gradients == gradients]
                found.append(
                    Curve([getattr(o, over) for o in chosen], [getattr(o, what) for o in chosen], label, "o-", colour)
                )
            return found

        later = [
            Curve([one.solving], [one.error], f"{one.solves} {label}", "o", colour)
            for label, gradients, colour in parts
            for one in by_time
            if one.gradients == gradients
        ]
        title = f"{self.few_parameters} parameters"
        panels = [
            Panel(curves("error"), title, "solves", "error of the cost", log="xy"),
            Panel(curves("reached"), title, "solves", "true cost at its optimum", log="xy"),
            Panel(curves("error", "solving"), title, "processor time of solves [s]", "error of the cost", log="xy"),
            Panel(
                later,
                f"{self.many_parameters} parameters",
                "processor time of solves [s]",
                "error of the cost",
                log="xy",
            ),
        ]
        path = plot_panels(panels, stage.folder / "data_and_gradients.png")
        return Picture(path, "Networks trained on values, and on values with adjoint gradients.")


def rows(found: list[Judged]) -> tuple[tuple[str | float, ...], ...]:
    return tuple(one.row for one in found)


def facts(found: list[Judged], parameters: int) -> dict[str, str]:
    value = next(one.solving / one.solves for one in found if not one.gradients)
    gradient = next(one.solving / one.solves for one in found if one.gradients)
    told = f"{1e3 * gradient:.3g} ms, {gradient / value:.2f} times as much"
    return {
        f"a value, {parameters} parameters": f"{1e3 * value:.3g} ms of processor time",
        f"a value with its gradient, {parameters} parameters": told,
    }
