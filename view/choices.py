"""What may be chosen about the look of frames, the same for pictures, movies, windows and pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scenegrad.view.errors import ViewError
from scenegrad.view.styles import Style, style_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Choices", "Clip"]

AXES = "xyz"
CUT = re.compile(r"\s*([xyz])\s*([=<>])\s*(.+?)\s*$")


@dataclass(frozen=True)
class Clip:
    """A plane that cuts away what lies ahead of it. normal: the direction ahead. through: a point of the plane."""

    normal: tuple[float, ...]
    through: tuple[float, ...]

    def __post_init__(self) -> None:
        normal, through = tuple(map(float, self.normal)), tuple(map(float, self.through))
        if len(normal) != len(through) or len(normal) not in (2, 3) or not any(normal):
            raise ViewError(
                f"Clip(normal={self.normal}, through={self.through}) is no plane; both have one number for each axis, "
                "and the normal a length, such as Clip(normal=(1, 0, 0), through=(0.5, 0, 0))."
            )
        object.__setattr__(self, "normal", (*normal, 0.0)[:3])
        object.__setattr__(self, "through", (*through, 0.0)[:3])

    def height(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """How far points [n, 3] lie ahead of the plane, in lengths of the normal."""
        import numpy as np

        return np.asarray((points - np.asarray(self.through)) @ np.asarray(self.normal), dtype=np.float64)

    def need_to_leave(self, bounds: NDArray[np.float64], dim: int) -> None:
        """Refuse a plane that cuts away all of a box [2, 3]."""
        import numpy as np

        if dim == 2 and self.normal[2]:
            raise ViewError("A picture of the plane is cut along x or y, not along z.")
        corners = np.stack(np.meshgrid(*bounds.T, indexing="ij"), -1).reshape(-1, 3)
        if np.all(self.height(corners) >= 0):
            reach = ", ".join(f"{a} from {low:g} to {high:g}" for a, low, high in zip(AXES, *bounds, strict=True))
            raise ViewError(f"The cut through {self.through} leaves nothing to see: the frames reach {reach}.")

    @staticmethod
    def read(text: str, eye: tuple[float, float, float] = (1.0, -1.0, 1.0)) -> Clip:
        """From "x<0.5" or "x>0.5", which say what stays, or "x=0.5", where the side nearer to the eye is cut away."""
        found = CUT.match(text)
        try:
            place = float(found[3]) if found else None
        except ValueError:
            place = None
        if found is None or place is None:
            raise ViewError(
                f"The cut {text!r} is not understood; write an axis and a number: x=0.5 cuts away the side nearer to "
                "the eye, x<0.5 and x>0.5 say what stays."
            )
        axis = AXES.index(found[1])
        ahead = {"<": 1.0, ">": -1.0, "=": 1.0 if eye[axis] >= 0 else -1.0}[found[2]]
        normal, through = [0.0] * 3, [0.0] * 3
        normal[axis], through[axis] = ahead, place
        return Clip(tuple(normal), tuple(through))


@dataclass(frozen=True)
class Choices:
    """field: what is coloured, such as "speed". style: a name such as "streamlines", or an object with numbers, such as
    Isosurfaces(values=(0.2, 0.5)). clip: "x=0.5", or a Clip. cmap: a map of matplotlib. limits: the numbers of the
    first and the last colour. What is left out is chosen by the frames: `offers` tells what they would choose."""

    field: str | None = None
    style: str | Style | None = None
    clip: str | Clip | None = None
    cmap: str | None = None
    limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "style", style_of(self.style))
        if isinstance(self.clip, str):
            Clip.read(self.clip)  # refuse at once what nobody understands
        if self.limits is not None:
            try:
                low, high = map(float, self.limits)
            except (TypeError, ValueError):
                low, high = 1.0, 0.0
            if not low < high:
                raise ViewError(f"limits={self.limits} are no range of colours; give two numbers, the lower one first.")
            object.__setattr__(self, "limits", (low, high))

    def but(self, **changed: Any) -> Choices:
        """The same with other values."""
        return replace(self, **changed)

    def table(self) -> dict[str, Any]:
        """To be sent or written down; what is left out is left out."""
        clip = self.clip
        style = style_of(self.style)
        table = {
            "field": self.field,
            "style": None if style is None else style.table(),
            "clip": {"normal": clip.normal, "through": clip.through} if isinstance(clip, Clip) else clip,
            "cmap": self.cmap,
            "limits": self.limits,
        }
        return {name: value for name, value in table.items() if value is not None}

    @staticmethod
    def of(table: Mapping[str, Any]) -> Choices:
        """From what `table` gave."""
        told = dict(table)
        if isinstance(told.get("clip"), Mapping):
            told["clip"] = Clip(**told["clip"])
        return Choices(**told)
