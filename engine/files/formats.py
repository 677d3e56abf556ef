"""Which kind of file serves which layout of a probe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import h5py
import numpy as np

from scenegrad.engine.files.column import Column
from scenegrad.engine.files.elements import ElementFrames
from scenegrad.engine.files.h5md import AtomFrames
from scenegrad.engine.files.series import SeriesFrames
from scenegrad.engine.files.vtkhdf import GridFrames, PointFrames
from scenegrad.engine.solver import Atoms, Elements, Grid, Layout, Points, Probe

__all__ = ["Format", "format_of"]


class Format(Protocol):
    """Where the columns of one probe lie in its file, and what readers of that file want besides."""

    kind: str  # "grid", "points", "atoms", "series"

    @property
    def layout(self) -> Layout: ...

    @property
    def member(self) -> int:
        """Its place in the batch, where the layout has one for each."""
        ...

    @property
    def file_name(self) -> str: ...

    def columns(self, frame: Mapping[str, np.ndarray]) -> dict[str, Column]:
        """Where each quantity goes, from its first frame."""
        ...

    def begin(self, file: h5py.File, columns: Mapping[str, Column]) -> None:
        """Writes what does not change, after the columns were made."""
        ...

    def seal(self, file: h5py.File, columns: Mapping[str, Column], track: h5py.Group) -> None:
        """Writes what depends on the number of frames, anew where a process died while it did so before. track: holds
        the datasets `time` and `step`."""
        ...


def format_of(probe: Probe, member: int = 0) -> Format:
    """The format of one member of the batch."""
    layout = probe.layout
    if isinstance(layout, Grid):
        return GridFrames(probe.name, layout, probe.units)
    if isinstance(layout, Elements):
        return ElementFrames(probe.name, layout, probe.units, member)
    if isinstance(layout, Points):
        return PointFrames(probe.name, layout, probe.units, member)
    if isinstance(layout, Atoms):
        return AtomFrames(probe.name, layout, probe.units, member)
    return SeriesFrames(probe.name, layout, probe.units)
