"""Many small pictures of fields in rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.colours import DIVERGING, SEQUENTIAL, robust_limits
from scenegrad.view.errors import ViewError
from scenegrad.view.plots.paper import COLOURS, figure, save
from scenegrad.view.quantities import labelled

__all__ = ["Row", "plot_tiles"]

TILE = 1.75  # inches
DPI = 100
POINTS = 4000  # of a cloud that are drawn

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """Fields of one kind that share their colours: [x] and [x, y] are drawn as they are, of [x, y, z] the middle plane.

    titles: above each; they may be empty. places: positions [point, dim] of each field, where it is one of points.
    like: fields that decide the colours in their place. cmap: what suits the sign of the numbers unless said.
    """

    label: str
    fields: Sequence[Array]
    titles: Sequence[str] = ()
    name: str = ""
    unit: str = ""
    places: Sequence[Array] | None = None
    like: Sequence[Array] | None = None
    cmap: str | None = None

    def limits(self) -> tuple[tuple[float, float], bool]:
        return robust_limits(np.concatenate([np.ravel(one) for one in (self.like or self.fields)]))


def plot_tiles(rows: Sequence[Row], out: str | Path, *, size: Sequence[float] | None = None) -> Path:
    """Draws rows of fields and returns the path of the picture. size: edge lengths of the box, for the proportions."""
    columns = max(len(row.fields) for row in rows)
    if columns == 0:
        raise ViewError("plot_tiles got no fields.")
    tall = max(height_of(row, size) for row in rows)
    paper, axes = figure(
        len(rows), columns, size=(TILE * columns + 1.4, max(1.2, TILE * tall) * len(rows) + 0.5), clean=False, dpi=DPI
    )
    for line, row in zip(axes, rows, strict=True):
        (low, high), signed = row.limits()
        cmap = row.cmap or (DIVERGING if signed else SEQUENTIAL)
        image = None
        for column, axis in enumerate(line):
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_linewidth(0.6)
            if column >= len(row.fields):
                axis.set_visible(False)
                continue
            values = flat(row.fields[column])
            if row.places is not None:
                at = np.asarray(row.places[column])[:: max(1, len(row.places[column]) // POINTS)]
                shown = np.ravel(values)[:: max(1, values.size // POINTS)]
                image = axis.scatter(at[:, 0], at[:, 1], c=shown, s=2, cmap=cmap, vmin=low, vmax=high)
                axis.set_aspect("equal")
            elif values.ndim == 1:
                axis.plot(values, color=COLOURS[0], linewidth=1.2)
                axis.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
            else:
                width, height = (size or values.shape)[:2]
                image = axis.imshow(
                    values.T, origin="lower", extent=(0.0, width, 0.0, height), cmap=cmap, vmin=low, vmax=high,
                    interpolation="bicubic",
                )  # fmt: skip
            if column < len(row.titles):
                axis.set_title(row.titles[column], fontsize=9)
        line[0].set_ylabel(row.label)
        if image is not None:
            paper.colorbar(image, ax=line, label=labelled(row.name, row.unit), aspect=15, pad=0.015)
    return save(paper, out)


def height_of(row: Row, size: Sequence[float] | None) -> float:
    """Of a tile, over its width."""
    shape = flat(row.fields[0]).shape
    if row.places is not None or len(shape) == 1:
        return 0.8
    width, height = (size or shape)[:2]
    return min(max(height / width, 0.4), 1.6)


def flat(field: Array) -> Array:
    """[x], [x, y], or the middle plane of [x, y, z]."""
    return field[..., field.shape[-1] // 2] if field.ndim == 3 else field
