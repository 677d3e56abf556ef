"""Pictures of what models say beside the truth: fields at several times, and draws of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from scenegrad.surrogates.evaluation.examination import POSITION, Examination
from scenegrad.surrogates.evaluation.forecasts import chance_of, device_of, forecast
from scenegrad.view.plots import Curve, Panel, Row, plot_panels, plot_tiles
from scenegrad.view.report import Picture

if TYPE_CHECKING:
    from scenegrad.evaluations import Judged

__all__ = ["ensemble_picture", "field_pictures"]

FRAMES = 6
MANY = 200  # points, of which each is but a dot


def field_pictures(models: Sequence[Judged], folder: Path) -> Iterator[Picture]:
    """Of each output of each model: the best, the median and the worst of the test part, and the worst of the other."""
    for judged in models:
        for part, seen in judged.parts.items():
            ranked = seen.ranked()
            for rank in ("best", "median", "worst") if part == "test" else ("worst",):
                for name in judged.fit.model.names.outputs:
                    path = folder / f"fields {judged.label} {part} {rank} {name}.png".replace("/", "-").replace(
                        " ", "_"
                    )
                    draw_fields(judged, part, ranked[rank], name, path)
                    error = float(seen.along.error[ranked[rank]].mean())
                    yield Picture(
                        path,
                        f"{judged.label}: {name} of the {rank} of {len(seen.along.error)} trajectories of the {part} "
                        f"part, of mean error {error:.3g}.",
                    )


def draw_fields(judged: Judged, part: str, pick: int, name: str, path: Path) -> None:
    model, samples = judged.fit.model, judged.fit.samples
    window = samples.rollout(part, pick).to(device_of(model))
    with chance_of(0):
        pairs = [(said[name][0, 0], true[name][0]) for said, true in forecast(model, window)]
    chosen = np.unique(np.linspace(0, len(pairs) - 1, FRAMES).round().astype(int))
    titles = [f"t = {(step + 1) * samples.dt:.3g}" for step in chosen]
    vector = name in model.names.components
    shown = [tuple(scalar(value, vector) for value in pairs[step]) for step in chosen]
    said, true = ([pair[k] for pair in shown] for k in (0, 1))
    places = POSITION in model.names.fields
    if name == POSITION:
        draw_points([pairs[step] for step in chosen], name, titles, path)
        return
    if len(samples.grid) == 1 and not places:
        panels = [
            Panel(
                [Curve(range(len(t)), t, "truth", "-", "soft"), Curve(range(len(s)), s, "model", "-", 0)],
                title, "point", name if number == 0 else "",
            )
            for number, (s, t, title) in enumerate(zip(said, true, titles, strict=True))
        ]  # fmt: skip
        plot_panels(panels, path, columns=3)
        return
    at = [window.inputs[POSITION][0].cpu().numpy()] * len(true) if places else None
    wrong = [s - t for s, t in zip(said, true, strict=True)]
    label = f"|{name}|" if vector else name
    rows = [
        Row("truth", true, titles, label, places=at),
        Row("model", said, (), label, places=at, like=true),
        Row("difference", wrong, (), "difference", places=at, like=[*wrong, *(-one for one in wrong)], cmap="PuOr_r"),
    ]
    plot_tiles(rows, path)


def draw_points(pairs: list[tuple[Tensor, Tensor]], name: str, titles: Sequence[str], path: Path) -> None:
    """Where the points are, and where they should be."""
    panels = []
    for (said, true), title in zip(pairs, titles, strict=True):
        at, there = (value.double().cpu().numpy() for value in (said, true))
        marks = ("o", "x") if len(at) < MANY else (".", ".")
        curves = [
            Curve(there[:, 0], there[:, 1], "truth", marks[0], "soft"),
            Curve(at[:, 0], at[:, 1], "model", marks[1], 0),
        ]
        panels.append(Panel(curves, title, f"{name} x", f"{name} y"))
    plot_panels(panels, path, columns=3)


def scalar(value: Tensor, vector: bool) -> np.ndarray:
    return (value.norm(dim=-1) if vector else value).double().cpu().numpy()


def ensemble_picture(judged: Judged, part: str, seen: Examination, folder: Path) -> Picture:
    """The median trajectory at its end: truth, mean and spread of the draws, error of the mean, and two draws."""
    model, samples = judged.fit.model, judged.fit.samples
    window = samples.rollout(part, seen.ranked()["median"]).to(device_of(model))
    name = model.names.outputs[0]
    with chance_of(0):
        *_, (said, true) = forecast(model, window, seen.along.draws)
    vector = name in model.names.components
    draws = [scalar(value, vector) for value in said[name][:, 0]]
    truth, mean = scalar(true[name][0], vector), np.mean(draws, axis=0)
    label = f"|{name}|" if vector else name
    rows = [
        Row("", [truth, mean, *draws[:2]], ("truth", "mean of the draws", "a draw", "another"), label, like=[truth]),
        Row(
            "",
            [np.std(draws, axis=0, ddof=1), np.abs(mean - truth)],
            ("spread of the draws", "error of their mean"),
            label,
        ),
    ]
    path = plot_tiles(rows, folder / f"draws_{judged.label.replace('/', '-')}.png")
    return Picture(path, f"{judged.label}: {name} of the median trajectory at its end.")
