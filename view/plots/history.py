"""How a training went, from its log of one JSON object a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from scenegrad.view.errors import ViewError
from scenegrad.view.files import resolved
from scenegrad.view.plots.paper import COLOURS, SOFT, figure, save

__all__ = ["plot_history"]

NOT_ERRORS = ("epoch", "step", "seconds", "time", "learning_rate", "lr")


def plot_history(log: str | Path, out: str | Path | None = None) -> Path:
    """Draws the losses of a log.jsonl over its epochs, the learning rate faintly behind them; returns the path.

    log: the file, or the folder of a training. Every number that is not a count, a time or a rate is an error and gets
    a curve. out: log.png beside the file if left out."""
    path = resolved(log)
    path = path / "log.jsonl" if path.is_dir() else path
    lines = read_lines(resolved(path))
    count = next((key for key in ("epoch", "step") if all(key in line for line in lines)), None)
    along = [line[count] if count else number for number, line in enumerate(lines)]

    paper, axes = figure()
    axis = axes[0, 0]
    keys = dict.fromkeys(key for line in lines for key in line if key not in NOT_ERRORS)
    for colour, key in zip(COLOURS, keys, strict=False):
        values = np.array([number(line.get(key)) for line in lines])
        kept = np.isfinite(values)
        if kept.any():
            axis.plot(
                np.array(along)[kept], values[kept], "o-", markersize=3, color=colour, label=key.replace("_", " ")
            )
    axis.set(xlabel=count or "line", ylabel="error")
    if axis.lines and all(np.all(line.get_ydata() > 0) for line in axis.lines):
        axis.set_yscale("log")
    rate = np.array([number(line.get("learning_rate", line.get("lr"))) for line in lines])
    if np.isfinite(rate).any():
        behind = axis.twinx()
        behind.plot(along, rate, color=SOFT, linewidth=1.0, alpha=0.7)
        behind.set_ylabel("learning rate", color=SOFT)
        behind.tick_params(axis="y", colors=SOFT)
        behind.spines[["top", "left"]].set_visible(False)
        behind.set_ylim(0, None)
    axis.legend(frameon=False, loc="upper right")
    return save(paper, out or path.with_suffix(".png"))


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of the log; a last line that was cut off by a crash is left out."""
    lines: list[dict[str, Any]] = []
    texts = [text for text in path.read_text().splitlines() if text.strip()]
    for place, text in enumerate(texts):
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError as error:
            if place < len(texts) - 1:
                raise ViewError(f"Line {place + 1} of {path} is not JSON: {error}.") from None
    if not lines:
        raise ViewError(f"{path} holds no epochs yet.")
    return lines


def number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")
