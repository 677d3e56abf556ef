"""Panels of curves, bands, points and bars, for reports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from scenegrad.view.plots.paper import COLOURS, SOFT, figure, save

__all__ = ["Bars", "Curve", "Panel", "plot_panels"]


@dataclass(frozen=True)
class Curve:
    """y over x; a band from `low` to `high` behind it where they are given. style: of matplotlib, "-", "--", "o".

    colour: a number counts through the colours of all plots; "soft" is grey.
    """

    x: ArrayLike
    y: ArrayLike
    label: str = ""
    style: str = "-"
    colour: int | str = 0
    low: ArrayLike | None = None
    high: ArrayLike | None = None

    def draw(self, axis: Any) -> None:
        colour = colour_of(self.colour)
        size = {"markersize": 4, "alpha": 0.8} if set(self.style) & set("ox") else {"markersize": 1.5}
        axis.plot(np.asarray(self.x), np.asarray(self.y), self.style, color=colour, label=self.label or None, **size)
        if self.low is not None and self.high is not None:
            axis.fill_between(
                np.asarray(self.x), np.asarray(self.low), np.asarray(self.high), color=colour, alpha=0.15, linewidth=0
            )


@dataclass(frozen=True)
class Bars:
    """Heights between edges, one more of these."""

    edges: ArrayLike
    heights: ArrayLike
    label: str = ""
    colour: int | str = 0

    def draw(self, axis: Any) -> None:
        edges = np.asarray(self.edges, dtype=np.float64)
        axis.bar(
            edges[:-1], np.asarray(self.heights), np.diff(edges), align="edge", color=colour_of(self.colour),
            alpha=0.75, label=self.label or None, edgecolor="white", linewidth=0.6,
        )  # fmt: skip


@dataclass(frozen=True)
class Panel:
    """One pair of axes. log: which of them are logarithmic, "", "x", "y" or "xy". levels: dashed lines, by label."""

    drawn: Sequence[Curve | Bars]
    title: str = ""
    x: str = ""
    y: str = ""
    log: str = ""
    levels: dict[str, float] = field(default_factory=dict)
    floor: float | None = None  # the least y that is shown


def plot_panels(panels: Sequence[Panel], out: str | Path, *, columns: int = 2) -> Path:
    """Draws panels side by side and returns the path of the picture."""
    columns = min(columns, len(panels))
    rows = math.ceil(len(panels) / columns)
    paper, axes = figure(rows, columns, size=(4.6 * columns + 0.4, 3.3 * rows))
    for axis, panel in zip(axes.flat, panels, strict=False):
        for one in panel.drawn:
            one.draw(axis)
        for label, level in panel.levels.items():
            axis.axhline(level, color=SOFT, linewidth=1.0, linestyle="--", label=label or None, zorder=0)
        axis.set(title=panel.title, xlabel=panel.x, ylabel=panel.y)
        if "x" in panel.log:
            axis.set_xscale("log")
        if "y" in panel.log:
            axis.set_yscale("log")
        if panel.floor is not None:
            axis.set_ylim(panel.floor, None)
        if labels := axis.get_legend_handles_labels()[1]:
            axis.legend(frameon=False, fontsize=8.5 if len(labels) < 5 else 7.0, ncols=1 if len(labels) < 5 else 2)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    return save(paper, out)


def colour_of(chosen: int | str) -> str:
    return COLOURS[chosen % len(COLOURS)] if isinstance(chosen, int) else SOFT if chosen == "soft" else chosen
