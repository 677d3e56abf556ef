"""Figures as all plots share them: few lines, readable letters, room for everything."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scenegrad.engine.files.atomic import appearing
from scenegrad.view.errors import ViewError
from scenegrad.view.plots.legends import make_room

__all__ = ["COLOURS", "INK", "SOFT", "figure", "save"]

COLOURS = ("#33608c", "#d1495b", "#3c8d5a", "#c98a1b", "#7b5aa6", "#5aa7b8")
SOFT = "#8a94a6"
INK = "#303030"
SUFFIXES = (".png", ".pdf", ".svg", ".jpg")


def figure(
    rows: int = 1,
    columns: int = 1,
    size: tuple[float, float] = (6.4, 3.8),
    sharex: bool = False,
    clean: bool = True,
    dpi: int = 160,
) -> tuple[Any, Any]:
    """A figure of width x height inches, and its axes [rows, columns]. clean: without the upper and right lines. dpi:
    fewer where there are many smooth colours, each of which costs room."""
    if find_spec("matplotlib") is None:
        raise ViewError("Plots need matplotlib, which is not installed. Run: pip install 'scenegrad[plot]'")
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    style: Any = {
        "font.size": 10.5, "axes.labelsize": 10.5, "axes.titlesize": 11, "axes.edgecolor": INK, "text.color": INK,
        "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "axes.linewidth": 0.8, "lines.linewidth": 1.6,
        "axes.formatter.useoffset": False,
        "axes.formatter.limits": (-3, 4), "axes.formatter.use_mathtext": True,
    }  # fmt: skip
    with rc_context(style):
        paper = Figure(figsize=size, layout="constrained", dpi=dpi)
        axes = paper.subplots(rows, columns, squeeze=False, sharex=sharex)
    for axis in axes.flat:
        if clean:
            axis.spines[["top", "right"]].set_visible(False)
            axis.grid(alpha=0.25, linewidth=0.6)
    return paper, axes


def save(paper: Any, out: str | Path) -> Path:
    """Writes the figure, its legends beside its curves; the file appears when it is complete."""
    path = Path(out)
    if path.suffix.lower() not in SUFFIXES:
        raise ViewError(f"A plot is one of {' '.join(SUFFIXES)}, not {path.name!r}.")
    make_room(paper)
    with appearing(path) as part:
        paper.savefig(part)
    return path
