"""Legends that hide nothing: where no corner is free of curves, room is made above them."""

from __future__ import annotations

from typing import Any

__all__ = ["make_room"]

GAP = 0.02  # between a legend and the curves below it, in parts of the height


def make_room(paper: Any) -> None:
    """Lays the figure out, and where a legend then lies over what is drawn, puts it above and raises the axis to it."""
    hidden = [axis for axis in paper.axes if axis.get_visible() and axis.get_legend() is not None]
    if not hidden:
        return
    paper.draw_without_rendering()
    for axis in hidden:
        legend = axis.get_legend()
        if not covers(axis, legend.get_window_extent()):
            continue
        height = legend.get_window_extent().transformed(axis.transAxes.inverted()).height + 2 * GAP
        scale, (low, high) = axis.yaxis.get_transform(), axis.get_ylim()
        bottom, top = scale.transform([low, high])
        axis.set_ylim(low, scale.inverted().transform([bottom + (top - bottom) / max(1.0 - height, 0.3)])[0])
        legend.set_loc("upper right")


def covers(axis: Any, box: Any) -> bool:
    """Whether a curve or a bar lies within a box of the screen."""
    curves = [line.get_path().transformed(line.get_transform()) for line in axis.lines]
    bars = [patch.get_path().transformed(patch.get_transform()) for patch in axis.patches]
    return any(path.intersects_bbox(box, filled=False) for path in curves) or any(
        path.intersects_bbox(box) for path in bars
    )
