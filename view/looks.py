"""Which look serves which frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, cast

from scenegrad.view.camera import across
from scenegrad.view.chemistry import ELEMENT_COLOURS, ELEMENTS
from scenegrad.view.choices import Choices, Clip
from scenegrad.view.colours import DIVERGING, DIVERGING_SOLID, ON_PAPER, SEQUENTIAL, Colouring, colouring
from scenegrad.view.frames import Frames, PlacedFrames
from scenegrad.view.h5md import AtomFrames
from scenegrad.view.offers import bounds_of_frames, need_style, shown_quantity
from scenegrad.view.quantities import Quantity
from scenegrad.view.skin import skins_of
from scenegrad.view.styles import Image, Isosurfaces, Slices, Streamlines, Style, Surface, Volume, style_of
from scenegrad.view.vtkhdf import ElementFrames, GridFrames

if TYPE_CHECKING:
    import pyvista

__all__ = ["Look", "colours_of", "look", "placed_clip", "usual_eye"]


class Look(Protocol):
    """Everything is in the picture once it is made; `show` turns it to a frame."""

    def show(self, index: int) -> None: ...


@dataclass(frozen=True)
class Layers:
    """Looks that lie on one another."""

    layers: Sequence[Look]

    def show(self, index: int) -> None:
        for layer in self.layers:
            layer.show(index)


def look(
    plotter: pyvista.Plotter, frames: Frames, choices: Choices, indices: Iterable[int], colours: Colouring | None = None
) -> Look:
    """The frames in the picture, in colours that suit all of `indices`, or in those of other frames."""
    style = need_style(frames, style_of(choices.style))
    clip = placed_clip(frames, choices.clip)
    if colours is None:
        colours = colours_of(frames, style, choices, list(indices))
    if isinstance(frames, GridFrames):
        assert colours is not None
        return grid_look(plotter, frames, colours, style, clip)
    if isinstance(frames, ElementFrames) and colours is not None:
        from scenegrad.view.elements import ElementField

        found: list[Look] = [ElementField(plotter, frames, colours, style, clip)]
        return Layers(found + flat_layers(plotter, frames, colours, style, clip)) if frames.dim == 2 else found[0]
    from scenegrad.view.particles import Particles

    placed = cast(PlacedFrames, frames)
    skins = skins_of(placed) if isinstance(style, Surface) else []
    return Particles(plotter, placed, colours, skins, style, clip)


def grid_look(
    plotter: pyvista.Plotter, frames: GridFrames, colours: Colouring, style: Style, clip: Clip | None
) -> Look:
    if frames.dim == 1:
        from scenegrad.view.history import History

        return History(plotter, frames, colours)
    if frames.dim == 2:
        from scenegrad.view.flat_field import FlatField

        return Layers([FlatField(plotter, frames, colours, clip), *flat_layers(plotter, frames, colours, style, clip)])
    from scenegrad.view.planes import Planes
    from scenegrad.view.shells import Shells
    from scenegrad.view.smoke import Smoke
    from scenegrad.view.space import Space
    from scenegrad.view.tubes import Tubes

    space = Space(plotter, frames, colours, clip)
    match style:
        case Volume():
            return Smoke(space, style)
        case Slices():
            return Planes(space, style)
        case Streamlines():
            return Tubes(space, style)
        case _:
            return Shells(space, style if isinstance(style, Isosurfaces) else Isosurfaces())


def flat_layers(
    plotter: pyvista.Plotter, frames: GridFrames | ElementFrames, colours: Colouring, style: Style, clip: Clip | None
) -> list[Look]:
    """What lies on a field in the plane."""
    if isinstance(style, Image | Surface):
        return []
    from scenegrad.view.flat_lines import FlatLines

    return [FlatLines(plotter, frames, colours, style, clip)]


def colours_of(frames: Frames, style: Style, choices: Choices, indices: list[int]) -> Colouring | None:
    """None: bodies have plain colours of their own."""
    shown = shown_quantity(frames, style, choices.field)
    if shown is None:
        return None
    pale = frames.dim == 3 and not (isinstance(style, Streamlines) or getattr(style, "of", None))
    sequential = ON_PAPER if isinstance(frames, GridFrames) and pale else SEQUENTIAL
    diverging = DIVERGING if isinstance(frames, GridFrames | ElementFrames) else DIVERGING_SOLID
    if frames.dim == 1:
        indices = list(range(max(indices) + 1))  # a line is drawn through time
    names = category_names(frames, shown)
    paints = ELEMENT_COLOURS if shown.name == "element" else None
    found = colouring(frames, shown, indices, choices.cmap, names, paints, sequential, diverging)
    return found if choices.limits is None or found.categories else replace(found, limits=choices.limits)


def placed_clip(frames: Frames, clip: str | Clip | None) -> Clip | None:
    """The plane that cuts these frames; it must leave some of them."""
    if clip is None:
        return None
    if isinstance(clip, str):
        clip = Clip.read(clip, usual_eye(frames))
    clip.need_to_leave(bounds_of_frames(frames), frames.dim)
    return clip


def usual_eye(frames: Frames) -> tuple[float, float, float]:
    """The direction that the eye looks from."""
    if frames.dim != 3:
        return (1.0, 1.0, 1.0)
    import numpy as np

    up = np.asarray(frames.setting.up, dtype=np.float64)
    x, y, z = (float(part) for part in across(up) + 0.3 * up)
    return (x, y, z)


def category_names(frames: Frames, shown: Quantity) -> dict[int, str]:
    if shown.name == "element":
        return ELEMENTS
    if isinstance(frames, AtomFrames) and shown.name == "species":
        return frames.species_names()
    return dict(enumerate(frames.setting.bodies)) if shown.name == "body" else {}
