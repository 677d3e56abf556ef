"""One turbulent flow as several coarser problems, in space and in time, that one network learns and that are put
together again.

The idea is that of [Huang et al. 2023, arXiv:2302.10255], who teach a network for each by the residual of the equations
and report runs 10 to 100 times as fast on GPUs; here one network serves all, taught by data.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor

from scenegrad.engine.dataset import Dataset
from scenegrad.engine.rollout import rollout
from scenegrad.generating import generate
from scenegrad.scenes import vary
from scenegrad.scenes.library import kolmogorov
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.compile import compile_scene
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.data.split import SplitByPlace
from scenegrad.surrogates.data.windows import Windows
from scenegrad.surrogates.evaluation.forecasts import blocks
from scenegrad.surrogates.model import Dressed, Model
from scenegrad.surrogates.operators.fno import FNO
from scenegrad.surrogates.operators.grids import Torus
from scenegrad.surrogates.operators.staggered import AsChannels, AsMembers, Staggered
from scenegrad.surrogates.recipes.budget import Trained, train_within
from scenegrad.surrogates.recipes.study import Study
from scenegrad.surrogates.recipes.vorticity_runs import Run, draw_runs
from scenegrad.surrogates.training.settings import Settings
from scenegrad.surrogates.training.targets import Noise
from scenegrad.view.report import Chapter, Claim, Stage, Table

__all__ = ["NeuralStagger", "woven"]

FIELDS = ["vorticity"]


@dataclass(frozen=True)
class NeuralStagger(Study):
    """cells: of the solver and of the whole. every: between frames [s]; weave: of how many interleaved sequences of
    frames the run in time is made. modes, width, depth: of the network on the whole grid; on the coarse ones it has as
    many modes as they can hold. seconds: for each training; 0 takes `epochs`. share: what every network claims of the
    error of persistence."""

    title: ClassVar[str] = "Coarse problems between each other's points: one network for all, put together"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({
        "small": {
            "cells": 24, "viscosity": 0.03, "members": 12, "test": 2, "start": 1.0, "end": 4.0, "seconds": 0.0,
            "epochs": 14, "modes": 6, "width": 16, "depth": 2, "batch": 4, "share": 0.95,
        },
        "cpu": {},
        "gpu": {"cells": 256, "viscosity": 1e-3, "members": 128, "test": 8, "seconds": 1200.0, "modes": 48,
                "width": 48, "batch": 16},
    })  # fmt: skip

    cells: int = 64
    viscosity: float = 0.01
    members: int = 28
    test: int = 4
    start: float = 2.0
    end: float = 10.0
    every: float = 0.25
    weave: int = 2
    seconds: float = 25.0
    epochs: int = 1
    modes: int = 16
    width: int = 24
    depth: int = 3
    batch: int = 8
    share: float = 0.5
    seed: int = 0

    def run(self, stage: Stage) -> Chapter:
        ensemble = vary(self.scene(), self.members, seed=self.seed)
        data = generate(ensemble, out=stage.folder / "data", device=stage.device, batch=8, progress=False)
        runs: list[Run] = []
        rows: list[tuple[str | float, ...]] = []
        for name, (model, stride) in self.models().items():
            fit = self.trained(name, model, stride, data, stage).fit
            samples = self.windows(data, 1).bind(fit.model.names, 1)
            window = next(blocks(fit.model, samples, "test"))
            true = torch.stack([one["vorticity"] for one in window.targets], 1)
            run = Run(name, woven(fit.model, window, stride).cpu(), true.cpu(), self.every)
            report = fit.evaluate(["one_step", "persistence"])
            runs.append(run)
            rows.append((
                name, float(sum(p.numel() for p in fit.model.parameters())), float(len(fit.history)),
                stride * self.every, report["one_step"], report["persistence"], run.correlation_time, run.spectrum,
                1e3 * seconds_of_frame(fit.model, window, stride),
            ))  # fmt: skip
        solver = 1e3 * self.seconds_of_solver(stage)
        table = Table(
            f"Networks on {self.cells} x {self.cells} points; the solver takes {solver:.1f} ms for a frame of one flow",
            ("network", "weights", "epochs", "step [s]", "one step", "persistence", "correlation > 0.8 [s]", "spectrum",
             "ms per frame"),
            tuple(rows),
        )  # fmt: skip
        return Chapter(
            self.title, TEXT.strip(), pictures=draw_runs(stage.folder, runs, []), claims=self.claims(rows, solver),
            tables=(table,),
        )  # fmt: skip

    def claims(self, rows: Sequence[tuple[str | float, ...]], solver: float) -> tuple[Claim, ...]:
        named = {str(row[0]): [float(number) for number in row[1:]] for row in rows}
        whole, woven_in_time = named["whole grid"], named["together and in time"]
        found = [
            Claim(f"{name}: one step over persistence", numbers[3] / numbers[4], self.share)
            for name, numbers in named.items()
        ]
        if self.seconds:
            found.append(
                Claim("one step, together over the whole grid, trained as long", named["together"][3] / whole[3], 1.0)
            )
            found += [
                Claim("time of a frame, solver over the network woven in space and time", solver / woven_in_time[7],
                      1.0, at_most=False, source=HUANG),
                Claim("time of a frame, whole grid over the network woven in space and time",
                      whole[7] / woven_in_time[7], 2.0, at_most=False, source=HUANG),
            ]  # fmt: skip
        return tuple(found)

    def scene(self) -> Scene:
        return kolmogorov(cells=self.cells, viscosity=self.viscosity, end=self.end, every=self.every)

    def windows(self, data: Dataset, stride: int) -> Windows:
        last = tuple(range(self.members - self.test, self.members))
        return Windows(data, stride=stride, first=round(self.start / self.every), split=SplitByPlace((0,), last))

    def models(self) -> dict[str, tuple[Model, int]]:
        """Each network, and of how many frames its step is."""
        torch.manual_seed(self.seed)
        place = Torus((0, 4))

        def inner(factor: int) -> dict[str, Any]:
            modes = min(self.modes, self.cells // (2 * factor) - 1)
            return {
                "kind": "fno", "modes": [modes, modes], "width": self.width, "depth": self.depth,
                "surroundings": {"kind": "torus", "harmonics": list(place.harmonics)},
            }  # fmt: skip

        return {
            "whole grid": (
                FNO((self.modes,) * 2, self.width, FIELDS, depth=self.depth, surroundings=place), 1
            ),
            "apart": (Staggered(inner(2), FIELDS, subproblems=AsMembers()), 1),
            "together": (Staggered(inner(2), FIELDS, subproblems=AsChannels()), 1),
            "together and in time": (Staggered(inner(2), FIELDS, subproblems=AsChannels()), self.weave),
        }  # fmt: skip

    def trained(self, name: str, model: Model, stride: int, data: Dataset, stage: Stage) -> Trained:
        settings = Settings(
            epochs=self.epochs, batch_size=self.batch, learning_rate=6e-3, target=Noise(0.02), seed=self.seed
        )
        out = stage.folder / name.replace(" ", "_")
        made = train_within(self.seconds, model, self.windows(data, stride), settings, out=out, device=stage.device)
        stage.say(f"  {name}: {len(made.fit.history)} epochs, {made.seconds:.0f} s")
        return made

    def seconds_of_solver(self, stage: Stage) -> float:
        """Of a core, for a frame of one flow."""
        solver, state, params = compile_scene(self.scene(), device=stage.device)
        with torch.no_grad():
            state = rollout(solver, state, params.detach(), self.start, probes=()).state
            begun = time.process_time()
            rollout(solver, state, params.detach(), self.start + 4 * self.every, start=self.start, probes=())
        return (time.process_time() - begun) / 4


HUANG = "Huang et al. 2023, arXiv:2302.10255, on GPUs: 10 to 100"

TEXT = """
A network may see a grid whole; or every second point of it along each axis, as four flows apart, each with as much to
do as a quarter; or all four together, as channels of one coarse grid. In time likewise: with steps of two frames, two
sequences of frames are woven into each other, one beginning a frame after the other, and both are members of one batch.
All are trained for the same time, and a frame costs less the coarser the problems are.
"""


def woven(model: Dressed, window: Window, stride: int) -> Tensor:
    """The vorticity after each frame [trajectory, frame, nx, ny], by a model whose step is `stride` frames.

    The first stride - 1 frames are the window's: so many more sequences have to begin somewhere.
    """
    true = [one["vorticity"] for one in window.targets]
    frames = true[: stride - 1]
    now = torch.cat([window.inputs["vorticity"], *frames])
    params = {address: value.repeat(stride) for address, value in window.params.items()}
    dt = torch.full((len(now),), model.dt)
    with torch.no_grad():
        while len(frames) < len(true):
            now = model({"vorticity": now}, params, dt)["vorticity"]
            frames = [*frames, *now.chunk(stride)]
    return torch.stack(frames[: len(true)], dim=1)


def seconds_of_frame(model: Dressed, window: Window, stride: int, repeats: int = 6) -> float:
    """Of a core, for one flow."""
    now = torch.cat([window.inputs["vorticity"][:1], *[one["vorticity"][:1] for one in window.targets[: stride - 1]]])
    dt, times = torch.full((stride,), model.dt), []
    with torch.no_grad():
        for _ in range(repeats):
            begun = time.process_time()
            model({"vorticity": now}, {}, dt)
            times.append(time.process_time() - begun)
    return min(times) / stride
