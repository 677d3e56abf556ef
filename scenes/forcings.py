"""Forces that keep a fluid moving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from scenegrad.scenes.kinds import Kind
from scenegrad.scenes.values import Scalar, Vector

__all__ = ["BandForcing", "DiagonalForcing", "Forcing", "KolmogorovForcing", "UniformForcing"]


class Forcing(Kind):
    """A body force that keeps a fluid moving."""

    family = "forcing"


class KolmogorovForcing(Forcing):
    """Sinusoidal body force along x: f = amplitude sin(k y), with k = wavenumber * 2 pi / L_y."""

    kind: Literal["kolmogorov"] = "kolmogorov"
    amplitude: Scalar = 1.0  # acceleration [m/s^2]
    wavenumber: Annotated[int, Field(ge=1)] = 4  # waves per domain height


class DiagonalForcing(Forcing):
    """A force whose curl is amplitude (sin k(x + y) + cos k(x + y)), k = wavenumber * 2 pi / L, in a square box: what
    stirs the data of the first Fourier neural operators [Li et al. 2021, ICLR, arXiv:2010.08895, app. A.3]."""

    kind: Literal["diagonal"] = "diagonal"
    amplitude: Scalar = 0.1  # of each part of the curl [1/s^2]
    wavenumber: Annotated[int, Field(ge=1)] = 1  # waves per edge


class BandForcing(Forcing):
    """A steady random force without divergence whose waves lie in a band, amplitude in the root mean square.

    The modes are drawn independently and evenly from |n| between low and high, by the seed alone.
    """

    kind: Literal["band"] = "band"
    amplitude: Scalar = 1.0  # acceleration, root mean square [m/s^2]
    low: Annotated[float, Field(ge=1)] = 3.0  # waves per longest edge
    high: Annotated[float, Field(ge=1)] = 5.0
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def has_band(self) -> BandForcing:
        if self.low > self.high:
            raise ValueError(f"BandForcing got low={self.low}, high={self.high}; low must not be above high.")
        return self


class UniformForcing(Forcing):
    """The same acceleration everywhere, such as a pressure gradient -grad p / density that drives a channel."""

    positional = ("acceleration",)
    kind: Literal["uniform"] = "uniform"
    acceleration: Vector  # [m/s^2]

    if TYPE_CHECKING:

        def __init__(self, acceleration: Vector) -> None: ...
