"""How errors fall with resolution, and a triangle that shows a slope to hold them against."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenegrad.view.errors import ViewError
from scenegrad.view.plots.paper import COLOURS, INK, figure, save

__all__ = ["measured_order", "plot_convergence"]

BELOW = 0.5  # of the lowest curve nearby: where a triangle stands
BREADTH = 0.28  # of the decades that the curves span

Array = NDArray[np.float64]


def plot_convergence(
    sizes: ArrayLike,
    errors: Mapping[str, ArrayLike],
    out: str | Path,
    *,
    orders: Sequence[float] = (),
    x: str = "cells along an edge",
    y: str = "error",
) -> Path:
    """Draws errors over sizes, both logarithmic, and returns the path of the plot.

    sizes: numbers of cells or steps, or lengths of them; errors: for each name as many. Beside each name stands the
    order that a line through its points has. orders: slopes to draw a triangle of; the nearest whole ones if left out.
    """
    places = np.asarray(sizes, dtype=np.float64)
    curves = {name: np.asarray(values, dtype=np.float64) for name, values in errors.items()}
    for name, values in curves.items():
        if values.shape != places.shape or len(places) < 2:
            raise ViewError(
                f"plot_convergence got {len(places)} sizes and {values.size} errors of {name!r}; give as many."
            )
        if not (np.all(places > 0) and np.all(values > 0)):
            raise ViewError(f"plot_convergence takes positive sizes and errors; {name!r} has others.")
    measured = {name: measured_order(places, values) for name, values in curves.items()}
    paper, axes = figure(size=(5.4, 4.0))
    axis = axes[0, 0]
    for number, (name, values) in enumerate(curves.items()):
        label = f"{name}, order {abs(measured[name]):.2f}"
        axis.plot(places, values, "o-", markersize=4, color=COLOURS[number % len(COLOURS)], label=label)
    axis.set(xscale="log", yscale="log", xlabel=x, ylabel=y)
    falling = float(np.mean(list(measured.values()))) < 0
    found = orders or sorted({max(1, round(abs(order))) for order in measured.values()})
    for place, order in enumerate(found):
        add_triangle(axis, places, list(curves.values()), abs(order) * (-1 if falling else 1), place)
    axis.legend(frameon=False)
    return save(paper, out)


def measured_order(sizes: Array, errors: Array) -> float:
    """The slope of the line of least squares through log(errors) over log(sizes)."""
    return float(np.polyfit(np.log(sizes), np.log(errors), 1)[0])


def add_triangle(axis: Any, sizes: Array, curves: Sequence[Array], slope: float, place: int) -> None:
    """A right triangle whose long side has the slope, under the curves and beside those before."""
    low, high = math.log(sizes.min()), math.log(sizes.max())
    left = low + (0.12 + 0.42 * place) * (high - low)
    right = left + BREADTH * (high - low)
    middle = math.exp(0.5 * (left + right))
    order = np.argsort(sizes)
    lowest = min(math.exp(np.interp(math.log(middle), np.log(sizes[order]), np.log(c[order]))) for c in curves)
    top = math.log(BELOW * lowest) + 0.5 * abs(slope) * (right - left)
    heights = (top, top + slope * (right - left)) if slope < 0 else (top - slope * (right - left), top)
    ends = np.exp([left, right])
    corner = (ends[0], math.exp(heights[1])) if slope < 0 else (ends[1], math.exp(heights[0]))
    corners = np.array([[ends[0], math.exp(heights[0])], [ends[1], math.exp(heights[1])], corner])
    axis.fill(*corners.T, facecolor="none", edgecolor=INK, linewidth=0.9)
    side = (ends[0], ends[1])[slope > 0]
    axis.annotate(
        f"{abs(slope):g}", (side, math.exp(0.5 * sum(heights))), xytext=(-4 if slope < 0 else 4, 0),
        textcoords="offset points", ha="right" if slope < 0 else "left", va="center", fontsize=9,
    )  # fmt: skip
