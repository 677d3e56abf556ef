"""All that is measured of a model on one part of the data, in one pass along its trajectories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.boltzmann.energies import energy_w2
from scenegrad.surrogates.data.samples import Samples
from scenegrad.surrogates.evaluation.conserved import Quantity, quantities_of
from scenegrad.surrogates.evaluation.ensembles import crps, rank_distance, ranks
from scenegrad.surrogates.evaluation.errors import relative_max, vrmse
from scenegrad.surrogates.evaluation.forecasts import Forecast, blocks, chance_of, draws_at_random, forecast
from scenegrad.surrogates.evaluation.one_step import errors_by_output, mean_error
from scenegrad.surrogates.evaluation.report import Report
from scenegrad.surrogates.evaluation.rollouts import correlation, steps_above
from scenegrad.surrogates.evaluation.spectrum import power_spectrum, ratio_of_spectra
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.training.losses import relative_l2

__all__ = ["Along", "Course", "Examination", "examine"]

DRAWS = 16  # of each forecast of a model that draws
POSITION = "position"  # the field of those whose grid is a cloud of points


@dataclass(frozen=True)
class Course:
    """One quantity along the trajectories: predicted [draw, trajectory, step, component] and true [trajectory, step,
    component], the means over the box, and a size of the true one [trajectory, step]."""

    predicted: Tensor
    true: Tensor
    scale: Tensor

    @property
    def error(self) -> Tensor:
        """|predicted - true| in units of its size [trajectory, step], the mean over the draws."""
        return ((self.predicted - self.true).norm(dim=3) / self.scale.clamp(min=1e-30)).mean(dim=0)

    @property
    def w2(self) -> float:
        """Wasserstein-2 distance of its values along all trajectories from the true ones, over its mean size."""
        size = max(float(self.scale.mean()), 1e-30)
        found = [energy_w2(self.predicted[..., k], self.true[..., k]) for k in range(self.true.shape[-1])]
        return sum(found) / (len(found) * size)


@dataclass(frozen=True)
class Along:
    """What was measured after each step along the trajectories of a part.

    error, correlated, vrmse, largest: of one draw, the mean over draws and outputs [trajectory, step].
    persistence: relative L2 of the first frame; of the mean of the draws, `of_mean` [trajectory, step].
    crps: over the spread of the truth in space; spread, skill: square ones of the draws and of their mean, over the
    variance of the truth [trajectory, step]. ranks: [step, draws + 1]. Those of ensembles are empty for one draw.
    spectra: mean power by shell, predicted and true [step, shell], by output. courses: by name of the quantity.
    """

    dt: float
    draws: int
    error: Tensor
    correlated: Tensor
    vrmse: Tensor
    largest: Tensor
    persistence: Tensor
    of_mean: Tensor
    crps: Tensor
    spread: Tensor
    skill: Tensor
    ranks: Tensor
    spectra: Mapping[str, tuple[Tensor, Tensor]]
    courses: Mapping[str, Course]

    @property
    def steps(self) -> int:
        return self.error.shape[1]

    @property
    def spread_skill(self) -> Tensor:
        """Spread of the draws over the error of their mean, by step [step]; one where calibrated."""
        spread = (1.0 + 1.0 / self.draws) * self.spread.mean(dim=0)
        return (spread / self.skill.mean(dim=0).clamp(min=1e-30)).sqrt()


@dataclass(frozen=True)
class Examination:
    """numbers: by name. along: by step. parameters: what each trajectory of the part drew, by address."""

    part: str
    numbers: Report
    along: Along
    parameters: Mapping[str, Any]

    def ranked(self) -> dict[str, int]:
        """The best, the median and the worst trajectory, by their mean error along it."""
        order = self.along.error.nan_to_num(torch.inf).mean(dim=1).argsort().tolist()
        return {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}


def examine(
    model: Dressed,
    samples: Samples,
    part: str = "test",
    *,
    draws: int | None = None,
    quantities: Sequence[Quantity] | None = None,
    seed: int = 0,
) -> Examination:
    """Measures a model on one part of the data. draws: of each forecast of a model that draws at random.

    quantities: those that the flow conserves or has a budget for, unless said what is known by the names of the fields.
    """
    if not samples.grid:
        raise EngineError(
            f"This model gives numbers ({', '.join(model.names.outputs)}), and what is examined here are fields. Its "
            f"errors are told by fit.evaluate(['one_step'])."
        )
    count = (draws or DRAWS) if draws_at_random(model, samples, part) else 1
    chosen = quantities_of(model.names, len(samples.grid)) if quantities is None else tuple(quantities)
    with chance_of(seed):
        by_output = errors_by_output(model, samples, part)
        one_step = {
            "one_step": sum(by_output.values()) / len(by_output),
            **({f"one_step of {name}": value for name, value in by_output.items()} if len(by_output) > 1 else {}),
            "vrmse": mean_error(model, samples, part, partial(vrmse, dim=len(samples.grid))),
            "largest": mean_error(model, samples, part, relative_max),
        }
        if model.names.carries_forward:
            one_step["persistence"] = mean_error(None, samples, part)
        along = carried(model, samples, part, count, chosen)
    told = {address: [values[place] for place in samples.parts[part]] for address, values in samples.parameters.items()}
    return Examination(part, Report(one_step | numbers_along(along, model.names.carries_forward)), along, told)


def numbers_along(along: Along, carried_on: bool) -> dict[str, float]:
    """The curves in numbers: at the end of the trajectories unless said otherwise."""
    found: dict[str, float] = {}
    if carried_on:
        steps = steps_above(along.correlated, 0.8)
        found |= {
            "steps": float(along.steps),
            "rollout_mean": float(along.error.mean()),
            "rollout_end": float(along.error[:, -1].mean()),
            "rollout_vrmse": float(along.vrmse[:, -1].mean()),
            "correlation_steps": float(steps),
            "correlation_time": steps * along.dt,
        }
    ends = [(predicted[-1], true[-1]) for predicted, true in along.spectra.values()]
    if ends:
        found["spectrum"] = sum(ratio_of_spectra(a, b) for a, b in ends) / len(ends)
    for name, course in along.courses.items():
        found[f"error of {name}"] = float(course.error[:, -1].mean())
        found[f"W2 of {name}"] = course.w2
    if along.draws > 1:
        found |= {
            "draws": float(along.draws),
            "crps": float(along.crps[:, 0].mean()),
            "spread_skill": float(along.spread_skill[0]),
            "rank_distance": rank_distance(along.ranks[0]),
            "of_mean_end": float(along.of_mean[:, -1].mean()),
            "crps_end": float(along.crps[:, -1].mean()),
            "spread_skill_end": float(along.spread_skill[-1]),
            "rank_distance_end": rank_distance(along.ranks[-1]),
        }
    return found


def carried(model: Dressed, samples: Samples, part: str, draws: int, quantities: Sequence[Quantity]) -> Along:
    tables: list[dict[str, Tensor]] = []
    waves = POSITION not in model.names.fields  # points that stand anywhere have none
    for window in blocks(model, samples, part, None if model.names.carries_forward else 1, draws):
        rows = []
        for step in forecast(model, window, draws):
            rows.append(measured(step, window.inputs, quantities, len(samples.grid), waves))
        tables.append({name: torch.stack([row[name] for row in rows]).cpu() for name in rows[0]})
    # [step, trajectory, ...] of each block
    seen = {name: torch.cat([table[name] for table in tables], dim=1).transpose(0, 1) for name in tables[0]}
    nothing = torch.zeros(0)
    spectra = {
        name: (seen[f"power {name}"].mean(dim=0), seen[f"true power {name}"].mean(dim=0))
        for name in (model.names.outputs if waves else ())
    }
    courses = {
        q.name: Course(seen[f"course {q.name}"].movedim(2, 0), seen[f"true {q.name}"], seen[f"scale {q.name}"])
        for q in quantities
    }
    names = ("error", "correlated", "vrmse", "largest", "persistence", "of_mean", "crps", "spread", "skill")
    curves = {name: seen.get(name, nothing) for name in names}
    histogram = seen["ranks"].sum(dim=0) if "ranks" in seen else nothing
    return Along(samples.dt, draws, **curves, ranks=histogram, spectra=spectra, courses=courses)


def measured(
    step: Forecast, first: Mapping[str, Tensor], quantities: Sequence[Quantity], dim: int, waves: bool
) -> dict[str, Tensor]:
    """Everything of one step, [trajectory, ...]."""
    predicted, true = step
    draws, batch = next(iter(predicted.values())).shape[:2]
    flat = {name: value.flatten(0, 1) for name, value in predicted.items()}  # draws and members as one batch
    many = {name: value.repeat(draws, *[1] * (value.ndim - 1)) for name, value in true.items()}

    def mean(values: list[Tensor]) -> Tensor:
        """Over the outputs and the draws."""
        return torch.stack(values).mean(dim=0).view(-1, batch).mean(dim=0)

    found = {
        "error": mean([relative_l2(flat[n], many[n]) for n in true]),
        "correlated": mean([correlation(flat[n], many[n], dim) for n in true]),
        "vrmse": mean([vrmse(flat[n], many[n], dim) for n in true]),
        "largest": mean([relative_max(flat[n], many[n]) for n in true]),
    }
    if set(true) <= set(first):
        found["persistence"] = mean([relative_l2(first[n], true[n]) for n in true])
    for name in true if waves else ():
        power = power_spectrum(flat[name], dim)
        found[f"power {name}"] = power.view(draws, batch, -1).mean(dim=0)
        found[f"true power {name}"] = power_spectrum(true[name], dim)
    for quantity in quantities:
        value = quantity.value(flat)
        found[f"course {quantity.name}"] = value.view(draws, batch, -1).transpose(0, 1)
        found[f"true {quantity.name}"], found[f"scale {quantity.name}"] = quantity.value(true), quantity.scale(true)
    return found | (of_ensemble(predicted, true) if draws > 1 else {})


def of_ensemble(predicted: Mapping[str, Tensor], true: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """[trajectory] each, in units of the variance of the truth in space; ranks: [trajectory, draws + 1]."""
    scores: dict[str, list[Tensor]] = {"of_mean": [], "crps": [], "spread": [], "skill": [], "ranks": []}
    for name, values in predicted.items():
        truth = true[name]
        size = truth.flatten(1).var(dim=1).clamp(min=1e-30)
        middle = values.mean(dim=0)
        scores["of_mean"].append(relative_l2(middle, truth))
        scores["crps"].append(crps(values, truth).flatten(1).mean(dim=1) / size.sqrt())
        scores["spread"].append(values.var(dim=0).flatten(1).mean(dim=1) / size)
        scores["skill"].append((middle - truth).square().flatten(1).mean(dim=1) / size)
        scores["ranks"].append(torch.stack([ranks(values[:, b], truth[b]) for b in range(len(truth))]))
    return {name: torch.stack(values).mean(dim=0) for name, values in scores.items()}
