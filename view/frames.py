"""What one output of a run wrote, frame by frame, whatever kind of file it is in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyvista

    from scenegrad.view.setting import Setting

__all__ = ["Array", "Field", "Frames", "PlacedFrames"]

Array = NDArray[np.floating] | NDArray[np.integer]


@dataclass(frozen=True)
class Field:
    """A quantity that a file holds for every sample.

    components: 1 for a scalar, dim for a vector, dim^2 for a tensor. labels: whether its integers name kinds of sample.
    """

    name: str
    components: int = 1
    unit: str = ""
    labels: bool = False


class Frames(Protocol):
    """The frames of one file; times are in `setting.time_unit`."""

    @property
    def path(self) -> Path: ...

    @property
    def setting(self) -> Setting: ...

    @property
    def times(self) -> NDArray[np.float64]: ...

    @property
    def dim(self) -> int:
        """2 or 3."""
        ...

    def fields(self) -> dict[str, Field]: ...

    def values(self, name: str, index: int) -> Array:
        """A field of one frame: [*samples], with a last axis of components unless it is a scalar."""
        ...

    def frame(self, index: int) -> pyvista.DataSet:
        """One frame with all of its fields, to be drawn by hand."""
        ...

    def close(self) -> None: ...


class PlacedFrames(Frames, Protocol):
    """Frames whose samples are particles."""

    def positions(self, index: int) -> NDArray[np.float64]:
        """Where to draw the particles [particle, 3]."""
        ...
