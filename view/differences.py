"""How far the frames of one run are from those of another at the same times."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.errors import ViewError
from scenegrad.view.frames import Array, Field, Frames, PlacedFrames
from scenegrad.view.h5md import AtomFrames, MemberFrames
from scenegrad.view.quantities import Quantity
from scenegrad.view.vtkhdf import ElementFrames, GridFrames, PointFrames

__all__ = ["Apart", "differences", "need_alike", "pairs_of", "share_apart"]

SAME_TIME = 0.01  # of the distance of frames: times nearer than this are equal
SAME_PLACE = 1e-4  # of the distance of samples


def pairs_of(first: Frames, second: Frames, tolerance: float | None) -> list[tuple[int, int]]:
    """Frames of the two that belong to equal times, as far as both go. tolerance: how far apart times may be."""
    steps = [float(np.min(np.diff(one.times))) for one in (first, second) if len(one.times) > 1]
    near = tolerance if tolerance is not None else SAME_TIME * min(steps, default=1.0)
    found = []
    for index, time in enumerate(first.times):
        other = int(np.argmin(np.abs(second.times - time)))
        if abs(second.times[other] - time) <= near:
            found.append((index, other))
    if found:
        return found
    unit = first.setting.time_unit
    spans = " and ".join(
        f"{one.path.parent.name}/{one.path.name} from {one.times[0]:g} to {one.times[-1]:g} {unit} in {len(one.times)}"
        for one in (first, second)
    )
    apart = float(np.min(np.abs(first.times[:, None] - second.times[None])))
    raise ViewError(
        f"The two have no frames at equal times: {spans} frames. The nearest two are {apart:g} {unit} apart; a "
        f"tolerance of that compares them."
    )


def need_alike(first: Frames, second: Frames) -> None:
    """Refuse two that cannot be taken from each other."""
    names = [f"{one.path.parent.name}/{one.path.name}" for one in (first, second)]
    if isinstance(first, GridFrames) and isinstance(second, GridFrames):
        if first.cells != second.cells:
            raise ViewError(
                f"{names[0]} has {cells(first)} samples and {names[1]} {cells(second)}; fields are compared on one "
                "grid. Run one of the scenes with the cells of the other, or look at each by itself."
            )
        here, there = (np.stack([one.origin, one.spacing]) for one in (first, second))
        if not np.allclose(here, there, rtol=0.0, atol=SAME_PLACE * float(first.spacing.max())):
            raise ViewError(f"The samples of {names[0]} and {names[1]} stand in different places of space.")
        return
    if isinstance(first, GridFrames | ElementFrames) or type(first) is not type(second):
        if not (isinstance(first, ElementFrames) and isinstance(second, ElementFrames)):
            raise ViewError(f"{names[0]} holds {kind(first)} and {names[1]} {kind(second)}; compare two of a kind.")
    counts = [len(cast(PlacedFrames, one).positions(0)) for one in (first, second)]
    if counts[0] != counts[1]:
        what = "nodes" if isinstance(first, ElementFrames) else "particles"
        raise ViewError(
            f"{names[0]} has {counts[0]} {what} and {names[1]} {counts[1]}; they are compared one by one, so both need "
            "as many."
        )


def cells(frames: GridFrames) -> str:
    return " x ".join(map(str, frames.cells))


def kind(frames: Frames) -> str:
    if isinstance(frames, GridFrames):
        return "a field on a grid"
    if isinstance(frames, ElementFrames):
        return "a field on a mesh"
    return "atoms" if isinstance(frames, AtomFrames) else "particles"


@dataclass(frozen=True)
class Apart:
    """In place of the fields of one run, how far they are from those of another.

    of: what is compared. frames of this run are numbered as in it; partner: the frame of the other for each."""

    own: Frames
    other: Frames
    of: Quantity | None
    partner: dict[int, int]

    def fields(self) -> dict[str, Field]:
        if self.of is None:
            return {"displacement": Field("displacement", 1, self.own.setting.length_unit)}
        return {"difference": Field("difference", 1, self.of.unit)}

    def values(self, name: str, index: int) -> Array:
        there = self.partner.get(index)
        if there is None:  # frames without a partner decide no colours
            there = self.partner[min(self.partner, key=lambda one: abs(one - index))]
        if self.of is not None:
            own, other = (np.asarray(self.of.of(f, i), np.float64) for f, i in ((self.own, index), (self.other, there)))
            return other - own
        first, second = cast(PlacedFrames, self.own), cast(PlacedFrames, self.other)
        way = second.positions(there) - first.positions(index)
        if isinstance(self.own, AtomFrames):
            repeats = self.own.repeats(index)
            way = way - np.round(way / repeats) * np.where(np.isfinite(repeats), repeats, 0.0)
        return np.asarray(np.linalg.norm(way, axis=-1))


@dataclass(frozen=True)
class GridApart(Apart, GridFrames):
    """Of two fields on a grid."""


@dataclass(frozen=True)
class ElementsApart(Apart, ElementFrames):
    """Of two fields on a mesh."""


@dataclass(frozen=True)
class PointsApart(Apart, PointFrames):
    """Of the particles of two runs."""


@dataclass(frozen=True)
class AtomsApart(Apart, AtomFrames):
    """Of the atoms of two runs."""


@dataclass(frozen=True)
class MembersApart(Apart, MemberFrames):
    """Of the particles of two members."""


KINDS: dict[type, type] = {
    GridFrames: GridApart, ElementFrames: ElementsApart, PointFrames: PointsApart, AtomFrames: AtomsApart,
    MemberFrames: MembersApart,
}  # fmt: skip


def differences(first: Frames, second: Frames, of: Quantity, pairs: list[tuple[int, int]]) -> Frames:
    """Frames of the kind of the first, whose only field is how far the second is from it: a difference of fields, or
    of particles how far each is from its partner."""
    told: dict[str, Any] = {one.name: getattr(first, one.name) for one in fields(cast(Any, first))}
    fieldwise = of if isinstance(first, GridFrames | ElementFrames) else None
    made = KINDS[type(first)](**told, own=first, other=second, of=fieldwise, partner=dict(pairs))
    return cast(Frames, made)


def share_apart(first: Frames, apart: Frames, of: Quantity, index: int) -> str:
    """How large the difference is in one frame, in words."""
    name = next(iter(apart.fields()))
    values: NDArray[np.float64] = np.asarray(apart.values(name, index), dtype=np.float64)
    size = float(np.sqrt(np.nanmean(values**2)))
    if name == "displacement":
        return f"rms {size:.3g} {first.setting.length_unit}".rstrip()
    whole = float(np.sqrt(np.nanmean(np.asarray(of.of(first, index), dtype=np.float64) ** 2)))
    return f"{100 * size / whole:.3g} %" if whole > 0 else f"rms {size:.3g} {of.unit}".rstrip()
