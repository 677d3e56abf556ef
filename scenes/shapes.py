"""Regions of space: primitives, meshes and their combinations with | (union), & (intersection) and - (difference)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from scenegrad.scenes.combination import Combination
from scenegrad.scenes.kinds import Kind
from scenegrad.scenes.lengths import Axis, FromFile, Length
from scenegrad.scenes.source_file import fingerprinted
from scenegrad.scenes.values import Positive, Vector, number, vector

__all__ = ["Box", "Capsule", "Cylinder", "Difference", "HalfSpace", "Intersection", "Mesh", "Shape", "Sphere", "Union"]

Points = np.ndarray  # float64 [n, dim], in units of length
Bounds = tuple[np.ndarray, np.ndarray]  # lowest and highest corner of a box


class Shape(Kind):
    """A region given by its signed distance: negative inside, in units of length."""

    family = "shape"

    def __or__(self, other: Shape) -> Union:
        return Union(parts=(self, other))

    def __and__(self, other: Shape) -> Intersection:
        return Intersection(parts=(self, other))

    def __sub__(self, other: Shape) -> Difference:
        return Difference(whole=self, removed=other)

    def signed_distance(self, points: Points) -> np.ndarray:
        """Distance to the surface, negative inside [n]; after | & - a lower bound of it with the right sign."""
        raise NotImplementedError(f"{type(self).__name__} has no closed form; the geometry of the engine serves it")

    def bounds(self) -> Bounds:
        """Lowest and highest corner of a box around the region; infinite where it has no end."""
        raise NotImplementedError

    def middle(self, bounds: Callable[[Shape], Bounds]) -> np.ndarray:
        """About which it turns [dim]: its center where it names one, else the middle of the box around it; of a shape
        without an end, its place nearest to the origin, or 0 along the axes on which it has none."""
        if getattr(self, "center", None) is not None:
            return vector(self.center)  # type: ignore[attr-defined]
        low, high = bounds(self)
        ends = np.isfinite(low) & np.isfinite(high)
        return np.where(ends, 0.5 * (np.where(ends, low, 0.0) + np.where(ends, high, 0.0)), 0.0)

    def dim(self) -> int | None:
        """Number of space dimensions where the shape fixes it."""
        return None


class Box(Shape):
    """Axis-aligned box. size: full edge lengths."""

    kind: Literal["box"] = "box"
    center: Vector
    size: Vector

    @model_validator(mode="after")
    def positive_edges(self) -> Box:
        if len(vector(self.center)) != len(vector(self.size)):
            raise ValueError(f"Box got center={self.center} and size={self.size}; both need one entry per dimension.")
        if (vector(self.size) <= 0).any():
            raise ValueError(f"Box got size={self.size}; every edge must be positive.")
        return self

    def signed_distance(self, points: Points) -> np.ndarray:
        q = np.abs(points - vector(self.center)) - vector(self.size) / 2
        return np.linalg.norm(np.maximum(q, 0), axis=1) + np.minimum(q.max(axis=1), 0)

    def bounds(self) -> Bounds:
        half = vector(self.size) / 2
        return vector(self.center) - half, vector(self.center) + half

    def dim(self) -> int:
        return len(vector(self.center))


class Sphere(Shape):
    """Ball; a disk in two dimensions."""

    kind: Literal["sphere"] = "sphere"
    center: Vector
    radius: Positive

    def signed_distance(self, points: Points) -> np.ndarray:
        return np.linalg.norm(points - vector(self.center), axis=1) - number(self.radius)

    def bounds(self) -> Bounds:
        return vector(self.center) - number(self.radius), vector(self.center) + number(self.radius)

    def dim(self) -> int:
        return len(vector(self.center))


class Cylinder(Shape):
    """Solid cylinder in three dimensions. axis: direction, of any length; height: full length along it."""

    kind: Literal["cylinder"] = "cylinder"
    center: Vector
    radius: Positive
    height: Positive
    axis: tuple[float, float, float] = (0.0, 0.0, 1.0)

    @model_validator(mode="after")
    def three_dimensional(self) -> Cylinder:
        if len(vector(self.center)) != 3:
            raise ValueError(
                f"Cylinder got center={self.center}; it lives in three dimensions. In two, take a Sphere or a Box."
            )
        if not any(self.axis):
            raise ValueError("Cylinder got axis=(0, 0, 0); give a direction such as (0, 0, 1).")
        return self

    def frame(self) -> np.ndarray:
        return np.asarray(self.axis) / np.linalg.norm(self.axis)

    def signed_distance(self, points: Points) -> np.ndarray:
        offset = points - vector(self.center)
        along = offset @ self.frame()
        across = np.linalg.norm(offset - along[:, None] * self.frame(), axis=1)
        q = np.stack([across - number(self.radius), np.abs(along) - number(self.height) / 2], axis=1)
        return np.linalg.norm(np.maximum(q, 0), axis=1) + np.minimum(q.max(axis=1), 0)

    def bounds(self) -> Bounds:
        n = self.frame()
        half = number(self.height) / 2 * np.abs(n) + number(self.radius) * np.sqrt(np.maximum(1 - n**2, 0))
        return vector(self.center) - half, vector(self.center) + half

    def dim(self) -> int:
        return 3


class Capsule(Shape):
    """All points within `radius` of a segment. axis: direction of the segment; height: its length, without the caps."""

    kind: Literal["capsule"] = "capsule"
    center: Vector
    radius: Positive
    height: Positive
    axis: tuple[float, ...]

    @model_validator(mode="after")
    def one_dimension(self) -> Capsule:
        if len(self.axis) != len(vector(self.center)) or not any(self.axis):
            raise ValueError(
                f"Capsule got center={self.center} and axis={self.axis}; the axis is a direction with one entry per "
                f"dimension, not all of them 0."
            )
        return self

    def half_axis(self) -> np.ndarray:
        """From the centre to one end of the segment."""
        return 0.5 * number(self.height) * np.asarray(self.axis) / np.linalg.norm(self.axis)

    def signed_distance(self, points: Points) -> np.ndarray:
        along, offset = self.half_axis(), points - vector(self.center)
        share = np.clip(offset @ along / (along @ along), -1.0, 1.0)
        return np.linalg.norm(offset - share[:, None] * along, axis=1) - number(self.radius)

    def bounds(self) -> Bounds:
        half = np.abs(self.half_axis()) + number(self.radius)
        return vector(self.center) - half, vector(self.center) + half

    def dim(self) -> int:
        return len(vector(self.center))


class HalfSpace(Shape):
    """Everything on the side of a plane that its normal points away from: normal . x <= offset."""

    kind: Literal["half_space"] = "half_space"
    normal: tuple[float, ...]
    offset: float = 0.0

    def signed_distance(self, points: Points) -> np.ndarray:
        n = np.asarray(self.normal) / np.linalg.norm(self.normal)
        return points @ n - self.offset

    def middle(self, bounds: Callable[[Shape], Bounds]) -> np.ndarray:
        return np.array(self.normal) / np.linalg.norm(self.normal) * self.offset

    def bounds(self) -> Bounds:
        return np.full(len(self.normal), -np.inf), np.full(len(self.normal), np.inf)

    def dim(self) -> int:
        return len(self.normal)


class Mesh(Shape, FromFile):
    """The inside of a mesh file. A surface must be watertight and is filled; a volume mesh is used cell by cell.

    The vertices are scaled, turned (rotation: degrees about x, then y, then z) and moved so that the middle of their
    bounding box comes to `center`; without one they stay where the file puts them. sha256 is filled in on reading and
    checked ever after: a scene means one certain mesh.

    units: of the numbers in the file, which become metres; without it they are lengths of the scene as they are.
    up: the axis of the file that becomes z; y for glTF, whose specification says so, z for all others. group: only the
    elements of this physical group, family, set, object or solid, by the name or number that the file gives it.
    """

    positional = ("path",)
    kind: Literal["mesh"] = "mesh"
    path: str
    group: str | None = None
    units: Length | None = None
    up: Axis | None = None
    scale: Annotated[float, Field(gt=0)] = 1.0
    rotation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    center: Vector | None = None
    sha256: str = ""

    if TYPE_CHECKING:

        def __init__(
            self,
            path: str,
            *,
            group: str | None = None,
            units: Length | None = None,
            up: Axis | None = None,
            scale: float = 1.0,
            rotation: tuple[float, float, float] = (0.0, 0.0, 0.0),
            center: Vector | None = None,
            sha256: str = "",
        ) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def fingerprint(cls, values: Any) -> Any:
        return fingerprinted(values, "mesh file")


class Union(Combination, Shape):
    """Where any part is."""

    kind: Literal["union"] = "union"
    parts: Annotated[tuple[Shape, ...], Field(min_length=1)]

    def merged(self, distance: Callable[[Shape], np.ndarray]) -> np.ndarray:
        return np.min([distance(part) for part in self.parts], axis=0)

    def enclosed(self, bounds: Callable[[Shape], Bounds]) -> Bounds:
        lows, highs = zip(*(bounds(part) for part in self.parts), strict=True)
        return np.min(lows, axis=0), np.max(highs, axis=0)

    def dim(self) -> int | None:
        return next((d for part in self.parts if (d := part.dim())), None)


class Intersection(Combination, Shape):
    """Where all parts are."""

    kind: Literal["intersection"] = "intersection"
    parts: Annotated[tuple[Shape, ...], Field(min_length=1)]

    def merged(self, distance: Callable[[Shape], np.ndarray]) -> np.ndarray:
        return np.max([distance(part) for part in self.parts], axis=0)

    def enclosed(self, bounds: Callable[[Shape], Bounds]) -> Bounds:
        lows, highs = zip(*(bounds(part) for part in self.parts), strict=True)
        return np.max(lows, axis=0), np.min(highs, axis=0)

    def dim(self) -> int | None:
        return next((d for part in self.parts if (d := part.dim())), None)


class Difference(Combination, Shape):
    """Where the whole is and the removed part is not."""

    kind: Literal["difference"] = "difference"
    whole: Shape
    removed: Shape

    def merged(self, distance: Callable[[Shape], np.ndarray]) -> np.ndarray:
        return np.maximum(distance(self.whole), -distance(self.removed))

    def enclosed(self, bounds: Callable[[Shape], Bounds]) -> Bounds:
        return bounds(self.whole)

    def dim(self) -> int | None:
        return self.whole.dim() or self.removed.dim()
