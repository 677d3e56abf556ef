"""What the colours mean: a bar with numbers, or a list of names, and where in the picture it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.colours import Colouring
from scenegrad.view.letters import justify, letter_height, number_text, place, scaled, text_actor, ticks
from scenegrad.view.quantities import labelled

if TYPE_CHECKING:
    import pyvista

__all__ = ["KEY_GAP", "KeyPlace", "add_colour_key", "at_the_right", "beside", "key_breadth"]


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
    """At the edge of a picture of space, with room for the names of a legend, or for numbers and what they are of."""
    if colours is not None and not colours.categories:
        _, numbers, _ = marks_of(plotter, colours, KeyPlace())
        return KeyPlace(left=min(KeyPlace.left, 1.0 - beyond_numbers(plotter, numbers) - title_room(plotter)))
    return KeyPlace(left=min(KeyPlace.left, 1.0 - key_breadth(plotter, colours)))


def marks_of(
    plotter: pyvista.Plotter, colours: Colouring, where: KeyPlace
) -> tuple[NDArray[np.float64], list[str], int]:
    """Where along its range a bar has numbers, what they read, and the power of ten that stands beside the unit."""
    low, high = colours.limits
    exponent = common_exponent(low, high)
    about = max(4, round(where.height * plotter.window_size[1] / scaled(plotter, 90)))
    marks = ticks(low / 10.0**exponent, high / 10.0**exponent, about)
    step = float(marks[1] - marks[0]) if len(marks) > 1 else 1.0
    return marks * 10.0**exponent, [number_text(float(mark), step) for mark in marks], exponent


def beyond_numbers(plotter: pyvista.Plotter, numbers: list[str]) -> float:
    """From the left side of a bar to the middle of its title, in parts of the width."""
    letter = letter_height(plotter) / plotter.window_size[0]
    return max(BAR_WIDTH + TITLE_GAP, BAR_WIDTH + NUMBER_GAP + letter * (max(map(breadth, numbers)) + 0.9))


def title_room(plotter: pyvista.Plotter) -> float:
    """Half of the height of a title, and some paper."""
    return 0.8 * letter_height(plotter) / plotter.window_size[0]


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
    marks, numbers, exponent = marks_of(plotter, colours, where)
    for mark, text in zip(marks, numbers, strict=True):
        height = where.bottom + where.height * (mark - low) / (high - low)
        place(plotter, text, where.left + BAR_WIDTH + NUMBER_GAP, height, "left", "middle")
    across = min(where.left + beyond_numbers(plotter, numbers), 1.0 - title_room(plotter))
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


def add_legend(plotter: pyvista.Plotter, colours: Colouring, where: KeyPlace) -> None:
    """One row a name, from the top of its place down, and closer together where there are too many."""
    rows = len(colours.categories)
    row_height = min(2 * letter_height(plotter) / plotter.window_size[1], 0.94 / rows)
    top = max(where.bottom + where.height, 0.03 + rows * row_height)
    for row, (number, name) in enumerate(sorted(colours.categories.items())):
        height = top - row_height * (row + 0.5)
        place(plotter, "■", where.left, height, "left", "middle", colours.paint(number))
        place(plotter, shortened(name), where.left + BESIDE_SQUARE, height, "left", "middle")
