"""Numbers over time, and profiles that change with time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.errors import ViewError
from scenegrad.view.plots.paper import COLOURS, SOFT, figure, save
from scenegrad.view.plots.recorded import Recorded, read_series
from scenegrad.view.quantities import labelled

__all__ = ["plot_rdf", "plot_series"]

AXES = "xyz"
PROFILES = 6  # times at which a profile is drawn
DECADES = 3.0  # that a positive profile must span to be drawn on logarithmic axes

Array = NDArray[np.float64]


def plot_series(run: Any, name: str, out: str | Path | None = None) -> Path:
    """Draws an output of numbers, or one quantity of it ("energy", "energy.total"), and returns the path of the plot.

    Numbers are drawn over time, a panel for each unit; histograms and spectra over their own axis, at a few times.
    out: a .png, .pdf or .svg; <name>.png in the folder of the run if left out."""
    recorded = read_series(run, name)
    paper = draw_profiles(recorded) if recorded.coordinates else draw_over_time(recorded)
    return save(paper, out or beside(run, f"{name}.png"))


def beside(run: Any, name: str) -> Path:
    path = Path(getattr(run, "folder", run))
    return (path if path.is_dir() else path.parent) / name


def draw_over_time(recorded: Recorded) -> Any:
    units = list(dict.fromkeys(recorded.units[key] for key in recorded.quantities))
    paper, axes = figure(len(units), size=(6.4, 1.6 + 2.2 * len(units)), sharex=True)
    for axis, unit in zip(axes[:, 0], units, strict=True):
        inside = {key: values for key, values in recorded.quantities.items() if recorded.units[key] == unit}
        curves = [curve for key, values in inside.items() for curve in components(key, values)]
        for number, (label, values) in enumerate(curves):
            line = "-" if number < len(COLOURS) else "--"
            axis.plot(recorded.times, values, line, color=COLOURS[number % len(COLOURS)], label=label)
        axis.set_ylabel(labelled(curves[0][0] if len(curves) == 1 else recorded.name, unit if unit != "1" else ""))
        if len(curves) > 1:
            axis.legend(framealpha=0.8, edgecolor="none", ncols=min(3, len(curves)))
    axes[-1, 0].set_xlabel(labelled("time", recorded.time_unit))
    axes[-1, 0].margins(x=0.01)
    return paper


def components(key: str, values: Array) -> list[tuple[str, Array]]:
    """Labels and curves [frame] of a quantity [frame, ...]."""
    name = key.replace("_", " ")
    if values.ndim == 1:
        return [(name, values)]
    flat = values.reshape(len(values), -1)
    if flat.shape[1] > len(AXES):
        raise ViewError(f"{key} has {flat.shape[1]} numbers a frame and no axis to draw them over.")
    return [(f"{name} {AXES[k]}", flat[:, k]) for k in range(flat.shape[1])]


def draw_profiles(recorded: Recorded) -> Any:
    """Every quantity over its coordinate, from the first frame (light) to the last (dark)."""
    from matplotlib import colormaps

    paper, axes = figure(len(recorded.quantities), size=(6.4, 1.0 + 3.0 * len(recorded.quantities)))
    for axis, (key, values) in zip(axes[:, 0], recorded.quantities.items(), strict=True):
        along = next((k for k, points in recorded.coordinates.items() if len(points) == values.shape[-1]), None)
        if along is None:
            raise ViewError(f"{recorded.name} has no axis with the {values.shape[-1]} points of {key}.")
        points = recorded.coordinates[along]
        frames = np.unique(np.linspace(0, len(values) - 1, PROFILES).round().astype(int))
        for place, frame in zip(np.linspace(0.75, 0.1, len(frames)), frames, strict=True):
            label = f"t = {recorded.times[frame]:.3g}"
            axis.plot(points, values[frame], color=colormaps["viridis"](place), label=label)
        shown = values[frames][:, points > 0]
        if np.all(shown >= 0) and spans(shown):
            axis.set(xscale="log", yscale="log", ylim=(shown.max() * 1e-8, None))
        axis.set_xlabel(labelled(along, recorded.units[along]))
        axis.set_ylabel(labelled(key, recorded.units[key] if recorded.units[key] != "1" else ""))
        axis.legend(frameon=False)
    return paper


def spans(values: Array) -> bool:
    """Whether positive numbers lie decades apart."""
    positive = values[values > 0]
    return len(positive) > 0.9 * values.size and bool(np.log10(positive.max() / positive.min()) > DECADES)


def plot_rdf(
    run: Any,
    out: str | Path | None = None,
    *,
    name: str = "rdf",
    after: float = -np.inf,
    reference: tuple[Array, Array] | None = None,
    reference_label: str = "reference",
) -> Path:
    """Draws g(r), averaged over the frames after a time, and returns the path of the plot. reference: r and g(r)."""
    recorded = read_series(run, name)
    values = next(iter(recorded.quantities.values()))
    if len(recorded.coordinates) != 1 or values.ndim != 2:
        raise ViewError(f"{name} is no radial distribution; ask the scene for an output RDF(r_max=..., every=...).")
    along, radii = next(iter(recorded.coordinates.items()))
    chosen = values[recorded.times >= after]
    if not len(chosen):
        raise ViewError(f"{name} has no frame after t = {after:g}; its last is at t = {recorded.times[-1]:g}.")
    paper, axes = figure()
    axis = axes[0, 0]
    if reference is not None:
        axis.plot(*reference, color=SOFT, linewidth=4.0, alpha=0.6, label=reference_label)
    axis.plot(radii, chosen.mean(axis=0), color=COLOURS[0], label="scenegrad")
    axis.axhline(1.0, color=SOFT, linewidth=0.8, zorder=0)
    axis.set(xlabel=labelled("r", recorded.units[along]), ylabel="g(r)", xlim=(0, radii[-1]), ylim=(0, None))
    if reference is not None:
        axis.legend(frameon=False)
    return save(paper, out or beside(run, f"{name}.png"))
