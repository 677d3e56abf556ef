"""Which look serves which frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from scenegrad.view.colours import DIVERGING, DIVERGING_SOLID, ON_PAPER, SEQUENTIAL, Colouring, colouring
from scenegrad.view.frames import Frames, PlacedFrames
from scenegrad.view.h5md import AtomFrames
from scenegrad.view.quantities import Quantity, default_quantity, quantity
from scenegrad.view.skin import Skin, skins_of
from scenegrad.view.vtkhdf import ElementFrames, GridFrames

if TYPE_CHECKING:
    import pyvista

__all__ = ["Look", "look"]


class Look(Protocol):
    """Everything is in the picture once it is made; `show` turns it to a frame."""

    def show(self, index: int) -> None: ...


def look(plotter: pyvista.Plotter, frames: Frames, field: str | None, indices: Iterable[int], cmap: str | None) -> Look:
    """The frames in the picture, in colours that suit all of `indices`."""
    skins = [] if isinstance(frames, GridFrames | ElementFrames) else skins_of(cast(PlacedFrames, frames))
    if field is None and skins and not several(frames, "body"):
        return dressed(plotter, frames, None, skins)
    shown = quantity(frames, field) if field is not None else usual_quantity(frames)
    if shown is None:
        return dressed(plotter, frames, None, skins)
    sequential = ON_PAPER if isinstance(frames, GridFrames) and frames.dim == 3 else SEQUENTIAL
    diverging = DIVERGING if isinstance(frames, GridFrames | ElementFrames) else DIVERGING_SOLID
    names = category_names(frames, shown)
    if frames.dim == 1:
        indices = range(max(indices) + 1)  # a line is drawn through time
    return dressed(plotter, frames, colouring(frames, shown, indices, cmap, names, sequential, diverging), skins)


def dressed(plotter: pyvista.Plotter, frames: Frames, colours: Colouring | None, skins: list[Skin]) -> Look:
    if isinstance(frames, GridFrames):
        from scenegrad.view.flat_field import FlatField
        from scenegrad.view.history import History
        from scenegrad.view.shells import Shells

        assert colours is not None
        looks: dict[int, Callable[..., Look]] = {1: History, 2: FlatField, 3: Shells}
        return looks[frames.dim](plotter, frames, colours)
    if isinstance(frames, ElementFrames) and colours is not None:
        from scenegrad.view.elements import ElementField

        return ElementField(plotter, frames, colours)
    from scenegrad.view.particles import Particles

    return Particles(plotter, cast(PlacedFrames, frames), colours, skins)


def usual_quantity(frames: Frames) -> Quantity | None:
    """Which is which where species or bodies differ, else what tells most."""
    kind = "species" if isinstance(frames, AtomFrames) else "body"
    return quantity(frames, kind) if several(frames, kind) else default_quantity(frames)


def several(frames: Frames, kind: str) -> bool:
    """Whether the samples are of more than one kind."""
    found = frames.fields().get(kind)
    return found is not None and found.labels and len(np.unique(frames.values(kind, 0))) > 1


def category_names(frames: Frames, shown: Quantity) -> dict[int, str]:
    if isinstance(frames, AtomFrames) and shown.name == "species":
        return frames.species_names()
    return dict(enumerate(frames.setting.bodies)) if shown.name == "body" else {}
