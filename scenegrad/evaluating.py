"""`evaluate`: trained models held against the solver that made their data, one or several side by side."""

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from scenegrad.engine.dataset import Dataset
from scenegrad.engine.device import pick_device
from scenegrad.engine.errors import EngineError
from scenegrad.engine.progress import Progress, stages
from scenegrad.evaluations import Evaluation, Judged
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.scene import Scene
from scenegrad.surrogates.data.samples import Data
from scenegrad.surrogates.data.windows import Trajectories
from scenegrad.surrogates.evaluation.conserved import quantities_of
from scenegrad.surrogates.evaluation.cost import Cost, Spent, break_even
from scenegrad.surrogates.evaluation.examination import examine
from scenegrad.surrogates.evaluation.one_step import mean_error
from scenegrad.surrogates.recipes.coarse import coarse_solver
from scenegrad.surrogates.training.fit import Fit

__all__ = ["evaluate"]

JUDGED = ("test", "ood")  # the parts that no model has seen
COST_STEPS = 10  # learned steps over which model and solver are timed, where the trajectories have as many
SHARES = (0.25, 0.375, 0.5, 0.75, 1.0)  # of the cells of the data along each axis, for the solvers beside a model


def evaluate(
    models: Fit | str | Path | Sequence[Fit | str | Path],
    data: Data | Trajectories | None = None,
    *,
    finer: Data | Trajectories | None = None,
    draws: int | None = None,
    cost: bool = True,
    device: str = "auto",
    progress: bool | Progress = True,
) -> Evaluation:
    """Measures models on what they have not seen: the parts "test" and, where there is one, "ood".

    models: fits, or paths of checkpoints, which need `data`; several are judged on the trajectories that none of them
    was trained on. finer: data of the same kind on a finer grid, for the transfer of resolution. draws: of each
    forecast of a model that draws at random. cost: also time it beside the solver of the scene at several resolutions;
    the reason is told where that cannot be. device: of the models that are loaded; fits stay where they are.
    """
    begun = time.perf_counter()
    given = [models] if isinstance(models, Fit | str | Path) else list(models)
    if not given:
        raise EngineError("evaluate got no model; give it a fit, or the folder of a training.")
    fits = [loaded(one, data, device) for one in given]
    labels = labels_of(fits)
    fits = unseen_by_all(fits)
    with stages(progress, "evaluating", sum(count_stages(fit, finer, cost) for fit in fits)) as passed:
        judged = tuple(
            judge_one(label, fit, finer, draws, cost, passed) for label, fit in zip(labels, fits, strict=True)
        )
    source = source_of(fits[0])
    return Evaluation(judged, str(getattr(source, "path", "arrays")), fits[0].samples.hash, time.perf_counter() - begun)


def count_stages(fit: Fit, finer: Data | Trajectories | None, cost: bool) -> int:
    """Of judging a model: its parts, its cost, the finer grid."""
    return sum(bool(fit.samples.parts.get(part)) for part in JUDGED) + cost + (finer is not None)


def judge_one(
    label: str, fit: Fit, finer: Data | Trajectories | None, draws: int | None, cost: bool, passed: Callable[[], None]
) -> Judged:
    samples = fit.samples
    source = source_of(fit)
    followed = quantities_of(fit.model.names, len(samples.grid), *known_of(source))
    parts = {}
    for part in (part for part in JUDGED if samples.parts.get(part)):
        parts[part] = examine(fit.model, samples, part, draws=draws, quantities=followed)
        passed()
    if not parts:
        raise EngineError(f"{label} has no trajectory to be judged on: its training kept none. Use Split(test=0.1).")
    training = fit.history[-1].seconds if fit.history else 0.0
    spent = Spent(getattr(source, "seconds", None), training)
    beside: Cost | str = "the cost was not asked for"
    if cost:
        beside = cost_of(fit, source) if "test" in parts else "the cost is measured on a test part, which is empty"
        passed()
    return Judged(label, fit, parts, spent, beside, transfer(fit, finer) if finer is not None else None)


def known_of(source: Any) -> tuple[tuple[float, ...] | None, float | None]:
    """Edge lengths of the box and gamma of the gas, where the data tell their scene."""
    if not isinstance(source, Dataset):
        return None, None
    size = source.scene_table.get("domain", {}).get("size")
    gammas = [one["gamma"] for one in source.scene_table.get("entities", {}).values() if "gamma" in one]
    gamma = gammas[0] if len(gammas) == 1 and isinstance(gammas[0], float) else None
    return tuple(size) if size else None, gamma


