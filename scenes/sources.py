"""Shapes that come as samples in a file: clouds of points, pictures, Gaussian splats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from scenegrad.scenes.lengths import Axis, FromFile, Length
from scenegrad.scenes.shapes import Shape
from scenegrad.scenes.source_file import fingerprinted
from scenegrad.scenes.values import Vector, vector

__all__ = ["Image", "Points", "Splats"]

Degrees3 = tuple[float, float, float]
PositiveNumber = Annotated[float, Field(gt=0)]


class Points(Shape, FromFile):
    """A cloud of points, each of which becomes a particle: .npy .npz .csv .xyz .txt .ply, or the vertices of a mesh.

    They are scaled, turned and moved as a Mesh is, with the same `units` and `up`. The volume that each stands for is
    spacing^dim, or an equal share of `volume`, both in units of the scene; without either the file says it (a column
    `volume`, in units of the file).
    """

    positional = ("path",)
    kind: Literal["points"] = "points"
    path: str
    spacing: PositiveNumber | None = None
    volume: PositiveNumber | None = None  # of all points together
    units: Length | None = None
    up: Axis | None = None
    scale: PositiveNumber = 1.0
    rotation: Degrees3 = (0.0, 0.0, 0.0)
    center: Vector | None = None
    sha256: str = ""

    if TYPE_CHECKING:

        def __init__(
            self,
            path: str,
            *,
            spacing: float | None = None,
            volume: float | None = None,
            units: Length | None = None,
            up: Axis | None = None,
            scale: float = 1.0,
            rotation: Degrees3 = (0.0, 0.0, 0.0),
            center: Vector | None = None,
            sha256: str = "",
        ) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def fingerprint(cls, values: Any) -> Any:
        return fingerprinted(values, "point file")

    @model_validator(mode="after")
    def one_measure(self) -> Points:
        if self.spacing is not None and self.volume is not None:
            raise ValueError(f"Points got spacing={self.spacing} and volume={self.volume}; give one of them.")
        return self


class Image(Shape):
    """The dark pixels of a picture (or the bright, or the opaque ones): a region of the plane.

    matter: what makes a pixel belong to it, to an amount above the threshold, 0..1; dark is judged on white paper,
    bright on black. size: width and height of the whole picture, or its width alone, where pixels are squares.
    center: where the middle of the picture comes to lie; without one its lower left corner is at the origin.
    rotation: counter-clockwise about that point [degrees].
    """

    positional = ("path",)
    kind: Literal["image"] = "image"
    path: str
    size: PositiveNumber | tuple[PositiveNumber, PositiveNumber]
    matter: Literal["dark", "bright", "opaque"] = "dark"
    threshold: Annotated[float, Field(ge=0, lt=1)] = 0.5
    rotation: float = 0.0
    center: Vector | None = None
    sha256: str = ""

    if TYPE_CHECKING:

        def __init__(
            self,
            path: str,
            *,
            size: float | tuple[float, float],
            matter: Literal["dark", "bright", "opaque"] = "dark",
            threshold: float = 0.5,
            rotation: float = 0.0,
            center: Vector | None = None,
            sha256: str = "",
        ) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def fingerprint(cls, values: Any) -> Any:
        return fingerprinted(values, "picture")

    @model_validator(mode="after")
    def flat(self) -> Image:
        if self.center is not None and len(vector(self.center)) != 2:
            raise ValueError(f"Image got center={self.center}; a picture lies in the plane and has two coordinates.")
        return self

    def dim(self) -> int:
        return 2


class Splats(Shape, FromFile):
    """3D Gaussian splats (.ply): each Gaussian becomes a particle at its mean, and the output `Gaussians` tells what
    becomes of it. They are scaled, turned and moved as a Mesh is, with the same `units` and `up`.

    opacity_min: fainter Gaussians are left out altogether. fill: where the density, the sum of opacity times
    exp(-d'd/2) over all Gaussians at d standard deviations, exceeds this, or where such a shell encloses it, there is
    matter; places without a Gaussian get a particle of their own, which is no part of the output. Without it, matter is
    where Gaussians are. The Gaussians in one place share its volume.
    """

    positional = ("path",)
    kind: Literal["splats"] = "splats"
    path: str
    units: Length | None = None
    up: Axis | None = None
    scale: PositiveNumber = 1.0
    rotation: Degrees3 = (0.0, 0.0, 0.0)
    center: Vector | None = None
    opacity_min: Annotated[float, Field(ge=0, lt=1)] = 0.02
    fill: PositiveNumber | None = None
    sha256: str = ""

    if TYPE_CHECKING:

        def __init__(
            self,
            path: str,
            *,
            units: Length | None = None,
            up: Axis | None = None,
            scale: float = 1.0,
            rotation: Degrees3 = (0.0, 0.0, 0.0),
            center: Vector | None = None,
            opacity_min: float = 0.02,
            fill: float | None = None,
            sha256: str = "",
        ) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def fingerprint(cls, values: Any) -> Any:
        return fingerprinted(values, "splat file")

    def dim(self) -> int:
        return 3
