"""Units and axes of files that do not say theirs: what is multiplied, and what is turned, to come into a scene."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

__all__ = ["LENGTHS", "Axis", "FromFile", "Length", "axes", "stretch"]

Length = Literal["m", "dm", "cm", "mm", "um", "nm", "km", "in", "ft"]
Axis = Literal["x", "y", "z"]

LENGTHS: dict[str, float] = {  # in metres; inch and foot by the agreement of 1959
    "m": 1.0, "dm": 0.1, "cm": 0.01, "mm": 1e-3, "um": 1e-6, "nm": 1e-9, "km": 1e3, "in": 0.0254, "ft": 0.3048,
}  # fmt: skip
UPRIGHT = {  # the axes of the file as rows: which of them become x, y and z, without a reflection
    "z": np.eye(3),
    "y": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),  # (x, y, z) -> (x, -z, y)
    "x": np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),  # (x, y, z) -> (y, z, x)
}


def stretch(scale: float, units: str | None) -> float:
    """By what the numbers of a file are multiplied. Without a unit they are those of the scene."""
    return scale if units is None else scale * LENGTHS[units]


def axes(up: str | None, path: str) -> np.ndarray:
    """The rotation [3, 3] that brings the upward axis of a file to z.

    Unless it is said, glTF has y up, as its specification demands, and all others keep their axes."""
    return UPRIGHT[up or ("y" if path.lower().endswith((".gltf", ".glb")) else "z")]


class FromFile:
    """Mixed into what is read from a file and says its scale, units and up."""

    @property
    def stretch(self: Any) -> float:
        """By what the numbers of the file are multiplied."""
        return stretch(self.scale, self.units)

    @property
    def axes(self: Any) -> np.ndarray:
        """The rotation [3, 3] that brings its upward axis to z, before any `rotation`."""
        return axes(self.up, self.path)
