"""How long the steps of a run were, and which were taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from scenegrad.engine.files.steps import read_steps
from scenegrad.view.plots.paper import COLOURS, SOFT, figure, save

__all__ = ["plot_steps"]


def plot_steps(run: Any, out: str | Path | None = None) -> Path:
    """Draws dt over time with its stability bound, refused attempts as crosses, and the error of the steps below where
    the method estimates it; returns the path. out: steps.png in the folder of the run if left out."""
    folder = Path(getattr(run, "folder", run))
    steps = read_steps(folder)
    judged = bool(np.isfinite(steps.error).any())
    paper, axes = figure(1 + judged, size=(6.4, 3.0 + 2.2 * judged), sharex=True)
    kept = steps.accepted
    bounded = np.isfinite(steps.bound) & kept
    above = axes[0, 0]
    above.plot(steps.time[bounded], steps.bound[bounded], color=SOFT, linewidth=1.0, label="stability bound")
    above.plot(steps.time[kept], steps.dt[kept], color=COLOURS[0], drawstyle="steps-post", label="dt")
    above.plot(steps.time[~kept], steps.dt[~kept], "x", color=COLOURS[1], markersize=5, label="taken back")
    above.set(yscale="log", ylabel="dt")
    above.legend(frameon=False, ncols=3)
    if judged:
        below = axes[1, 0]
        below.plot(steps.time[kept], steps.error[kept], ".", color=COLOURS[0], markersize=3)
        below.plot(steps.time[~kept], steps.error[~kept], "x", color=COLOURS[1], markersize=5)
        below.set(yscale="log", ylabel="local error, relative")
    axes[-1, 0].set_xlabel("time")
    axes[-1, 0].margins(x=0.01)
    return save(paper, out or folder / "steps.png")
