"""Which colour a number gets: the map, its limits, and the names of categories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scenegrad.scenes.errors import nearest
from scenegrad.view.errors import ViewError
from scenegrad.view.frames import Frames
from scenegrad.view.quantities import Quantity

if TYPE_CHECKING:
    import pyvista

__all__ = [
    "CATEGORY_COLOURS",
    "DIVERGING",
    "INK",
    "ON_PAPER",
    "PAPER",
    "SEQUENTIAL",
    "Colouring",
    "colouring",
    "robust_limits",
]

INK = "#303030"  # of lines and letters
PAPER = "#ffffff"
SEQUENTIAL = "viridis"
ON_PAPER = "YlGnBu"  # sequential from light to dark
DIVERGING = "RdBu_r"
DIVERGING_SOLID = "coolwarm"  # grey in the middle, for bodies that must not fade into the paper
CATEGORY_COLOURS = (  # Paul Tol's "bright", then of his "muted" those that look like none of these
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#999999", "#332288", "#882255", "#44aa99",
    "#999933", "#ddaa99",
)  # fmt: skip

LOOKED_AT = 24  # frames that decide the limits
OUTLIERS = 0.5  # percent of the samples at either end that may be beyond the limits
SAME = 1e-5  # differences below this part of the numbers themselves are noise of rounding
ONE_SIDED = 0.1  # a sign that reaches less than this part of the other one is noise


@dataclass(frozen=True)
class Colouring:
    """limits: numbers of the first and the last colour, on either side of nothing if signed.

    categories: number to name, in place of a continuous map. paints: colours of those that have one of their own."""

    quantity: Quantity
    cmap: str
    limits: tuple[float, float]
    categories: Mapping[int, str] = field(default_factory=dict)
    signed: bool = False
    paints: Mapping[int, str] = field(default_factory=dict)

    def paint(self, number: int) -> str:
        """The colour of a category."""
        return self.paints.get(number, CATEGORY_COLOURS[number % len(CATEGORY_COLOURS)])

    def table(self) -> pyvista.LookupTable:
        """The colours as VTK wants them."""
        import pyvista

        if not self.categories:
            return pyvista.LookupTable(self.cmap, scalar_range=self.limits, n_values=256)
        numbers = range(min(self.categories), max(self.categories) + 1)
        values = np.array([[*pyvista.Color(self.paint(n)).int_rgb, 255] for n in numbers], dtype=np.uint8)
        return pyvista.LookupTable(values=values, scalar_range=(numbers[0] - 0.5, numbers[-1] + 0.5))


def colouring(
    frames: Frames,
    shown: Quantity,
    indices: Iterable[int],
    cmap: str | None = None,
    names: Mapping[int, str] | None = None,
    paints: Mapping[int, str] | None = None,
    sequential: str = SEQUENTIAL,
    diverging: str = DIVERGING,
) -> Colouring:
    """The same colours for all of these frames. names, paints: of the categories, as far as they are known.

    sequential, diverging: the maps of what has one sign and of what has two, unless a `cmap` is asked for."""
    if cmap is not None:
        check_cmap(cmap)
    chosen = list(indices)
    chosen = chosen[:: max(1, -(-len(chosen) // LOOKED_AT))] + chosen[-1:]
    samples = np.concatenate([np.ravel(shown.of(frames, index)) for index in dict.fromkeys(chosen)])
    if shown.field.labels:
        numbers = [int(number) for number in np.unique(samples)]
        known = names or {}
        categories = {number: known.get(number, f"{shown.name} {number}") for number in numbers}
        return Colouring(shown, "", (min(numbers), max(numbers)), categories, paints=paints or {})
    limits, signed = robust_limits(samples, shown.positive, shown.center)
    return Colouring(shown, cmap or (diverging if signed else sequential), limits, signed=signed)


def robust_limits(
    samples: NDArray[np.floating], positive: bool = False, center: float = 0.0
) -> tuple[tuple[float, float], bool]:
    """Limits that a few outliers do not stretch, and whether they are symmetric about `center`."""
    finite = np.asarray(samples, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        return (0.0, 1.0), False
    low, high = (float(edge) for edge in np.percentile(finite, [OUTLIERS, 100 - OUTLIERS]))
    below, above = center - low, high - center
    if not positive and below > 0 and above > 0 and min(below, above) > ONE_SIDED * max(below, above):
        reach = max(below, above)
        return (center - reach, center + reach), True
    if positive and center == 0.0:
        low = 0.0
    if high - low <= SAME * max(abs(low), abs(high), 1e-300):  # one value everywhere
        width = abs(high) or 1.0
        return (low, low + width) if low == 0.0 else (low - 0.5 * width, low + 0.5 * width), False
    return (low, high), False


def check_cmap(name: str) -> None:
    """Refuse a colour map that matplotlib does not have."""
    import matplotlib

    if name not in matplotlib.colormaps:
        raise ViewError(
            f"There is no colour map {name!r}; matplotlib's names are allowed, such as {SEQUENTIAL}, {DIVERGING}, "
            f"magma, cividis.{nearest(name, matplotlib.colormaps)}"
        )
