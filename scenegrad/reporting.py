"""The page of an evaluation: what the models do, in pictures and in one table."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from scenegrad.report_fields import field_pictures
from scenegrad.report_pictures import (
    cost_picture,
    course_pictures,
    draws_pictures,
    error_picture,
    parameter_picture,
    spectrum_picture,
    training_picture,
)
from scenegrad.view.report import Chapter, Claim, Picture, Table, write_report
from scenegrad.view.report.play import machine

if TYPE_CHECKING:
    from scenegrad.evaluations import Evaluation, Judged

__all__ = ["chapters", "write_evaluation"]

MEANINGS = {
    "one_step": "relative L2 error (nRMSE) after one step",
    "vrmse": "error of one step over the spread of the truth in space (VRMSE)",
    "largest": "largest error at a point over the largest value, one step",
    "persistence": "relative L2 error if nothing changed in a step",
    "steps": "steps of a trajectory",
    "rollout_mean": "relative L2 error, mean along the trajectories",
    "rollout_end": "relative L2 error at their end",
    "rollout_vrmse": "VRMSE at their end",
    "correlation_steps": "steps with a correlation of at least 0.8",
    "correlation_time": "time with a correlation of at least 0.8",
    "spectrum": "mean |log10| of the ratio of the spectra at the end",
    "draws": "draws of each forecast",
    "crps": "CRPS over the spread of the truth, one step",
    "spread_skill": "spread of the draws over the error of their mean, one step (1: calibrated)",
    "rank_distance": "distance of the rank histogram from a flat one, one step (0: calibrated)",
    "of_mean_end": "relative L2 error of the mean of the draws at the end",
    "crps_end": "CRPS over the spread of the truth at the end",
    "spread_skill_end": "spread over error at the end",
    "rank_distance_end": "distance of the rank histogram from a flat one at the end",
    "data_seconds": "simulations of the data [s]",
    "training_seconds": "training [s]",
    "ms_per_step": "one learned step [ms]",
    "cheapest_cells": "cells along an axis of the cheapest solver of equal error",
    "speed_up": "speed-up over that solver",
    "break_even_solves": "trajectories until data and training are won back against it",
    "speed_up_over_own_grid": "speed-up over the solver on the grid of the data",
    "break_even_solves_own_grid": "trajectories until data and training are won back against that",
    "finer_one_step": "relative L2 error of one step on a finer grid",
    "finer_ratio": "the same over that on the grid of the training",
}


def write_evaluation(evaluation: Evaluation, out: Path) -> Path:
    """One page with its pictures inside."""
    names = ", ".join(judged.label for judged in evaluation.models)
    lead = f"{names}: judged on trajectories of {evaluation.data} that no training has seen."
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        made = chapters(evaluation, Path(folder))
        device = str(next(evaluation.models[0].fit.model.parameters()).device)
        return write_report("Evaluation", lead, made, machine(device), out, alone=True)


def chapters(evaluation: Evaluation, folder: Path) -> list[Chapter]:
    """The page in parts, with their pictures in a folder."""
    models = evaluation.models
    made = [summary(evaluation)]
    made.append(
        Chapter(
            "Fields",
            "The trajectories with the smallest, the median and the largest mean error: truth, prediction and their "
            "difference.",
            tuple(field_pictures(models, folder)),
        )
    )
    along = [error_picture(models, folder), *parameter_picture(models, folder)]
    made.append(
        Chapter(
            "Errors",
            "Lines are medians over the trajectories, bands from the tenth to the ninetieth percent of them.",
            tuple(along),
        )
    )
    made.append(
        Chapter(
            "Spectra and budgets",
            "Power by wavenumber, and what flows conserve or have a budget for, along the trajectories.",
            (*spectrum_picture(models, folder), *course_pictures(models, folder)),
        )
    )
    if drawn := draws_pictures(models, folder):
        made.append(
            Chapter(
                "Draws",
                "An ensemble is calibrated where its draws are as far from each other as from the truth, and where the "
                "truth is one of them: spread over error is one, and its ranks are flat.",
                tuple(drawn),
            )
        )
    made.append(training(models, folder))
    costs = [judged for judged in models if not isinstance(judged.cost, str)]
    if costs:
        made.append(cost_chapter(costs, folder))
    return made


def summary(evaluation: Evaluation) -> Chapter:
    models = evaluation.models
    columns = ("", *(label for label, _ in evaluation.columns))
    rows = tuple(
        (spoken(name), *("" if value is None or value != value else value for value in values))
        for name, values in evaluation.rows()
    )
    claims = tuple(
        Claim(f"{judged.label}: error of one step over that of no change", ratio, 1.0)
        for judged in models
        if (ratio := better(judged)) is not None
    )
    claims += tuple(
        Claim(f"{judged.label}: error of one step on {' x '.join(map(str, judged.finer[0]))} points over its own",
              judged.finer[2], 1.2)
        for judged in models
        if judged.finer is not None
    )  # fmt: skip
    facts = {"data": evaluation.data, "hash of the data and their cut": evaluation.hash}
    for judged in models:
        samples = judged.fit.samples
        parts = ", ".join(f"{len(these)} {part}" for part, these in samples.parts.items())
        config = judged.fit.model.config()["network"]
        facts[judged.label] = (
            f"{config.get('kind')}, {judged.weights:,} weights, {' x '.join(map(str, samples.grid))} points, steps of "
            f"{samples.dt:g}; trajectories: {parts}"
        )
    return Chapter(
        "In numbers",
        "Each number is a mean over the trajectories, and windows, of a part; ood is the part out of distribution, "
        "where the split has one.",
        claims=claims,
        tables=(Table("", columns, rows),),
        facts=facts,
        seconds=evaluation.seconds,
    )


def better(judged: Judged) -> float | None:
    """Error of one step over that of no change, where there is a test part and something can persist."""
    numbers = judged.parts["test"].numbers if "test" in judged.parts else {}
    return numbers["one_step"] / numbers["persistence"] if "persistence" in numbers else None


def training(models: tuple[Judged, ...], folder: Path) -> Chapter:
    facts = {
        judged.label: f"{len(judged.fit.history)} epochs in {judged.spent.training:.1f} s, from {judged.fit.path}"
        for judged in models
    }
    return Chapter(
        "Training", "Loss on the training part and error on the validation part.",
        (training_picture(models, folder),), facts=facts,
    )  # fmt: skip


def cost_chapter(costs: list[Judged], folder: Path) -> Chapter:
    rows: list[tuple[str | float, ...]] = []
    pictures: list[Picture] = []
    text = (
        "Model and solver carry the same batch over the same span on the same device. A solver of equal error is the "
        "cheapest whose error is not above the model's; a break-even that never comes is left empty."
    )
    for judged in costs:
        assert not isinstance(judged.cost, str)
        cost = judged.cost
        rows.append((judged.label, cost.error, 1e3 * cost.seconds))
        for cells, (error, seconds) in sorted(cost.solver.items()):
            rows.append((f"solver, {cells} cells along an axis", error, 1e3 * seconds))
    pictures.append(cost_picture(costs, folder))
    steps = costs[0].cost.steps if not isinstance(costs[0].cost, str) else 0
    columns = ("", f"relative L2 error after {steps} steps", "ms for a step")
    return Chapter("Cost", text, tuple(pictures), tables=(Table("", columns, tuple(rows)),))


def spoken(name: str) -> str:
    for head, said in (
        ("one_step of ", "relative L2 error of the {} after one step"),
        ("error of ", "error of the {} at the end, over its size"),
        ("W2 of ", "W2 of the values of the {}, over its size"),
    ):
        if name.startswith(head):
            return said.format(name.removeprefix(head))
    return MEANINGS.get(name, name)
