"""Letters and numbers in a picture: sizes that keep their share of it, and places to hang them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.colours import INK

if TYPE_CHECKING:
    import pyvista

__all__ = ["LETTERS", "anchor", "justify", "letter_height", "number_text", "place", "scaled", "text_actor", "ticks"]

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


def place(
    plotter: pyvista.Plotter, text: str, x: float, y: float, across: str, along: str, colour: str = INK,
    name: str | None = None,
) -> None:  # fmt: skip
    """Letters at a place given as parts of the picture. name: by which they are replaced."""
    actor = text_actor(plotter, text)
    actor.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
    actor.SetPosition(x, y)
    justify(actor, across, along)
    actor.GetTextProperty().SetColor(*rgb(colour))
    plotter.add_actor(actor, name=name, pickable=False, reset_camera=False)


def justify(actor: Any, across: str, along: str) -> None:
    style = actor.GetTextProperty()
    {"left": style.SetJustificationToLeft, "middle": style.SetJustificationToCentered,
     "right": style.SetJustificationToRight}[across]()  # fmt: skip
    {"bottom": style.SetVerticalJustificationToBottom, "middle": style.SetVerticalJustificationToCentered,
     "top": style.SetVerticalJustificationToTop}[along]()  # fmt: skip


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
