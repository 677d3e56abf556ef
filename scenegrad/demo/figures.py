"""The plots of the report."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scenegrad import assets

__all__ = ["learning_figure", "recovery_figure", "reference_rdf"]

INK, SOFT, WARM = "#1f4e79", "#8a94a6", "#d1495b"


def axes(width: int = 1, height: float = 3.4) -> tuple[Any, Any]:
    """Figure and axes with no more lines than they need."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6 * width, height), layout="constrained", dpi=150)
    plots = figure.subplots(1, width)
    for plot in np.atleast_1d(plots):
        plot.spines[["top", "right"]].set_visible(False)
        plot.grid(alpha=0.25, linewidth=0.6)
    return figure, plots


def recovery_figure(moduli: Sequence[float], misfits: Sequence[float], true: float, path: Path) -> Path:
    """Young's modulus [Pa] and misfit of every evaluation."""
    figure, (left, right) = axes(2)
    count = np.arange(1, len(moduli) + 1)
    left.semilogy(count, moduli, "o-", color=INK, label="tried")
    left.axhline(true, color=WARM, linewidth=1.2, label="true")
    left.set(xlabel="evaluation", ylabel="Young's modulus [Pa]")
    left.legend(frameon=False)
    right.semilogy(count, misfits, "o-", color=INK)
    right.axhline(1.0, color=WARM, linewidth=1.2, label="level of the noise")
    right.set(xlabel="evaluation", ylabel="mean squared misfit / noise²")
    right.legend(frameon=False)
    figure.savefig(path)
    return path


def reference_rdf() -> tuple[np.ndarray, np.ndarray]:
    """r [sigma] and g(r) of the Lennard-Jones liquid at the triple point, from LAMMPS."""
    with (Path(assets.__file__).parent / "reference" / "md" / "lj_rdf_triple_point.csv").open() as file:
        rows = list(csv.reader(line for line in file if not line.startswith("#")))
    table = np.array([[float(value) for value in row[:2]] for row in rows[1:]])
    return table[:, 0], table[:, 1]


def learning_figure(
    steps: np.ndarray, error: np.ndarray, correlation: np.ndarray, persistence: float, path: Path
) -> Path:
    """Relative L2 error and correlation of rollouts over learned steps; persistence: error of one step of no change."""
    figure, (left, right) = axes(2)
    left.semilogy(steps, error, "o-", markersize=3, color=INK, label="network")
    left.axhline(persistence, color=WARM, linewidth=1.2, label="one step of no change")
    left.set(xlabel="learned steps", ylabel="relative L² error")
    left.legend(frameon=False)
    right.plot(steps, correlation, "o-", markersize=3, color=INK)
    right.axhline(0.8, color=WARM, linewidth=1.2, label="0.8")
    right.set(
        xlabel="learned steps", ylabel="correlation of the vorticity", ylim=(min(0.5, float(correlation.min())), 1.01)
    )
    right.legend(frameon=False)
    figure.savefig(path)
    return path
