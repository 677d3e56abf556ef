"""Fluids on grids: what they are, how they start and what stirs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from scenegrad.scenes.entity import Entity
from scenegrad.scenes.kinds import Kind
from scenegrad.scenes.source_file import fingerprinted
from scenegrad.scenes.values import GaussianField, NonNegative, Positive, Scalar, Vector

__all__ = ["FieldFile", "Fluid", "Forcing", "InitialField", "KolmogorovForcing", "TaylorGreen"]


class InitialField(Kind):
    """A field in closed form or from a file."""

    family = "initial field"


class TaylorGreen(InitialField):
    """Taylor-Green vortices: w = -2 k A cos(k x) cos(k y), from u = A cos kx sin ky, with k = wavenumber * 2 pi / L.

    In a box that is not square, u = A cos(k_x x) sin(k_y y) with a k of its own along each edge.
    """

    kind: Literal["taylor_green"] = "taylor_green"
    wavenumber: Annotated[int, Field(ge=1)] = 1  # waves per domain length
    amplitude: Scalar = 1.0  # of the velocity [m/s]


class FieldFile(InitialField):
    """A field from a file: .npy values on the grid of the domain, or .csv modes with the columns kx, ky, re, im.

    The modes add up to the sum of (re + i im) exp(i k.x), kx and ky in waves per edge. Those with ky > 0 stand for
    their conjugates too; those with ky = 0 are listed with both signs of kx. sha256 is filled in on reading and checked
    ever after.
    """

    positional = ("path",)
    kind: Literal["field_file"] = "field_file"
    path: str
    sha256: str = ""

    if TYPE_CHECKING:

        def __init__(self, path: str) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def fingerprint(cls, values: Any) -> Any:
        return fingerprinted(values, "field file")


class Forcing(Kind):
    """A body force that keeps a fluid moving."""

    family = "forcing"


class KolmogorovForcing(Forcing):
    """Sinusoidal body force along x: f = amplitude sin(k y), with k = wavenumber * 2 pi / L_y."""

    kind: Literal["kolmogorov"] = "kolmogorov"
    amplitude: Scalar = 1.0  # acceleration [m/s^2]
    wavenumber: Annotated[int, Field(ge=1)] = 4  # waves per domain height


class Fluid(Entity):
    """An incompressible Newtonian fluid that fills the box.

    It starts from a vorticity (two dimensions) or a uniform velocity. drag: linear friction on the velocity.
    """

    kind: Literal["fluid"] = "fluid"
    viscosity: NonNegative  # kinematic [m^2/s]
    density: Positive = 1.0  # [kg/m^3]
    vorticity: GaussianField | InitialField | None = None  # [1/s]
    velocity: Vector | None = None  # [m/s]
    forcing: Forcing | None = None
    drag: NonNegative = 0.0  # [1/s]
