"""The pictures of an evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from scenegrad.report_fields import ensemble_picture
from scenegrad.surrogates.evaluation.examination import Examination
from scenegrad.view.plots import Bars, Curve, Panel, plot_panels
from scenegrad.view.report import Picture

if TYPE_CHECKING:
    from scenegrad.evaluations import Judged

__all__ = [
    "cost_picture", "course_pictures", "draws_pictures", "error_picture", "parameter_picture",
    "spectrum_picture", "training_picture",
]  # fmt: skip

EXACT = 1e-6  # the error of the solver that made the data, which is zero but for rounding
STYLES = {"test": "-", "ood": "--"}
MARKS = {"test": "o", "ood": "x"}

Models = Sequence["Judged"]


def each(models: Models) -> Iterator[tuple[int, str, str, Examination]]:
    """Colour, label and line of each model on each part."""
    for number, judged in enumerate(models):
        for place, (part, seen) in enumerate(judged.parts.items()):
            yield number if len(models) > 1 else place, f"{judged.label}, {part}", part, seen


def error_picture(models: Models, folder: Path) -> Picture:
    """Error and correlation over time, or, where there is one step, how the errors of the members are spread."""
    errors: list[Curve | Bars] = []
    correlated: list[Curve | Bars] = []
    single = all(seen.along.steps == 1 for *_, seen in each(models))
    for colour, label, part, seen in each(models):
        along = seen.along
        if single:
            heights, edges = np.histogram(along.error[:, 0].numpy(), bins=min(30, max(5, len(along.error) // 4)))
            errors.append(Bars(edges, heights, label, colour))
            continue
        time = along.dt * np.arange(1, along.steps + 1)
        for values, curves in ((along.error, errors), (along.correlated, correlated)):
            low, middle, high = band(values)
            curves.append(Curve(time, middle, label, STYLES[part], colour, low, high))
        if along.draws > 1:
            errors.append(Curve(time, band(along.of_mean)[1], f"{label}, mean of draws", ":", colour))
        if len(along.persistence) and colour == 0:
            errors.append(Curve(time, band(along.persistence)[1], f"no change, {part}", STYLES[part], "soft"))
    if single:
        panels = [Panel(errors, "", "relative L2 error", "members")]
    else:
        panels = [
            Panel(errors, "Error", "time", "relative L2 error", "y"),
            Panel(correlated, "Correlation", "time", "correlation", levels={"": 0.8}),
        ]
    caption = (
        "Errors of the members." if single else "Error and correlation along the trajectories; the dashed level is 0.8."
    )
    return Picture(plot_panels(panels, folder / "errors.png"), caption)


def band(values: Tensor) -> np.ndarray:
    """The tenth, fiftieth and ninetieth percent over the trajectories [3, step]."""
    return np.percentile(values.nan_to_num(torch.inf).double().numpy(), (10, 50, 90), axis=0, method="nearest")


def parameter_picture(models: Models, folder: Path) -> list[Picture]:
    """Mean error of each trajectory over what it drew."""
    first = next(iter(models[0].parts.values()))
    told = [address for address, values in first.parameters.items() if np.ndim(values[0]) == 0]
    panels = []
    for address in told[:4]:
        curves = []
        wide = False
        for colour, label, part, seen in each(models):
            x = np.asarray(seen.parameters[address], dtype=np.float64)
            wide |= bool(x.min() > 0 and x.max() > 4 * x.min())
            curves.append(Curve(x, seen.along.error.mean(dim=1).numpy(), label, MARKS[part], colour))
        panels.append(Panel(curves, "", address, "mean error", "xy" if wide else "y"))
    if not panels:
        return []
    return [Picture(plot_panels(panels, folder / "parameters.png"), "Mean error of each trajectory over what it drew.")]


def spectrum_picture(models: Models, folder: Path) -> list[Picture]:
    panels = []
    for name in next(iter(models[0].parts.values())).along.spectra:
        for when, step in (("after one step", 0), ("at the end", -1)):
            curves: list[Curve | Bars] = []
            floor = np.inf
            for colour, label, part, seen in each(models):
                predicted, true = (values[step].double().numpy()[1:] for values in seen.along.spectra[name])
                k = np.arange(1, len(true) + 1)
                floor = min(floor, max(0.3 * predicted.min(), 1e-10 * true.max()))  # what is left out by a filter is 0
                if colour == 0 or len(models) == 1:
                    curves.append(Curve(k, true, f"truth, {part}", STYLES[part], "soft"))
                curves.append(Curve(k, predicted, label, STYLES[part], colour))
            if len(k) > 1:
                panels.append(Panel(curves, f"{name} {when}", "wavenumber", "power", "xy", floor=floor))
    if not panels:
        return []
    return [Picture(plot_panels(panels, folder / "spectra.png"), "Power spectra, the mean over the trajectories.")]


def course_pictures(models: Models, folder: Path) -> list[Picture]:
    """Quantities along the median trajectory, and how far they are off over all of them."""
    pictures = []
    for name in models[0].parts[next(iter(models[0].parts))].along.courses:
        values: list[Curve | Bars] = []
        errors: list[Curve | Bars] = []
        for colour, label, part, seen in each(models):
            course = seen.along.courses[name]
            time = seen.along.dt * np.arange(1, seen.along.steps + 1)
            if len(time) < 2:
                return []
            pick = models[0].parts[part].ranked()["median"] if part in models[0].parts else 0
            if part == "test" or "test" not in models[0].parts:
                true = course.true[pick].double().numpy()
                for k in range(true.shape[-1]):
                    if colour == 0 or len(models) == 1:
                        values.append(Curve(time, true[:, k], "truth" if k == 0 else "", STYLES[part], "soft"))
                    drawn = course.predicted[:, pick, :, k].double().numpy()
                    low, high = (drawn.min(axis=0), drawn.max(axis=0)) if len(drawn) > 1 else (None, None)
                    said = label if k == 0 else ""
                    values.append(Curve(time, drawn.mean(axis=0), said, STYLES[part], colour, low, high))
            low, middle, high = band(course.error)
            errors.append(Curve(time, middle, label, STYLES[part], colour, low, high))
        panels = [
            Panel(values, f"{name} of the median trajectory", "time", name),
            Panel(errors, f"error of the {name}", "time", "error over its size"),
        ]
        path = plot_panels(panels, folder / f"course_{name.replace(' ', '_')}.png")
        pictures.append(Picture(path, f"The {name} along trajectories."))
    return pictures


def draws_pictures(models: Models, folder: Path) -> list[Picture]:
    drawing = [(c, label, part, seen) for c, label, part, seen in each(models) if seen.along.draws > 1]
    if not drawing:
        return []
    scores: list[Curve | Bars] = []
    calibration: list[Curve | Bars] = []
    early: list[Curve | Bars] = []
    late: list[Curve | Bars] = []
    for colour, label, part, seen in drawing:
        along = seen.along
        time = along.dt * np.arange(1, along.steps + 1)
        scores.append(Curve(time, along.crps.mean(dim=0).numpy(), label, STYLES[part], colour))
        calibration.append(Curve(time, along.spread_skill.numpy(), label, STYLES[part], colour))
        for step, bars in ((0, early), (-1, late)):
            shares = (along.ranks[step] / along.ranks[step].sum()).numpy()
            places = np.arange(len(shares) + 1) - 0.5
            filled = part == "test" or len(drawing) == 1
            bars.append(
                Bars(places, shares, label, colour) if filled else Curve(places[:-1] + 0.5, shares, label, "x", colour)
            )
    flat = 1.0 / (drawing[0][3].along.draws + 1)
    panels = [
        Panel(scores, "CRPS over the spread of the truth", "time", "CRPS"),
        Panel(calibration, "spread over error", "time", "ratio", levels={"calibrated": 1.0}, floor=0.0),
        Panel(early, "ranks of the truth after one step", "draws below the truth", "share", levels={"": flat}),
        Panel(late, "ranks of the truth at the end", "draws below the truth", "share", levels={"": flat}),
    ]
    pictures = [
        Picture(plot_panels(panels, folder / "calibration.png"), "How well the draws know what they do not know.")
    ]
    for judged in models:
        part = next(iter(judged.parts))
        if (seen := judged.parts[part]).along.draws > 1 and len(judged.fit.samples.grid) > 1:
            pictures.append(ensemble_picture(judged, part, seen, folder))
    return pictures


def training_picture(models: Models, folder: Path) -> Picture:
    curves: list[Curve | Bars] = []
    for number, judged in enumerate(models):
        colour, head = (number, f"{judged.label}, ") if len(models) > 1 else (0, "")
        history = judged.fit.history
        epochs = [one.epoch for one in history]
        curves.append(Curve(epochs, [one.loss for one in history], f"{head}training", "-", colour))
        held_out = [float("nan") if one.validation is None else one.validation for one in history]
        if np.isfinite(held_out).any():
            shown = colour if len(models) > 1 else 1
            curves.append(Curve(epochs, held_out, f"{head}validation", "--", shown))
    path = plot_panels([Panel(curves, "", "epoch", "loss", "y")], folder / "training.png")
    return Picture(path, "The course of the training.")


def cost_picture(costs: Models, folder: Path) -> Picture:
    curves: list[Curve | Bars] = []
    for number, judged in enumerate(costs):
        cost = judged.cost
        assert not isinstance(cost, str)
        if number == 0:
            ladder = [(1e3 * s, error) for _, (error, s) in sorted(cost.solver.items()) if error > EXACT]
            if ladder:
                curves.append(Curve([x for x, _ in ladder], [y for _, y in ladder], "solver", "o-", "soft"))
        curves.append(Curve([1e3 * cost.seconds], [cost.error], judged.label, "o", number))
    panel = Panel(curves, "", "ms for a learned step", "relative L2 error", "xy")
    return Picture(
        plot_panels([panel], folder / "cost.png"),
        "Error against time, beside the solver on coarser grids than that of the data.",
    )
