"""Fluids on grids: what they are, how they start and what stirs them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenegrad.scenes.entity import Entity
from scenegrad.scenes.kinds import Kind
from scenegrad.scenes.values import GaussianField, NonNegative, Positive, Scalar, Vector

__all__ = ["FieldFile", "Fluid", "Forcing", "InitialField", "KolmogorovForcing", "TaylorGreen"]


class InitialField(Kind):
    """A field in closed form or from a file."""

    family = "initial field"


class TaylorGreen(InitialField):
    """Taylor-Green vortices: w = -2 k A cos(k x) cos(k y), from u = A cos kx sin ky, with k = wavenumber * 2 pi / L."""

    kind: Literal["taylor_green"] = "taylor_green"
    wavenumber: Annotated[int, Field(ge=1)] = 1  # waves per domain length
    amplitude: Scalar = 1.0  # of the velocity [m/s]


class FieldFile(InitialField):
    """A field from a file: .npy values on the grid of the domain, or .csv Fourier modes (kx, ky, re, im)."""

    positional = ("path",)
    kind: Literal["field_file"] = "field_file"
    path: str


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
