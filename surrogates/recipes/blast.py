"""Blasts by a network that says how long its next step may be: a learned step size beside steps of one length.

Shocks ask for short steps while they are strong, and for ever longer ones later. As in ShockCast [Helwig et al. 2025,
arXiv:2506.07969] one network predicts the step and another takes it, told how long it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch

from scenegrad.engine.dataset import Dataset
from scenegrad.engine.errors import Diverged, StabilityError
from scenegrad.engine.fields import fields_of
from scenegrad.engine.rollout import rollout
from scenegrad.generating import generate
from scenegrad.scenes import Uniform, library, vary
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.compile import compile_scene
from scenegrad.surrogates.data.split import SplitByPlace
from scenegrad.surrogates.data.windows import Windows
from scenegrad.surrogates.operators.grids import Bounded
from scenegrad.surrogates.operators.unet import UNet
from scenegrad.surrogates.recipes.blast_runs import Frames, Run
from scenegrad.surrogates.recipes.budget import train_within
from scenegrad.surrogates.recipes.learned_pace import LearnedPace
from scenegrad.surrogates.recipes.log_gas import FIELDS, InLogs, Logs
from scenegrad.surrogates.recipes.study import Study
from scenegrad.surrogates.surrogate import Pace, Surrogate
from scenegrad.surrogates.training.settings import Settings
from scenegrad.surrogates.training.targets import Noise
from scenegrad.view.plots import Curve, Panel, Row, plot_panels, plot_tiles
from scenegrad.view.report import Chapter, Claim, Picture, Stage, Table

__all__ = ["Blast"]

STRIDE = 2  # frames of the shortest step: errors add up over short ones, and windows begin at every frame
LEADS = (1, 2, 4)


@dataclass(frozen=True)
class Blast(Study):
    """members: blasts, of which `test` judge. frames: of each. cells: along each edge. seconds: that the training of
    the stepping network may take; 0 takes `epochs`. stable: of the solver's stable steps, how many make the step that
    the pace aims at. lessons: of the network that says it. accurate: its relative error, as claimed. beats: the error
    at the end that is claimed, relative to standing still."""

    title: ClassVar[str] = "Blasts with a learned step size"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({
        "small": {
            "cells": 16, "members": 8, "test": 2, "ratio": 4.0, "stable": 8.0, "widths": (12, 24), "seconds": 0.0,
            "epochs": 3, "lessons": 300, "accurate": 0.1, "beats": 1.0,
        },
        "cpu": {},
        "gpu": {
            "cells": 128, "members": 90, "test": 10, "frames": 97, "ratio": 49.5, "stable": 64.0,
            "widths": (64, 128, 256), "seconds": 3600.0,
        },
    })  # fmt: skip

    cells: int = 32
    members: int = 28
    test: int = 4
    frames: int = 65
    ratio: float = 10.0
    stable: float = 20.0
    widths: tuple[int, ...] = (16, 32, 64)
    seconds: float = 150.0
    epochs: int = 1
    batch: int = 8
    lessons: int = 1500
    accurate: float = 0.05
    beats: float = 0.5
    seed: int = 0

    def scene(self) -> Scene:
        """The gas inside has 2 to `ratio` times the pressure of that around it, and up to twice its density."""
        plain = library.blast(cells=self.cells, frames=self.frames)
        pressure, density = float(plain.at("gas.pressure")), float(plain.at("gas.density"))
        ranges = {
            "gas.patches.0.pressure": Uniform(2.0 * pressure, self.ratio * pressure),
            "gas.patches.0.density": Uniform(density, 2.0 * density),
        }
        every = plain.time.end / (self.frames - 1)
        fields = {"fields": {"kind": "fields", "quantities": ["density", "velocity", "pressure"], "every": every}}
        return plain.replace({**ranges, "outputs": fields})

    def run(self, stage: Stage) -> Chapter:
        ensemble = vary(self.scene(), self.members, seed=self.seed)
        data: Dataset = generate(ensemble, out=stage.folder / "data", device=stage.device, progress=False)
        last = tuple(range(self.members - self.test, self.members))
        split = SplitByPlace((0,), last)
        torch.manual_seed(self.seed)
        model = UNet(2, self.widths, list(FIELDS), blocks=1, components={"velocity": 2}, surroundings=Bounded())
        settings = Settings(
            epochs=self.epochs, batch_size=self.batch, learning_rate=3e-3, target=Noise(0.02), seed=self.seed
        )
        logs = Logs(data)
        cut = Windows(logs, stride=STRIDE, leads=LEADS, split=split)
        stage.say("  training the network that steps")
        trained = train_within(self.seconds, model, cut, settings, out=stage.folder / "training", device=stage.device)
        solver, state, params = compile_scene([ensemble[i] for i in last], device=stage.device)
        states = Frames.of(logs, InLogs(solver), state, params, last)
        others = [i for i in range(self.members) if i not in last]
        taught, first, numbers = compile_scene([ensemble[i] for i in others], device=stage.device)
        stage.say("  training the network that says how long the next step may be")
        pace = LearnedPace(self.seed).taught(
            Frames.of(logs, InLogs(taught), first, numbers, others).lessons(self.stable), self.lessons
        )
        return self.judged(stage, trained.fit.model, states, pace, trained.seconds)

    def judged(self, stage: Stage, model: Any, true: Frames, pace: LearnedPace, seconds: float) -> Chapter:
        solver, state, params = true.solver, true.state, true.params
        off = torch.cat([pace(fields, params) / dt - 1.0 for fields, dt in true.lessons(self.stable)])
        paced = Surrogate(model, solver, pace=pace)
        physical = Surrogate(model, solver, pace=true.pace(self.stable))
        runs = {"learned step": self.run_of(paced, true), "step of the solver's bound": self.run_of(physical, true)}
        counts = [float(run.steps.double().mean()) for run in runs.values()]
        every = true.end / max(round(counts[0]), 1)
        for length in LEADS:
            dt = length * model.dt
            if length > 1:
                runs[f"steps of {dt:.3g} s"] = self.run_of(Surrogate(model, solver, dt=dt), true)
        begun = Run(fields_of(solver, state, params), torch.zeros(self.test))
        runs["standing still"] = begun
        parts = {name: true.errors(run.fields) for name, run in runs.items()}
        errors = {name: sum(found) / len(found) for name, found in parts.items()}
        steps = true.solver_steps()
        rows: list[tuple[str | float, ...]] = [
            (name, float(run.steps.double().mean()), *parts[name], errors[name]) for name, run in runs.items()
        ]
        best = min(value for name, value in errors.items() if name != "standing still")
        return Chapter(
            self.title,
            __doc__.split("\n\n", 1)[1].strip().replace("\n", " "),
            pictures=(self.draw_fields(stage, runs, true), self.draw_steps(stage, paced, pace, true)),
            claims=(
                Claim(
                    "root mean square error of the learned step, relative",
                    float(off.square().mean().sqrt()), self.accurate,
                ),
                Claim(
                    "error at the end with the learned step, relative to standing still",
                    errors["learned step"] / errors["standing still"], self.beats,
                ),
                Claim(
                    "the same, relative to that with steps from the solver's own bound",
                    errors["learned step"] / errors["step of the solver's bound"], 1.1,
                ),
            ),
            tables=(
                Table(
                    "Relative L2 errors at the end, means over the test; pressures in atmospheres, densities in kg/m^3",
                    ("steps", "number of them", "log density", "velocity", "log pressure", "mean"),
                    tuple(rows),
                ),
            ),
            facts={
                "training": f"{seconds:.0f} s",
                "steps of the solver": f"{steps:.0f}",
                "mean learned step": f"{every:.3g} s",
                "best of all": f"{best:.3g}",
            },
        )  # fmt: skip

    def run_of(self, surrogate: Surrogate[Any], true: Frames) -> Run:
        """A flow that the network drives where no gas can be counts as one that is wrong without bounds."""
        try:
            with torch.no_grad():
                made = rollout(surrogate, true.state, true.params, true.end, probes=())
        except (Diverged, StabilityError):
            return Run({name: torch.full_like(value, torch.inf) for name, value in true.last.items()}, torch.zeros(1))
        return Run(fields_of(true.solver, made.state, true.params), made.steps)

    def draw_fields(self, stage: Stage, runs: Mapping[str, Run], true: Frames) -> Picture:
        learned = [(name, run.fields) for name, run in runs.items() if "step" in name and "bound" not in name]
        chosen = [("solver", true.last), *learned]
        names = [name for name, _ in chosen]
        rows = [
            Row(name, [told[f"log_{name}"][0].exp().cpu().numpy() for _, told in chosen], titles, name, unit)
            for name, titles, unit in (("pressure", names, "atm"), ("density", (), "kg/m^3"))
        ]
        path = plot_tiles(rows, stage.folder / "fields.png")
        return Picture(path, "One blast of the test at the end, by the solver and by the network")

    def draw_steps(self, stage: Stage, paced: Surrogate[Any], pace: Pace, true: Frames) -> Picture:
        times = true.times[:-1]
        told = torch.stack([pace(true.fields(n), true.params) for n in range(len(times))], dim=1)
        right = torch.stack([dt for _, dt in true.lessons(self.stable)], dim=1)[:, : len(times)]
        curves = [
            one
            for member in range(min(self.test, 3))
            for one in (
                Curve(times, right[member], f"{self.stable:.0f} stable steps" if member == 0 else "", "--", "soft"),
                Curve(times, told[member].detach(), f"blast {member}, learned", "-", member),
            )
        ]
        path = plot_panels([Panel(curves, x="time [s]", y="step [s]")], stage.folder / "steps.png")
        return Picture(path, "How long the next step may be, by the solver and by the network that learnt it")
