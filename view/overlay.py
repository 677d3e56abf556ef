"""Letters and lines over a picture: the time, the colour bar, the frame of a flat picture with its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.camera import Window
from scenegrad.view.colours import CATEGORY_COLOURS, INK, Colouring
from scenegrad.view.quantities import labelled, printed

if TYPE_CHECKING:
    import pyvista

__all__ = [
    "KeyPlace",
    "TimeLabel",
    "add_axes",
    "add_caption",
    "add_colour_key",
    "at_the_right",
    "beside",
    "flat_window",
    "key_breadth",
    "place",
    "number_text",
    "ticks",
]

REFERENCE_WIDTH = 1024  # pixels, for which the sizes below are meant
LETTERS = 16
VTK_FONT_FILE = 4


def scaled(plotter: pyvista.Plotter, pixels: float) -> int:
    """A size that keeps its share of the picture."""
    return max(1, round(pixels * plotter.window_size[0] / REFERENCE_WIDTH))


def letter_height(plotter: pyvista.Plotter, pixels: float = LETTERS) -> int:
    """Letters shrink more slowly than the picture, so that those of a small one can be read."""
    part = plotter.window_size[0] / REFERENCE_WIDTH
    return max(7, round(pixels * (part if part > 1 else part**0.5)))


def flat_window(plotter: pyvista.Plotter, key: float = 0.0) -> Window:
    """Where a picture of the plane leaves room for the numbers along its axes and for the colour bar.

    key: the part of the width that a legend needs, where it needs more."""
    width, height = plotter.window_size
    letter = letter_height(plotter)
    left, right, bottom, top = (round(letters * letter) for letters in (6.25, 10.0, 5.5, 1.9))
    right = max(right, round((KEY_GAP + key) * width))
    return Window(left / width, 1 - right / width, bottom / height, 1 - top / height)


def text_actor(plotter: pyvista.Plotter, text: str, size: float = LETTERS) -> Any:
    """Letters at a place still to be said; not yet in the picture."""
    from vtkmodules.vtkRenderingCore import vtkTextActor

    actor = vtkTextActor()
    actor.SetInput(text.replace("|", "\N{DIVIDES}"))  # a bar parts columns
    style = actor.GetTextProperty()
    style.SetFontFamily(VTK_FONT_FILE)
    style.SetFontFile(font_file())
    style.SetFontSize(letter_height(plotter, size))
    style.SetColor(*rgb(INK))
    return actor


def font_file() -> str:
    """DejaVu Sans, which comes with matplotlib: the letters of VTK have no Greek and round brackets for square ones."""
    import matplotlib

    return f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf"


def rgb(colour: str) -> tuple[float, float, float]:
    return (int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255)


def number_text(value: float, step: float) -> str:
    """A number with as many digits as its distance from the next one needs."""
    digits = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    if digits > 6 or abs(value) >= 1e9:
        return f"{value:.6g}"
    text = f"{value:.{digits}f}"
    return text.replace("-0", "0", 1) if float(text) == 0 else text


class TimeLabel:
    """ "t = 0.50 s" in the lower left corner."""

    def __init__(self, plotter: pyvista.Plotter, times: NDArray[np.float64], unit: str):
        self.times, self.unit = times, unit
        self.step = float(np.min(np.diff(times))) if len(times) > 1 and np.all(np.diff(times) > 0) else 0.01
        self.actor = text_actor(plotter, "", LETTERS + 1)
        self.actor.SetPosition(scaled(plotter, 24), scaled(plotter, 18))
        plotter.add_actor(self.actor, name="time label", pickable=False, reset_camera=False)

    def show(self, index: int) -> None:
        text = number_text(float(self.times[index]), self.step)
        self.actor.SetInput(f"t = {text} {printed(self.unit)}".rstrip())


def add_caption(plotter: pyvista.Plotter, text: str) -> None:
    """A line in the lower left corner."""
    actor = text_actor(plotter, text)
    actor.SetPosition(scaled(plotter, 24), scaled(plotter, 18))
    plotter.add_actor(actor, pickable=False, reset_camera=False)


def ticks(low: float, high: float, about: int = 5) -> NDArray[np.float64]:
    """Round numbers from low to high, near `about` of them and two at least: multiples of 1, 2 or 5 times
    a power of ten."""
    if not high > low:
        return np.array([low])
    rough = (high - low) / about
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(unit for unit in (1, 2, 5, 10) if unit * power >= rough * 0.999)
    first = np.ceil(low / step - 1e-9)
    last = np.floor(high / step + 1e-9)
    marks: NDArray[np.float64] = np.arange(first, last + 1) * step
    return marks if len(marks) > 1 else ticks(low, high, 2 * about)


@dataclass(frozen=True)
class KeyPlace:
    """Where the colour bar stands, in parts of the picture."""

    left: float = 0.875
    bottom: float = 0.2
    height: float = 0.6


BAR_WIDTH = 0.022
NUMBER_GAP, TITLE_GAP = 0.01, 0.08  # from the bar to its numbers, and to the title unless they are longer
LOWEST_BAR = 0.35
KEY_GAP = 0.03  # between a flat picture and its colour bar, in parts of the width
BESIDE_SQUARE = 0.027  # from the square of a legend to the name, in parts of the width
LONGEST_NAME = 22  # letters of a name in a legend; of longer ones the rest is left out


def key_breadth(plotter: pyvista.Plotter, colours: Colouring | None) -> float:
    """The part of the width that the names of a legend need; 0 where there are none."""
    if colours is None or not colours.categories:
        return 0.0
    letters = max(len(shortened(name)) for name in colours.categories.values())
    return BESIDE_SQUARE + 0.66 * letters * letter_height(plotter) / plotter.window_size[0] + 0.01


def shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def at_the_right(plotter: pyvista.Plotter, colours: Colouring | None) -> KeyPlace:
    """At the edge of a picture of space, with room for the names of a legend."""
    return KeyPlace(left=min(KeyPlace.left, 1.0 - key_breadth(plotter, colours)))


def beside(plotter: pyvista.Plotter, bounds: NDArray[np.float64]) -> KeyPlace:
    """To the right of a flat picture [2, 3] that the camera looks at already, and as high, but not too low to read."""
    width, height = plotter.window_size
    up = 2 * plotter.camera.parallel_scale
    x, y, _ = plotter.camera.focal_point
    right = 0.5 + (bounds[1, 0] - x) / (up * width / height)
    bottom, top = (0.5 + (edge - y) / up for edge in bounds[:, 1])
    size = max(top - bottom, LOWEST_BAR)
    return KeyPlace(right + KEY_GAP, (bottom + top - size) / 2, size)


def add_colour_key(plotter: pyvista.Plotter, colours: Colouring, where: KeyPlace | None = None) -> None:
    """A bar with numbers, or a list of names where the colours are categories."""
    where = where or KeyPlace()
    if colours.categories:
        add_legend(plotter, colours, where)
    else:
        add_bar(plotter, colours, where)


def add_bar(plotter: pyvista.Plotter, colours: Colouring, where: KeyPlace) -> None:
    from vtkmodules.vtkRenderingAnnotation import vtkScalarBarActor

    bar = vtkScalarBarActor()
    bar.SetLookupTable(colours.table())
    bar.SetNumberOfLabels(0)
    bar.SetTitle("")
    bar.SetBarRatio(1.0)
    bar.SetMaximumNumberOfColors(256)
    bar.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
    bar.SetPosition(where.left, where.bottom)
    bar.SetWidth(BAR_WIDTH)
    bar.SetHeight(where.height)
    plotter.add_actor(bar, name="colour bar", pickable=False, reset_camera=False)

    low, high = colours.limits
    exponent = common_exponent(low, high)
    about = max(4, round(where.height * plotter.window_size[1] / scaled(plotter, 90)))
    marks = ticks(low / 10.0**exponent, high / 10.0**exponent, about)
    step = float(marks[1] - marks[0]) if len(marks) > 1 else 1.0
    numbers = [number_text(float(mark), step) for mark in marks]
    for mark, text in zip(marks, numbers, strict=True):
        height = where.bottom + where.height * (mark * 10.0**exponent - low) / (high - low)
        place(plotter, text, where.left + BAR_WIDTH + NUMBER_GAP, height, "left", "middle")
    letter = letter_height(plotter) / plotter.window_size[0]
    beyond = where.left + BAR_WIDTH + NUMBER_GAP + letter * (max(map(breadth, numbers)) + 0.9)
    across = min(max(where.left + BAR_WIDTH + TITLE_GAP, beyond), 1.0 - 0.7 * letter)
    title = labelled(colours.quantity.name, colours.quantity.unit, exponent)
    turned_title(plotter, title, across, where.bottom + where.height / 2)


def breadth(number: str) -> float:
    """Of a number in print, in heights of its letters."""
    return sum(0.64 if sign.isdigit() else 0.35 for sign in number)


def common_exponent(low: float, high: float) -> int:
    """The power of ten that is better written once, beside the unit, than in every number."""
    largest = max(abs(low), abs(high))
    if largest == 0 or 1e-2 <= largest < 1e4 or high - low < 1e-2 * largest:
        return 0
    return 3 * int(np.floor(np.log10(largest) / 3))


def turned_title(plotter: pyvista.Plotter, text: str, across: float, up: float) -> None:
    """What the bar measures, read from below along it. across, up: its middle, in parts of the picture."""
    actor = text_actor(plotter, text)
    actor.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
    actor.SetPosition(across, up)
    justify(actor, "middle", "middle")
    actor.GetTextProperty().SetOrientation(90.0)
    plotter.add_actor(actor, pickable=False, reset_camera=False)


def place(plotter: pyvista.Plotter, text: str, x: float, y: float, across: str, along: str, colour: str = INK) -> None:
    """Letters at a place given as parts of the picture."""
    actor = text_actor(plotter, text)
    actor.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
    actor.SetPosition(x, y)
    justify(actor, across, along)
    actor.GetTextProperty().SetColor(*rgb(colour))
    plotter.add_actor(actor, pickable=False, reset_camera=False)


def justify(actor: Any, across: str, along: str) -> None:
    style = actor.GetTextProperty()
    {"left": style.SetJustificationToLeft, "middle": style.SetJustificationToCentered,
     "right": style.SetJustificationToRight}[across]()  # fmt: skip
    {"bottom": style.SetVerticalJustificationToBottom, "middle": style.SetVerticalJustificationToCentered,
     "top": style.SetVerticalJustificationToTop}[along]()  # fmt: skip


def add_legend(plotter: pyvista.Plotter, colours: Colouring, where: KeyPlace) -> None:
    """One row a name, from the top of its place down, and closer together where there are too many."""
    rows = len(colours.categories)
    row_height = min(2 * letter_height(plotter) / plotter.window_size[1], 0.94 / rows)
    top = max(where.bottom + where.height, 0.03 + rows * row_height)
    for row, (number, name) in enumerate(sorted(colours.categories.items())):
        height = top - row_height * (row + 0.5)
        place(plotter, "■", where.left, height, "left", "middle", CATEGORY_COLOURS[number % len(CATEGORY_COLOURS)])
        place(plotter, shortened(name), where.left + BESIDE_SQUARE, height, "left", "middle")


def add_axes(
    plotter: pyvista.Plotter,
    bounds: NDArray[np.float64],
    labels: Sequence[str],
    numbers: NDArray[np.float64] | None = None,
) -> None:
    """A thin frame around [2, 3] in the x-y plane with ticks and numbers; they stay with it when the eye moves.

    numbers: what the corners stand for [2, 2], where these are not their places."""
    import pyvista

    (x0, y0, _), (x1, y1, _) = bounds
    shown = bounds[:, :2] if numbers is None else numbers
    height = plotter.window_size[1]
    per_pixel = 2 * plotter.camera.parallel_scale / height
    tick = scaled(plotter, 6) * per_pixel
    level = 1e-3 * max(x1 - x0, y1 - y0)  # above the field
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    segments = [(corners[k], corners[(k + 1) % 4]) for k in range(4)]
    marks = [ticks(*shown[:, axis]) for axis in (0, 1)]
    x_marks, y_marks = (
        np.interp(marks[axis], shown[:, axis], bounds[:, axis]) if shown[0, axis] < shown[1, axis] else marks[axis]
        for axis in (0, 1)
    )
    segments += [((x, y0), (x, y0 - tick)) for x in x_marks] + [((x0, y), (x0 - tick, y)) for y in y_marks]
    ends = np.array([[(*a, level), (*b, level)] for a, b in segments]).reshape(-1, 3)
    lines = pyvista.PolyData(ends, lines=np.insert(np.arange(len(ends)).reshape(-1, 2), 0, 2, axis=1).ravel())
    plotter.add_mesh(lines, color=INK, line_width=1.0, lighting=False, pickable=False, reset_camera=False)

    gap = 1.6 * tick
    for axis, places in enumerate((x_marks, y_marks)):
        step = float(marks[axis][1] - marks[axis][0]) if len(places) > 1 else 1.0
        for at, mark in zip(places, marks[axis], strict=True):
            where = (at, y0 - gap) if axis == 0 else (x0 - gap, at)
            across, along = ("middle", "top") if axis == 0 else ("right", "middle")
            anchor(plotter, number_text(float(mark), step), where, across, along)
    letters = letter_height(plotter) * per_pixel
    anchor(plotter, labels[0], ((x0 + x1) / 2, y0 - gap - 1.5 * letters), "middle", "top")
    anchor(plotter, labels[1], (x0 - gap - 3.2 * letters, (y0 + y1) / 2), "middle", "bottom", turned=True)


def anchor(
    plotter: pyvista.Plotter, text: str, where: tuple[float, float], across: str, along: str, turned: bool = False
) -> None:
    """Letters that hang at a point of the x-y plane."""
    actor = text_actor(plotter, text)
    actor.GetPositionCoordinate().SetCoordinateSystemToWorld()
    actor.GetPositionCoordinate().SetValue(*where, 0.0)
    justify(actor, across, along)
    if turned:
        actor.GetTextProperty().SetOrientation(90.0)
    plotter.add_actor(actor, pickable=False, reset_camera=False)
