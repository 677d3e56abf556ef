"""How a flow kept its laws, in one picture: budgets through time, what the equations left over, the last spectrum."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.errors import ViewError
from scenegrad.view.plots.paper import COLOURS, SOFT, figure, save
from scenegrad.view.plots.recorded import Recorded, read_series
from scenegrad.view.plots.series import beside
from scenegrad.view.quantities import labelled

__all__ = ["plot_diagnostics"]

COLUMNS = 3
WIDE = 24  # letters of a name, two of which do not go side by side
LEAST = 1e-8  # of the largest shell of a spectrum, below which nothing is drawn
ENERGIES = ("kinetic_energy", "internal_energy", "potential_energy", "energy")

Array = NDArray[np.float64]
Panel = tuple[str, Callable[[Any], None]]


def plot_diagnostics(run: Any, out: str | Path | None = None, *, name: str = "diagnostics") -> Path:
    """Draws the Diagnostics of a run and returns the path of the plot. name: of the output.

    Energies and enstrophy with the rates at which each of their causes changes them, the grey line being how fast they
    change; divergence and residual on logarithmic axes; the spectra of the first frame (grey) and the last; of gases
    and water what is not accounted for by what passes through the sides. out: <name>.png in the folder of the run if
    left out."""
    recorded = read_series(run, name)
    panels = panels_of(recorded)
    if not panels:
        raise ViewError(f"{name} is no output of the kind Diagnostics; draw it with plot_series.")
    rows = math.ceil(len(panels) / COLUMNS)
    paper, axes = figure(rows, COLUMNS, size=(4.3 * COLUMNS, 3.1 * rows))
    for axis, (title, draw) in zip(axes.flat, panels, strict=False):
        draw(axis)
        axis.set_title(title)
        if not axis.get_xlabel():
            axis.set_xlabel(labelled("time", recorded.time_unit))
        if len(labels := axis.get_legend_handles_labels()[1]) > 1:
            axis.legend(framealpha=0.8, edgecolor="none", fontsize=8, ncols=2 if max(map(len, labels)) < WIDE else 1)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    return save(paper, out or beside(run, f"{name}.png"))


def panels_of(recorded: Recorded) -> list[Panel]:
    known = recorded.quantities
    found: list[Panel] = []
    told = [key for key in known if key.endswith(("_rate", "_viscosity")) and known[key].ndim == 1]
    laws = list(dict.fromkeys(key.rpartition("_")[0] for key in told))
    for law in laws:
        values = [key for key in ENERGIES if key in known] if law == "energy" else [law]
        if law != "mass" and (values := [key for key in values if key in known]):
            found.append((spoken(law), partial(draw_lines, recorded, values)))
        causes = [key for key in known if key.startswith(f"{law}_") and key not in known_else(law)]
        causes = [key for key in causes if not key.startswith(f"{law}_entered")]  # amounts, and no rates
        if len(causes) > 1:
            found.append((f"{spoken(law)}: what changes it", partial(draw_budget, recorded, law, causes)))
    for law in (one for one in ("mass", "energy") if f"{one}_rate" in known and one in known and "mass" in known):
        found.append((f"{law} not accounted for", partial(draw_gap, recorded, law)))
    for word in ("divergence", "residual"):
        keys = [key for key in known if word in key and known[key].ndim == 1]
        if keys:
            found.append((word, partial(draw_sizes, recorded, keys)))
    least = [key for key in known if key.endswith("_min")]
    found += [("smallest values", partial(draw_lines, recorded, least))] if least else []
    spectra = [key for key in known if key.endswith("spectrum") and "wavenumber" in recorded.coordinates]
    return found + [(spoken(key), partial(draw_spectrum, recorded, key)) for key in spectra]


def known_else(law: str) -> tuple[str, ...]:
    """Quantities that begin as the causes of a law do and are none."""
    endings = ("residual", "min", "max", "rms", "spectrum", "mean", "kept")
    return tuple(f"{law}_{ending}" for ending in endings)


def spoken(key: str) -> str:
    return key.replace("_", " ")


def unit_of(recorded: Recorded, keys: list[str]) -> str:
    units = {recorded.units[key] for key in keys}
    return units.pop() if len(units) == 1 else ""


def name_among(recorded: Recorded, key: str, keys: list[str]) -> str:
    """Of a curve, with its unit where the axis cannot bear one for all."""
    return spoken(key) if unit_of(recorded, keys) else labelled(key, recorded.units[key])


def draw_lines(recorded: Recorded, keys: list[str], axis: Any) -> None:
    for number, key in enumerate(keys):
        colour, label = COLOURS[number % len(COLOURS)], name_among(recorded, key, keys)
        axis.plot(recorded.times, recorded.quantities[key], color=colour, label=label)
    axis.set_ylabel(labelled(spoken(keys[0]) if len(keys) == 1 else "", unit_of(recorded, keys)))


def draw_budget(recorded: Recorded, law: str, causes: list[str], axis: Any) -> None:
    rate = recorded.quantities.get(f"{law}_rate")
    if rate is not None:
        axis.plot(recorded.times, rate, color=SOFT, linewidth=5, alpha=0.45, label="rate")
    others = [key for key in causes if key != f"{law}_rate"]
    terms = np.stack([recorded.quantities[key] for key in others])
    shown = [key for key, term in zip(others, terms, strict=True) if np.abs(term).max() > 1e-6 * np.abs(terms).max()]
    for number, key in enumerate(shown):
        line = "-" if number < len(COLOURS) else "--"
        label = spoken(key.removeprefix(f"{law}_"))
        axis.plot(recorded.times, recorded.quantities[key], line, color=COLOURS[number % len(COLOURS)], label=label)
    if rate is not None:
        axis.plot(recorded.times, terms.sum(0), ":", color="black", linewidth=1.2, label="sum")
    axis.set_ylabel(labelled("", recorded.units[causes[0]]))


def draw_gap(recorded: Recorded, law: str, axis: Any) -> None:
    """What is there now, less what was at first and what has come in since."""
    now = recorded.quantities[law]
    kept = recorded.quantities.get(f"{law}_kept", now)  # without sides and obstacles nothing comes in
    axis.plot(recorded.times, (kept - kept[0]) / max(abs(now[0]), np.finfo(float).tiny), color=COLOURS[0])
    axis.set_ylabel("share of the first")


def draw_sizes(recorded: Recorded, keys: list[str], axis: Any) -> None:
    for number, key in enumerate(keys):
        values = np.where(recorded.quantities[key] > 0, recorded.quantities[key], np.nan)
        colour, label = COLOURS[number % len(COLOURS)], name_among(recorded, key, keys)
        axis.plot(recorded.times, values, "o-", markersize=2.5, color=colour, label=label)
    if any(np.isfinite(line.get_ydata()).any() for line in axis.lines):
        axis.set_yscale("log")
    axis.set_ylabel(labelled(spoken(keys[0]) if len(keys) == 1 else "", unit_of(recorded, keys)))


def draw_spectrum(recorded: Recorded, key: str, axis: Any) -> None:
    k, values = recorded.coordinates["wavenumber"], recorded.quantities[key]
    for frame, colour, wide in ((0, SOFT, 1.2), (-1, COLOURS[0], 1.8)):
        shown = (k > 0) & (values[frame] > LEAST * values[frame].max()) & (values[frame] > 0)
        label = f"t = {recorded.times[frame]:.3g}"
        axis.plot(k[shown], values[frame][shown], "o-", markersize=2.5, color=colour, linewidth=wide, label=label)
    if any(len(line.get_ydata()) for line in axis.lines):
        axis.set(xscale="log", yscale="log")
    axis.set(xlabel=labelled("wavenumber", recorded.units["wavenumber"]))
    axis.set_ylabel(labelled("", recorded.units[key]))
