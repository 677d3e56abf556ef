"""Optimising with a surrogate to the solver's own optimum: how many calls of the solver does that take?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch

from scenegrad.engine.optimise import Best, optimise
from scenegrad.engine.rollout import rollout
from scenegrad.generating import generate
from scenegrad.scenes.vary import vary
from scenegrad.solvers.compile import compile_scene
from scenegrad.surrogates.data.responses import Responses
from scenegrad.surrogates.data.split import Split
from scenegrad.surrogates.foresight import Foresight
from scenegrad.surrogates.operators.mlp import MLP
from scenegrad.surrogates.recipes.design_problems import Drag, Problem, Stiffness, marked
from scenegrad.surrogates.recipes.landscapes import Heights, draw_landscapes
from scenegrad.surrogates.recipes.study import Study
from scenegrad.surrogates.training.gradient_targets import WithGradients
from scenegrad.surrogates.training.loop import train
from scenegrad.surrogates.training.settings import Settings
from scenegrad.view.plots import Curve, Panel, plot_panels
from scenegrad.view.report import Chapter, Claim, Picture, Stage, Table

__all__ = ["TrustRegion"]

SOURCE = "the optimum of the solver alone, with five times fewer calls of it"


@dataclass(frozen=True)
class Race:
    """One target: both searches, to the same tolerance. A call is one value of the objective with its gradient."""

    target: int
    alone: Best
    together: Best

    @property
    def apart(self) -> float:
        """Of the optimum with the surrogate above that of the solver alone, relative; below zero, it is better."""
        return self.together.value / self.alone.value - 1.0

    def calls(self, best: Best) -> int:
        """Until the objective is within 1 % of the lower of both optima."""
        goal = 1.01 * min(self.alone.value, self.together.value)
        return next((n for n, trial in enumerate(best.history, 1) if trial.value <= goal), len(best.history) + 1)


@dataclass(frozen=True)
class TrustRegion(Study):
    """problems: "stiffness", "drag". solves: to train each surrogate on, with gradients. targets: of each problem.
    blocks, cells: of the tower. fewer: how many times fewer calls of the solver there must be."""

    title: ClassVar[str] = "The solver's optimum, found with a surrogate"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({
        "small": {
            "problems": ("stiffness",), "solves": (24,), "targets": 1, "blocks": 2, "cells": 8, "steps": 300,
            "width": 32, "fewer": 1.0,
        },
        "cpu": {},
        "gpu": {"solves": (512, 256), "targets": 8, "steps": 20000, "width": 128},
    })  # fmt: skip

    problems: tuple[str, ...] = ("stiffness", "drag")
    solves: tuple[int, ...] = (192, 32)
    targets: int = 2
    blocks: int = 6
    cells: int = 16
    steps: int = 2000
    width: int = 64
    tolerance: float = 1e-6
    fewer: float = 5.0
    seed: int = 3

    def run(self, stage: Stage) -> Chapter:
        claims: list[Claim] = []
        rows: list[tuple[str | float, ...]] = []
        panels: list[Panel] = []
        pictures: list[Picture] = []
        facts: dict[str, str] = {}
        for name, solves in zip(self.problems, self.solves, strict=True):
            problem: Problem = Drag() if name == "drag" else Stiffness(self.blocks, self.cells)
            model, cost = self.taught(problem, solves, stage)
            races = [self.race(problem, model, target, stage) for target in range(self.targets)]
            claims += self.claims(name, races)
            rows += [row for race in races for row in rows_of(name, race)]
            panels += [panel_of(name, race) for race in races[:2]]
            if name == "stiffness":
                pictures.append(self.landscape(problem, model, races[0], stage))
            facts |= facts_of(name, solves, races) | cost
        picture = plot_panels(panels, stage.folder / "trust_region.png")
        return Chapter(
            self.title,
            "A network learns outputs of a scene as functions of its parameters, from values and adjoint gradients. "
            "Then it stands in for the solver in searches for several targets: each begins where the network has its "
            "optimum, and goes on by the network, corrected to value and slope of the solver at the best point so far, "
            "until the solver says that this is the optimum. Beside it is L-BFGS-B on the solver alone, to the same "
            "tolerance.\n\n"
            "A call is one simulation with the gradient of the objective. The solves to train on are counted apart; "
            "they pay after the number of searches that the facts tell.",
            pictures=(Picture(picture, "Objective over calls of the solver, above the optimum."), *pictures),
            claims=tuple(claims),
            tables=(Table("Calls of the solver", COLUMNS, tuple(rows)),),
            facts=facts,
        )

    def taught(self, problem: Problem, solves: int, stage: Stage) -> tuple[Any, dict[str, str]]:
        stage.say(f"{problem.name}: {solves} solves with gradients")
        drawn = problem.scene(dict.fromkeys(problem.addresses, problem.drawn))
        made = generate(
            vary(drawn, solves, seed=self.seed), out=stage.folder / f"{problem.name}_{solves}", batch=16,
            of=problem.numbers, gradients=problem.addresses, dtype="float64", device=stage.device, progress=False,
        )  # fmt: skip
        data = Responses.of(made, split=Split(0.0, 0.0))
        settings = Settings(
            epochs=max(1, round(self.steps * 8 / solves)), batch_size=8, learning_rate=5e-3, target=WithGradients(),
            seed=self.seed,
        )  # fmt: skip
        torch.manual_seed(self.seed)
        fit = train(
            MLP.of(data, width=self.width), data, out=stage.folder / f"training_{problem.name}", settings=settings,
            device=stage.device, progress=False, resume=True,
        )  # fmt: skip
        spent = made.costs
        told = f"{spent['solve']:.3g} s for values, {spent['gradients']:.3g} s with gradients"
        return fit.model, {f"{problem.name}: {solves} solves to train on, processor time": told}

    def race(self, problem: Problem, model: Any, target: int, stage: Stage) -> Race:
        stage.say(f"{problem.name}: target {target}")
        solver, state, params = compile_scene(marked(problem), device=stage.device, dtype="float64")
        objective, penalty = problem.objective(target, self.seen(problem, target, stage))
        common: dict[str, Any] = {"penalty": penalty, "tolerance": self.tolerance, "steps": 100}
        alone = optimise(solver, state, params, objective, **common)
        fast = Foresight(model, solver)
        together = optimise(fast, state, params, objective, verify=solver, region=float("inf"), **common)
        return Race(target, alone, together)

    def landscape(self, problem: Problem, model: Any, race: Race, stage: Stage) -> Picture:
        """Over the first two parameters, the others at the optimum."""
        pair = problem.addresses[:2]
        found = {address: race.together.params[address].detach() for address in problem.addresses}
        objective, _ = problem.objective(race.target, self.seen(problem, race.target, stage))

        def of(stand_in: bool) -> Heights:
            def heights(points: np.ndarray) -> np.ndarray:
                many = [marked(problem)] * len(points)
                solver, _, params = compile_scene(many, device=stage.device, dtype="float64")
                told = params.detach().replace({a: value.expand(len(points)).clone() for a, value in found.items()})
                told = told.replace({a: torch.from_numpy(points[:, n].copy()) for n, a in enumerate(pair)})
                assert solver.program.initial is not None
                engine = Foresight(model, solver) if stand_in else solver
                with torch.no_grad():
                    return objective(rollout(engine, solver.program.initial(told), told)).numpy()

            return heights

        path = draw_landscapes(
            {"solver": of(False), "surrogate": of(True)},
            {"solver alone": race.alone.history, "with the surrogate": race.together.history},
            (pair[0], pair[1]), problem.bounds, stage.folder / "landscape.png", problem.log,
        )  # fmt: skip
        return Picture(path, "The objective over two moduli, the others at the optimum, and where the searches went.")

    def seen(self, problem: Problem, target: int, stage: Stage) -> dict[str, float]:
        """The numbers at the hidden parameters."""
        solver, _, params = compile_scene(marked(problem), device=stage.device, dtype="float64")
        hidden = {a: torch.full_like(params[a], value).detach() for a, value in problem.hidden(target).items()}
        told = params.detach().replace(hidden)
        assert solver.program.initial is not None
        with torch.no_grad():
            outputs = rollout(solver, solver.program.initial(told), told).outputs
        return {number.series: ended(outputs, number.series) for number in problem.numbers}

    def claims(self, name: str, races: list[Race]) -> list[Claim]:
        worst = max(race.apart for race in races)
        alone = sum(race.calls(race.alone) for race in races)
        together = sum(race.calls(race.together) for race in races)
        return [
            Claim(f"{name}: optimum with the surrogate above that of the solver alone", worst, 0.01, source=SOURCE),
            Claim(
                f"{name}: calls to within 1 %, alone over with the surrogate",
                alone / together,
                self.fewer,
                False,
                SOURCE,
            ),
        ]


COLUMNS = (
    "problem", "target", "search", "optimum", "calls to within 1 %", "calls to its end", "calls of the surrogate",
)  # fmt: skip


def rows_of(name: str, race: Race) -> list[tuple[str | float, ...]]:
    return [
        (
            name,
            str(race.target),
            what,
            best.value,
            str(race.calls(best)),
            str(len(best.history)),
            str(len(best.surrogate)),
        )
        for what, best in (("solver alone", race.alone), ("with the surrogate", race.together))
    ]


def panel_of(name: str, race: Race) -> Panel:
    lowest = min(race.alone.value, race.together.value)

    def curve(best: Best, label: str, colour: int) -> Curve:
        values = np.minimum.accumulate([trial.value for trial in best.history])
        above = np.maximum(values / lowest - 1.0, 1e-9)
        return Curve(np.arange(1, len(above) + 1), above, label, "o-", colour)

    drawn = [curve(race.alone, "solver alone", 1), curve(race.together, "with the surrogate", 0)]
    title = f"{name}, target {race.target}"
    return Panel(drawn, title, "calls of the solver", "best so far above the optimum", log="y", levels={"1 %": 0.01})


def facts_of(name: str, solves: int, races: list[Race]) -> dict[str, str]:
    saved = np.mean([race.calls(race.alone) - race.calls(race.together) for race in races])
    ends = np.mean([len(race.alone.history) - len(race.together.history) for race in races])

    def after(number: float) -> str:
        return f"{solves / number:.1f}" if number > 0 else "never"

    return {
        f"{name}: searches after which the {solves} solves to train on have paid": (
            f"{after(float(saved))} to within 1 %, {after(float(ends))} to the end"
        )
    }


def ended(outputs: Mapping[str, Any], series: str) -> float:
    """The last frame of one series: "force.force.0"."""
    name, key, entry = series.split(".")
    measured = outputs[name]
    return float((measured[key] if isinstance(measured, Mapping) else measured)[0, -1, int(entry)])
