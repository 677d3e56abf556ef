"""An objective over two of its parameters, to a solver and to its stand-in, with the ways of searches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from scenegrad.engine.optimise import Trial
from scenegrad.view.plots.paper import COLOURS, figure, save

__all__ = ["Heights", "draw_landscapes"]

Heights = Callable[[np.ndarray], np.ndarray]  # of points [point, 2]


def draw_landscapes(
    heights: dict[str, Heights],
    paths: dict[str, Sequence[Trial]],
    axes: tuple[str, str],
    bounds: tuple[float, float],
    out: Path,
    log: bool = True,
    points: int = 17,
) -> Path:
    """Contours of the logarithm of each height over both parameters, all at the same levels, and each search as points
    in its order. heights and paths: by what they are called."""
    side = np.geomspace(bounds[0], bounds[1], points) if log else np.linspace(bounds[0], bounds[1], points)
    grid = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    shown = {
        name: np.log10(np.maximum(height(grid), 1e-12)).reshape(points, points) for name, height in heights.items()
    }
    low, high = min(map(np.min, shown.values())), max(map(np.max, shown.values()))
    paper, panels = figure(1, len(shown), size=(4.6 * len(shown), 4.0), clean=False)
    for panel, (name, values) in zip(panels.flat, shown.items(), strict=True):
        panel.contourf(side, side, values.T, levels=np.linspace(low, high, 25), cmap="Blues_r")
        for colour, (label, path) in zip((1, 3), paths.items(), strict=False):
            x, y = (np.array([float(trial.params[address].reshape(-1)[0]) for trial in path]) for address in axes)
            panel.plot(x, y, "o-", color=COLOURS[colour], markersize=4, linewidth=1.2, label=label)
        panel.set(title=name, xlabel=axes[0], ylabel=axes[1], xlim=side[[0, -1]], ylim=side[[0, -1]])
        if log:
            panel.set(xscale="log", yscale="log")
        panel.legend(frameon=False, fontsize=8.5)
    return save(paper, out)
