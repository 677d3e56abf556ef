"""What there is to choose from when frames are looked at: their fields and styles, and what they choose themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.errors import ViewError
from scenegrad.view.frames import Frames, PlacedFrames
from scenegrad.view.h5md import AtomFrames
from scenegrad.view.quantities import Quantity, default_quantity, flow_of, quantities, quantity
from scenegrad.view.skin import skins_of
from scenegrad.view.styles import STYLES, Isosurfaces, Style, Surface
from scenegrad.view.vtkhdf import ElementFrames, GridFrames

__all__ = [
    "COLOUR_MAPS",
    "Offer",
    "bounds_of_frames",
    "need_style",
    "offers",
    "styles_for",
    "usual_style",
]

COLOUR_MAPS = ("viridis", "cividis", "magma", "inferno", "turbo", "YlGnBu", "Greys", "RdBu_r", "coolwarm", "PuOr_r")
FLUIDS = ("fluid",)  # kinds of entities whose vortices tell most in space


@dataclass(frozen=True)
class Offer:
    """fields: name to what stands on its colour bar. field, style: what is shown unless said; no field where bodies
    have plain colours. styles, cmaps: names. bounds: lowest and highest corner of what is seen, for planes that cut.
    times: of the frames, in time_unit."""

    fields: Mapping[str, str]
    field: str | None
    styles: tuple[str, ...]
    style: str
    cmaps: tuple[str, ...]
    bounds: tuple[tuple[float, float, float], tuple[float, float, float]]
    dim: int
    times: tuple[float, ...]
    time_unit: str

    def table(self) -> dict[str, Any]:
        """To be sent to a page."""
        return asdict(self)


def offers(frames: Frames) -> Offer:
    """What these frames let one choose."""
    low, high = (tuple(map(float, corner)) for corner in bounds_of_frames(frames))
    usual = usual_quantity(frames, usual_style(frames))
    return Offer(
        fields=distinct_fields(frames),
        field=None if usual is None else usual.name,
        styles=styles_for(frames),
        style=usual_style(frames).kind,
        cmaps=COLOUR_MAPS,
        bounds=cast(Any, (low, high)),
        dim=frames.dim,
        times=tuple(map(float, frames.times)),
        time_unit=frames.setting.time_unit,
    )


def distinct_fields(frames: Frames) -> dict[str, str]:
    """Name and title of everything that can be coloured, each thing once: "speed", and not "velocity" besides."""
    return {one.name: one.title for one in quantities(frames).values()}


def styles_for(frames: Frames) -> tuple[str, ...]:
    """Names of the styles that these frames can be drawn in, the usual one first."""
    flows = flow_of(frames) is not None
    if isinstance(frames, GridFrames):
        flat = ("image", "isosurfaces") + (("streamlines", "arrows") if flows else ())
        space = ("isosurfaces", "volume", "slices") + (("streamlines",) if flows else ())
        return {1: ("image",), 2: flat, 3: space}[frames.dim]
    if isinstance(frames, ElementFrames):
        return ("surface", "isosurfaces") + (("streamlines", "arrows") if flows and frames.dim == 2 else ())
    if isinstance(frames, AtomFrames):
        return ("atoms", "particles")
    return ("surface", "particles") if skins(frames) else ("particles", "surface")


def need_style(frames: Frames, wanted: Style | None) -> Style:
    """The style wanted, if these frames can be drawn in it; the usual one if none is."""
    if wanted is None:
        return usual_style(frames)
    allowed = styles_for(frames)
    if wanted.kind not in allowed:
        raise ViewError(
            f"{frames.path.name} cannot be drawn as {wanted.kind}; its {kind_of(frames)} can be drawn as "
            f"{', '.join(allowed)}."
        )
    return wanted


def kind_of(frames: Frames) -> str:
    if isinstance(frames, GridFrames):
        return f"fields of {frames.dim} dimension{'s' if frames.dim > 1 else ''}"
    if isinstance(frames, ElementFrames):
        return "mesh"
    return "atoms" if isinstance(frames, AtomFrames) else "particles"


def usual_style(frames: Frames) -> Style:
    """What tells most: of a fluid in space the surfaces of its vortices."""
    style = STYLES[styles_for(frames)[0]]()
    known = quantities(frames)
    entities = frames.setting.table.get("entities") or {}
    kinds = [part.get("kind") for part in entities.values()]
    if style == Isosurfaces() and "q_criterion" in known and any(kind in FLUIDS for kind in kinds):
        return style if "tracer" in kinds else Isosurfaces(of="q_criterion")
    return style


def usual_quantity(frames: Frames, style: Style) -> Quantity | None:
    """What is coloured unless said: which is which where species or bodies differ, else what tells most.

    None: bodies whose surface is known have plain colours."""
    for kind in ("element", "species") if isinstance(frames, AtomFrames) else ("body",):
        if several(frames, kind):
            return quantity(frames, kind)
    if isinstance(style, Surface) and skins(frames):
        return None
    return default_quantity(frames)


def several(frames: Frames, kind: str) -> bool:
    """Whether the samples are of more than one kind."""
    found = frames.fields().get(kind)
    return found is not None and found.labels and len(np.unique(frames.values(kind, 0))) > 1


def skins(frames: Frames) -> list[Any]:
    return [] if isinstance(frames, GridFrames | ElementFrames) else skins_of(cast(PlacedFrames, frames))


def bounds_of_frames(frames: Frames) -> NDArray[np.float64]:
    """Lowest and highest corner of what the frames are about [2, 3]."""
    if isinstance(frames, GridFrames):
        if frames.setting.box is not None:
            return frames.setting.box
        pad = (0, 3 - frames.dim)
        first = np.pad(frames.origin, pad)
        return np.stack([first, first + np.pad((np.array(frames.cells) - 1) * frames.spacing, pad)])
    if isinstance(frames, ElementFrames):
        places = frames.positions(0)
        return np.stack([places.min(axis=0), places.max(axis=0)])
    from scenegrad.view.extent import room_of

    return room_of(cast(PlacedFrames, frames))


def shown_quantity(frames: Frames, style: Style, field: str | None) -> Quantity | None:
    """What is coloured: as asked, or as usual; None for plain colours."""
    if field is not None:
        return quantity(frames, field)
    return usual_quantity(frames, style)
