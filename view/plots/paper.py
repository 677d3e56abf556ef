"""Figures as all plots share them: few lines, readable letters, room for everything."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scenegrad.view.errors import ViewError

__all__ = ["COLOURS", "SOFT", "figure", "save"]

COLOURS = ("#33608c", "#d1495b", "#3c8d5a", "#c98a1b", "#7b5aa6", "#5aa7b8")
SOFT = "#8a94a6"
INK = "#303030"
SUFFIXES = (".png", ".pdf", ".svg", ".jpg")


def figure(
    rows: int = 1, columns: int = 1, size: tuple[float, float] = (6.4, 3.8), sharex: bool = False, clean: bool = True
) -> tuple[Any, Any]:
    """A figure of width x height inches, and its axes [rows, columns]. clean: without the upper and right lines."""
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
        paper = Figure(figsize=size, layout="constrained", dpi=160)
        axes = paper.subplots(rows, columns, squeeze=False, sharex=sharex)
    for axis in axes.flat:
        if clean:
            axis.spines[["top", "right"]].set_visible(False)
            axis.grid(alpha=0.25, linewidth=0.6)
    return paper, axes


def save(paper: Any, out: str | Path) -> Path:
    """Writes the figure; the file appears when it is complete."""
    path = Path(out)
    if path.suffix.lower() not in SUFFIXES:
        raise ViewError(f"A plot is one of {' '.join(SUFFIXES)}, not {path.name!r}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    paper.savefig(part)
    part.replace(path)
    return path
