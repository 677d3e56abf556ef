"""Two rollouts of a field side by side: the solver, the surrogate, and how far they are apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.colours import DIVERGING, SEQUENTIAL, robust_limits
from scenegrad.view.errors import ViewError
from scenegrad.view.plots.paper import figure, save
from scenegrad.view.quantities import labelled

__all__ = ["compare_fields"]

MOST = 6  # columns
TILE = 1.75  # inches


def compare_fields(
    solver: Any,
    surrogate: Any,
    out: str | Path,
    *,
    times: Sequence[float] | None = None,
    time_unit: str = "s",
    name: str = "vorticity",
    unit: str = "",
    size: Sequence[float] | None = None,
    labels: tuple[str, str] = ("solver", "surrogate"),
) -> Path:
    """Draws two fields [frame, x, y] and their difference at up to six times; returns the path of the figure.

    The first two rows share their colours, which the solver's frames decide; the difference has its own. size: edge
    lengths of the box, for the proportions."""
    truth, guess = (np.asarray(field, dtype=np.float64) for field in (solver, surrogate))
    if truth.shape != guess.shape or truth.ndim != 3:
        raise ViewError(
            f"compare_fields takes two fields [frame, x, y] of one shape; got {list(truth.shape)} and "
            f"{list(guess.shape)}."
        )
    if times is not None and len(times) != len(truth):
        raise ViewError(f"compare_fields got {len(times)} times for {len(truth)} frames.")
    chosen = np.unique(np.linspace(0, len(truth) - 1, MOST).round().astype(int))
    extent = (0.0, *(size or (float(truth.shape[1]), float(truth.shape[2]))))
    box = (0.0, extent[1], 0.0, extent[2])

    limits, signed = robust_limits(truth[chosen])
    reach = robust_limits(np.concatenate([(guess - truth)[chosen].ravel(), (truth - guess)[chosen].ravel()]))[0][1]
    rows: list[tuple[str, NDArray[np.float64], str, tuple[float, float]]] = [
        (labels[0], truth, DIVERGING if signed else SEQUENTIAL, limits),
        (labels[1], guess, DIVERGING if signed else SEQUENTIAL, limits),
        ("difference", guess - truth, "PuOr_r", (-reach, reach)),
    ]
    tall = TILE * min(max(extent[2] / extent[1], 0.4), 1.6)
    paper, axes = figure(3, len(chosen), size=(TILE * len(chosen) + 1.2, 3 * tall + 0.6), clean=False)
    for row, (label, field, cmap, (low, high)) in enumerate(rows):
        for column, frame in enumerate(chosen):
            axis = axes[row, column]
            image = axis.imshow(
                field[frame].T, origin="lower", extent=box, cmap=cmap, vmin=low, vmax=high, interpolation="bicubic"
            )
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_linewidth(0.6)
            if row == 0:
                axis.set_title(f"frame {frame}" if times is None else f"t = {times[frame]:.3g} {time_unit}".rstrip())
        axes[row, 0].set_ylabel(label)
        if row == 0:
            paper.colorbar(image, ax=axes[:2], label=labelled(name, unit), aspect=30, pad=0.015)
        if row == 2:
            paper.colorbar(image, ax=axes[2], label=labelled("difference", unit), aspect=15, pad=0.015)
    return save(paper, out)
