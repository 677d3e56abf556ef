"""How far atoms go and how long they keep their direction, with error bars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scenegrad.view.plots.paper import COLOURS, SOFT, figure, save
from scenegrad.view.quantities import labelled

__all__ = ["plot_diffusion"]


def plot_diffusion(found: Any, out: str | Path) -> Path:
    """Draws what `scenegrad.diffusion` found of a run: the mean square displacement with the line that is fitted to it,
    and the running integral of the velocity correlation. Bars are one standard error. Returns the path of the plot."""
    rows = [curve for curve in (found.by_slope, found.by_integral) if curve is not None]
    paper, axes = figure(len(rows), size=(6.4, 0.8 + 2.9 * len(rows)))
    for axis, curve in zip(axes[:, 0], rows, strict=True):
        (draw_slope if curve is found.by_slope else draw_integral)(axis, curve)
        axis.set_xlabel(labelled("lag", found.time_unit))
        axis.legend(frameon=False)
        axis.margins(x=0.02)
    return save(paper, out)


def draw_slope(axis: Any, curve: Any) -> None:
    bars(axis, curve.lag, curve.values, COLOURS[0], "mean square displacement")
    late = curve.values.mean[-len(curve.limits) :]
    centred = curve.limits - curve.limits.mean()
    slope = (late * centred).sum() / (centred**2).sum()
    line = late.mean() + slope * centred
    axis.plot(curve.limits, line, color=COLOURS[1], label=f"line: D = {curve.constant}", zorder=3)
    axis.set_ylabel(labelled("displacement", curve.units))
    if curve.lag[-1] - curve.lag[-2] > 1.5 * (curve.lag[1] - curve.lag[0]):  # lags over many scales
        axis.set(xscale="log", yscale="log")
    else:
        axis.set_ylim(0.0, None)


def draw_integral(axis: Any, curve: Any) -> None:
    bars(axis, curve.limits, curve.constant, COLOURS[0], f"integral: D = {last(curve.constant)}")
    axis.axhline(0.0, color=SOFT, linewidth=0.8, zorder=0)
    scale = float(abs(curve.constant.mean).max() / abs(curve.values.mean).max())
    axis.plot(
        curve.lag, scale * curve.values.mean, color=COLOURS[1], linewidth=1.0, label="velocity correlation, scaled"
    )
    axis.set_ylabel("D up to this lag")
    if curve.lag[-1] - curve.lag[-2] > 1.5 * (curve.lag[1] - curve.lag[0]):
        axis.set_xscale("log")


def last(constant: Any) -> Any:
    return type(constant)(constant.mean[-1], constant.error[-1])


def bars(axis: Any, lag: Any, values: Any, colour: str, label: str) -> None:
    style = {"fmt": "o", "markersize": 2.5, "linewidth": 1.0, "capsize": 1.5}
    axis.errorbar(lag, values.mean, yerr=values.error, color=colour, label=label, **style)
