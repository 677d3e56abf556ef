"""Races and long runs of a surrogate, its safeguarded self, and its solver on several grids."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Solver
from scenegrad.engine.state import Params, tensors, with_tensors
from scenegrad.safeguarding import coarse_check
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.compile import compile_scene
from scenegrad.surrogates.evaluation.conserved import VortexEnergy
from scenegrad.surrogates.evaluation.forecasts import blocks
from scenegrad.surrogates.evaluation.spectrum import power_spectrum
from scenegrad.surrogates.hybrid.safe_stepper import calibrated
from scenegrad.surrogates.hybrid.speculating import Speculating
from scenegrad.surrogates.resampling import fourier_resample
from scenegrad.surrogates.surrogate import Surrogate
from scenegrad.surrogates.training.fit import Fit
from scenegrad.surrogates.training.losses import relative_l2
from scenegrad.view.plots import Curve, Panel, Row, plot_panels, plot_tiles
from scenegrad.view.report import Picture

__all__ = ["Bench", "Judged", "Race", "draw_judged", "judge"]


@dataclass(frozen=True)
class Bench:
    """A periodic scene of one vorticity, and a network that steps it by `every` [s]."""

    scene: Scene
    fit: Fit
    every: float
    device: str

    def begun(self, vorticity: Tensor, cells: int | None = None) -> tuple[Solver[Any], Any, Params]:
        """The solver of so many flows [batch, nx, ny], on another grid where one is said."""
        wanted = cells or vorticity.shape[1]
        scene = self.scene.replace({"domain.cells": (wanted, wanted)})
        solver, state, params = compile_scene([scene] * len(vorticity), device=self.device)
        there = fourier_resample(vorticity, (wanted, wanted)).contiguous().to(state.vorticity)
        return solver, with_tensors(state, {"vorticity": there}), params.detach()

    def starts(self, part: str) -> Tensor:
        """First frames of the trajectories of a part [trajectory, nx, ny]."""
        return next(blocks(self.fit.model, self.fit.samples, part)).inputs["vorticity"].cpu()

    def safe(self, batch: int, check: int, threshold: float, ahead: int = 1) -> Speculating[Any]:
        """For so many flows at once."""
        nothing = torch.zeros(batch, *self.fit.model.grid)
        solver = self.begun(nothing)[0]
        surrogate: Surrogate[Any] = Surrogate(self.fit.model, like=solver)
        return Speculating(surrogate, solver, coarse_check(self.scene, check), threshold, ahead=ahead)

    def threshold(self, check: int, quantile: float) -> float:
        """Of the doubts along trajectories that the network has not seen."""
        vorticity = self.starts("validation")
        solver, state, params = self.begun(vorticity)
        steps = len(next(blocks(self.fit.model, self.fit.samples, "validation")).targets)
        surrogate: Surrogate[Any] = Surrogate(self.fit.model, like=solver)
        coarse = coarse_check(self.scene, check)
        return calibrated(surrogate, solver, coarse, [(state, params)], steps=steps, quantile=quantile).threshold


@dataclass(frozen=True)
class Race:
    error: float  # relative L2 of the path
    seconds: float  # of a core, for a simulated second of one flow
    note: str = ""


@dataclass
class Judged:
    """What came out. Frames are vorticities [flow, step, nx, ny] of the long runs: solver, surrogate alone, safe."""

    races: dict[str, Race]
    every: float
    frames: dict[str, Tensor]
    accepted: float
    steps: int
    largest_doubt: float  # of the steps that were taken, over the threshold
    speed_up: float = field(default=float("nan"))

    def energies(self, who: str) -> Tensor:
        """[flow, step]"""
        frames = self.frames[who]
        return VortexEnergy().value({"vorticity": frames.flatten(0, 1)}).view(frames.shape[:2])

    @property
    def outside_energy(self) -> float:
        """How far the energy of any flow goes outside those that the solver's flows have, over their mean."""
        ours, solver = self.energies("safe").nan_to_num(torch.inf), self.energies("solver")
        low, high = solver.amin(), solver.amax()
        return float((torch.maximum(low - ours, ours - high).clamp(min=0.0) / solver.mean()).max())

    @property
    def spectrum(self) -> float:
        """Mean |log10| of the ratio of the spectra after the first quarter, up to the wave that a dealiased grid holds
        along each axis, a third of its cells."""
        late = {who: frames[:, frames.shape[1] // 4 :].flatten(0, 1) for who, frames in self.frames.items()}
        a, b = (power_spectrum(late[who], 2).mean(0)[1 : late[who].shape[-1] // 3] for who in ("safe", "solver"))
        return float((a / b).log10().abs().nan_to_num(torch.inf).mean())

    @property
    def path(self) -> float:
        """Largest relative L2 of any flow at any time."""
        pairs = zip(self.frames["safe"].flatten(0, 1), self.frames["solver"].flatten(0, 1), strict=True)
        return max(float(relative_l2(a[None], b[None])) for a, b in pairs)


def judge(
    bench: Bench, check: int, quantile: float, *, horizon: float, long: float, resolutions: Sequence[int]
) -> Judged:
    threshold = bench.threshold(check, quantile)
    races, speed_up = raced(bench, check, threshold, horizon, resolutions)
    vorticity = bench.starts("test")
    solver, state, params = bench.begun(vorticity)
    safe = bench.safe(len(vorticity), check, threshold)
    count = round(long / bench.every)
    frames = {
        "solver": course(solver, state, params, count, bench.every),
        "safe": course(safe, state, params, count, bench.every),
        "alone": course(Surrogate(bench.fit.model, like=solver), state, params, count, bench.every),
    }
    taken = torch.cat([step.doubt[step.trusted] for step in safe.log.steps])
    largest = float(taken.max()) / threshold if len(taken) else 0.0
    return Judged(races, bench.every, frames, safe.log.accepted, count * len(vorticity), largest, speed_up)


def course(solver: Solver[Any], state: Any, params: Params, count: int, every: float) -> Tensor:
    """The vorticity after each learned step [flow, step, nx, ny]; of a flow that is lost, what is not a number."""
    made = []
    with torch.no_grad():
        for n in range(count):
            if bool(tensors(state)["vorticity"].isfinite().all()):
                state = rollout(solver, state, params, (n + 1) * every, start=n * every, probes=()).state
            made.append(state.vorticity.cpu())
    return torch.stack(made, dim=1)


def raced(
    bench: Bench, check: int, threshold: float, horizon: float, resolutions: Sequence[int]
) -> tuple[dict[str, Race], float]:
    """Everyone over the same time of the same flows, one flow at a time; the truth is the solver on its own grid.
    The safeguarded surrogate runs all the way ahead, and is checked once unless it is doubted."""
    vorticity = bench.starts("test")
    truth = run(bench, vorticity, vorticity.shape[1], horizon)()
    ahead = round(horizon / bench.every)
    lone = bench.safe(1, check, threshold, ahead)

    def stepped(stepper: Any) -> Callable[[Tensor], Tensor]:
        _, state, params = bench.begun(vorticity[:1])

        def go(w: Tensor) -> Tensor:
            begin = with_tensors(state, {"vorticity": w.to(state.vorticity)})
            return rollout(stepper, begin, params, horizon, probes=()).state.vorticity.cpu()

        return go

    found: dict[str, Race] = {}
    for who, stepper in (("surrogate alone", lone.surrogate), ("safeguarded", lone)):
        go = stepped(stepper)
        made, seconds = timed([partial(go, w) for w in vorticity.split(1)])
        found[who] = Race(float(relative_l2(made, truth).mean()), seconds / horizon)
    found["safeguarded"] = Race(
        found["safeguarded"].error, found["safeguarded"].seconds, f"{lone.log.accepted:.0%} of its steps trusted"
    )
    for cells in resolutions:
        made, seconds = timed([run(bench, w, cells, horizon) for w in vorticity.split(1)])
        error = float(relative_l2(made, truth).mean()) if cells != vorticity.shape[1] else 0.0
        found[f"solver, {cells} cells"] = Race(error, seconds / horizon)
    safe = found["safeguarded"]
    equal = {who: race for who, race in found.items() if who.startswith("solver") and race.error <= safe.error}
    if not equal:
        return found, float("nan")
    rival = min(equal, key=lambda who: equal[who].seconds)
    found[rival] = Race(found[rival].error, found[rival].seconds, "the cheapest as exact as the safeguarded one")
    return found, found[rival].seconds / safe.seconds


def run(bench: Bench, vorticity: Tensor, cells: int, horizon: float) -> Callable[[], Tensor]:
    solver, state, params = bench.begun(vorticity, cells)
    full = tuple(vorticity.shape[1:])

    def go() -> Tensor:
        with torch.no_grad():
            made = rollout(solver, state, params, horizon, probes=()).state
            return fourier_resample(made.vorticity, full).cpu()

    return go


def timed(runs: Sequence[Callable[[], Tensor]]) -> tuple[Tensor, float]:
    """What they return, and the least time of a core that one takes, after one to warm up [s]."""
    with torch.no_grad():
        runs[0]()
        made, times = [], []
        for go in runs:
            begun = time.process_time()
            made.append(go())
            times.append(time.process_time() - begun)
    return torch.cat(made), sum(times) / len(times)


def draw_judged(folder: Path, name: str, one: Judged) -> tuple[Picture, ...]:
    """Vorticities of the long runs, their energies and spectra."""
    count = one.frames["solver"].shape[1]
    at = [0, count // 10, count // 2, count - 1]
    shown = [one.frames["solver"][0, n].numpy() for n in at]
    titles = [f"{(n + 1) * one.every:g} s" for n in at]
    names = {"solver": "solver", "safe": "safeguarded", "alone": "surrogate alone"}
    rows = [
        Row(label, [one.frames[who][0, n].numpy() for n in at], titles if who == "solver" else (),
            "vorticity", "1/s", like=shown)
        for who, label in names.items()
    ]  # fmt: skip
    times = one.every * torch.arange(1, count + 1)
    energies = [Curve(times, one.energies(who)[0], label, colour=n) for n, (who, label) in enumerate(names.items())]
    k = torch.arange(1, one.frames["solver"].shape[-1] // 2)
    late = {who: frames[:, count // 4 :].flatten(0, 1) for who, frames in one.frames.items()}
    spectra = [
        Curve(k, power_spectrum(late[who], 2).mean(0)[1 : len(k) + 1], label, colour=n)
        for n, (who, label) in enumerate(names.items())
    ]
    top = 1.5 * float(one.energies("solver").max())
    capped = [Curve(c.x, torch.as_tensor(c.y).clamp(max=top), c.label, c.style, c.colour) for c in energies]
    lines = plot_panels(
        [
            Panel(capped, x="time [s]", y="kinetic energy"),
            Panel(spectra, x="wavenumber", y="power", log="xy", floor=1e-7),
        ],
        folder / f"{name}_long.png",
    )
    tiles = plot_tiles(rows, folder / f"{name}_vorticity.png")
    return (
        Picture(tiles, f"The {name} flow: one long run, from the same first frame."),
        Picture(lines, f"The {name} flow: energy of that run, and the spectrum of all of them."),
    )