def cost_of(fit: Fit, source: Any) -> Cost | str:
    """Beside the solver of the scene that made the data, on a quarter to all of its cells; or why that cannot be."""
    if not isinstance(source, Dataset):
        return "the cost needs the scene that made the data, which these data do not tell"
    samples = fit.samples
    cells = sorted({2 * round(share * samples.grid[0] / 2) for share in SHARES} - {0})
    steps = min(COST_STEPS, len(samples.rollout("test", 0).targets))
    device = str(next(fit.model.parameters()).device)
    try:
        scene = Scene.parse(source.scene_table)
        with warnings.catch_warnings():  # that coarse grids lose something is what is measured here
            warnings.simplefilter("ignore", UserWarning)
            return break_even(fit.model, samples, coarse_solver(scene, device), cells, steps=steps, repeats=2)
    except (EngineError, SceneError) as error:
        return f"the cost could not be measured: {' '.join(str(error).split())}"


def transfer(fit: Fit, finer: Data | Trajectories) -> tuple[tuple[int, ...], float, float]:
    """Points of the finer grid, error of one step there, and its ratio to that on the grid of the training."""
    beyond = Fit.load(fit.path, finer)
    beyond.samples.parts["test"] = never_taught(fit, beyond)
    if not math.prod(beyond.samples.grid) > math.prod(fit.samples.grid):
        raise EngineError(
            f"finer= got data on {beyond.samples.grid} points, and the model was trained on {fit.samples.grid}. "
            f"Generate the same scene with more cells."
        )
    there = mean_error(fit.model, beyond.samples, "test")
    return beyond.samples.grid, there, there / mean_error(fit.model, fit.samples, "test")


def never_taught(fit: Fit, beyond: Fit) -> list[int]:
    """The test part of other data, without what the model was taught on its own grid: members of ensembles of one seed
    are the same draws."""
    place, ours, theirs = beyond.samples.parts["test"], source_of(fit), source_of(beyond)
    if not (isinstance(ours, Dataset) and isinstance(theirs, Dataset)):
        return place
    if ours.manifest["identity"]["seed"] != theirs.manifest["identity"]["seed"]:
        return place
    taught = {ours.members[i] for part in ("train", "validation") for i in fit.samples.parts.get(part, ())}
    if left := [i for i in place if theirs.members[i] not in taught]:
        return left
    raise EngineError(
        "finer= holds the very trajectories that the model was taught, on another grid. Generate it with another seed."
    )


def loaded(model: Fit | str | Path, data: Data | Trajectories | None, device: str) -> Fit:
    if isinstance(model, Fit):
        return model
    if data is None:
        raise EngineError(f"evaluate got the path {model} and no data; say evaluate(path, data).")
    fit = Fit.load(model, data)
    return replace(fit, model=fit.model.to(pick_device(device)))


def unseen_by_all(fits: Sequence[Fit]) -> list[Fit]:
    """The same, with only what no model was trained on in the parts to judge by, so that all are judged on the same."""
    common = {part: set.intersection(*(set(fit.samples.parts.get(part, ())) for fit in fits)) for part in JUDGED}
    if not any(common.values()):
        raise EngineError("No trajectory is unseen by all of these models. Train them with the same split.")
    made = []
    for fit in fits:
        samples = copy.copy(fit.samples)
        samples.parts = {part: sorted(common.get(part, these)) for part, these in fit.samples.parts.items()}
        made.append(replace(fit, samples=samples))
    return made


def labels_of(fits: Sequence[Fit]) -> list[str]:
    """The names of their folders, longer where these are the same."""
    folders = [fit.path.resolve().parent for fit in fits]
    for depth in range(1, 1 + max(len(folder.parts) for folder in folders)):
        labels = ["/".join(folder.parts[-depth:]) for folder in folders]
        if len(set(labels)) == len(labels):
            return labels
    return [f"{folders[0].name} {number}" for number in range(1, len(fits) + 1)]


def source_of(fit: Fit) -> Any:
    """What the samples were cut from, where they were cut."""
    return getattr(getattr(fit.samples, "how", None), "data", None)
