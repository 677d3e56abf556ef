"""Whether a surrogate pays: its time against that of the cheapest solver of equal error."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.scenes.errors import SceneError
from scenegrad.surrogates.data.samples import Samples, Window
from scenegrad.surrogates.evaluation.forecasts import join
from scenegrad.surrogates.evaluation.rollouts import carry
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.training.losses import relative_l2

__all__ = ["Coarse", "Cost", "Spent", "break_even"]

R = TypeVar("R")
Frames = Sequence[Mapping[str, Tensor]]

Coarse = Callable[[int, Window], Callable[[], Frames]]
"""From a resolution and a window to something that runs the solver: it returns the fields after each step of the
window, on the grid of the window. Only that run is timed, what comes before it is not."""


@dataclass(frozen=True)
class Spent:
    """Wall time before the first learned step [s]: of the simulations that made the data, all processes together, and
    of the training. data: None where no record is kept of it; it then counts as nothing."""

    data: float | None
    training: float

    @property
    def total(self) -> float:
        return (self.data or 0.0) + self.training


@dataclass(frozen=True)
class Cost:
    """error: relative L2 after `steps` learned steps. seconds: wall time of one learned step of one trajectory [s].

    solver: by resolution, the same two for the solver over the same span. cheapest: resolution of the fastest solver
    whose error is not above the surrogate's; None where none of them is as exact.
    """

    steps: int
    error: float
    seconds: float
    solver: dict[int, tuple[float, float]]
    cheapest: int | None

    @property
    def speed_up(self) -> float | None:
        """Above 1, the surrogate is the faster way to its error."""
        return self.solver[self.cheapest][1] / self.seconds if self.cheapest is not None else None

    def steps_to_repay(self, seconds_spent: float) -> float | None:
        """Learned steps after which the time spent on data and training is won back; None where it never is."""
        if self.cheapest is None:
            return None
        gain = self.solver[self.cheapest][1] - self.seconds
        return seconds_spent / gain if gain > 0.0 else None

    @property
    def finest(self) -> int:
        """Resolution of the most exact solver that was tried."""
        return max(self.solver)

    def solves_to_repay(self, spent: Spent, steps: int, cells: int | None = None) -> float | None:
        """Trajectories of so many learned steps after which data and training are won back, against the cheapest solver
        of equal error, or against the solver at `cells`; None where they never are."""
        against = self.cheapest if cells is None else cells
        gain = self.solver[against][1] - self.seconds if against is not None else 0.0
        return spent.total / (steps * gain) if gain > 0.0 else None

    def __str__(self) -> str:
        lines = [f"{'':>16}  {'error':>9}  {'ms per step':>11}   after {self.steps} learned steps"]
        lines += [f"{'surrogate':>16}  {self.error:9.4f}  {1e3 * self.seconds:11.3f}"]
        for cells, (error, seconds) in sorted(self.solver.items()):
            mark = "  <- the cheapest of equal error" if cells == self.cheapest else ""
            lines += [f"{f'solver, {cells} cells':>16}  {error:9.4f}  {1e3 * seconds:11.3f}{mark}"]
        verdict = "no solver tried is as exact" if self.speed_up is None else f"speed-up {self.speed_up:.2f}"
        return "\n".join([*lines, verdict])


def break_even(
    model: Dressed,
    samples: Samples,
    coarse: Coarse,
    resolutions: Sequence[int],
    *,
    steps: int = 1,
    trajectories: int = 4,
    repeats: int = 3,
) -> Cost:
    """Runs the model and the solver at several resolutions over the same span of trajectories of the test part.

    Both serve the same batch on the same device, each on as many threads as suit it; of several repeats the fastest
    counts. The solver is told all numbers that the trajectories drew, those that the model is not told too. Resolutions
    that are too coarse for the scene are left out.
    """
    device = str(next(model.parameters()).device)
    picks = range(min(trajectories, len(samples.parts["test"])))
    window = join([samples.rollout("test", pick) for pick in picks], steps).to(device)
    window = replace(window, params=numbers_of(samples, picks) | window.params)
    true, share = window.targets[-1], steps * len(picks)

    def error(frames: Frames) -> float:
        return float(torch.stack([relative_l2(frames[-1][name], true[name]) for name in true]).mean())

    learned, seconds = fastest(lambda: list(carry(model, window)), repeats)
    solver: dict[int, tuple[float, float]] = {}
    refused: dict[int, Exception] = {}
    for cells in resolutions:
        try:
            run = coarse(cells, window)
        except (EngineError, SceneError) as why:
            refused[cells] = why
            continue
        frames, spent = fastest(run, repeats)
        solver[cells] = (error(frames), spent / share)
    if not solver:
        raise EngineError(
            f"The solver runs at none of the resolutions {list(resolutions)}: {next(iter(refused.values()))}"
        )
    reached = [cells for cells, (wrong, _) in solver.items() if wrong <= error(learned)]
    cheapest = min(reached, key=lambda cells: solver[cells][1], default=None)
    return Cost(steps, error(learned), seconds / share, solver, cheapest)


def numbers_of(samples: Samples, picks: Sequence[int]) -> dict[str, Tensor]:
    """What these trajectories of the test part drew, one number each [batch]."""
    places = [samples.parts["test"][pick] for pick in picks]
    drawn = {address: torch.as_tensor(values)[places] for address, values in samples.parameters.items()}
    return {address: values for address, values in drawn.items() if values.ndim == 1}


def fastest(run: Callable[[], R], repeats: int) -> tuple[R, float]:
    """What a run returns, and its shortest wall time [s] after one run to warm up.

    On one thread and on all that torch may use: what is small runs faster on one, and each shall be at its best.
    """
    threads, best = torch.get_num_threads(), float("inf")
    try:
        for count in sorted({1, threads}):
            torch.set_num_threads(count)
            result = run()
            for _ in range(repeats):
                wait()
                begun = time.perf_counter()
                run()
                wait()
                best = min(best, time.perf_counter() - begun)
    finally:
        torch.set_num_threads(threads)
    return result, best


def wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
