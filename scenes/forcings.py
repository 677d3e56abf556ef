"""Forces that keep a fluid moving."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenegrad.scenes.kinds import Kind
from scenegrad.scenes.values import Scalar

__all__ = ["Forcing", "KolmogorovForcing"]


class Forcing(Kind):
    """A body force that keeps a fluid moving."""

    family = "forcing"


class KolmogorovForcing(Forcing):
    """Sinusoidal body force along x: f = amplitude sin(k y), with k = wavenumber * 2 pi / L_y."""

    kind: Literal["kolmogorov"] = "kolmogorov"
    amplitude: Scalar = 1.0  # acceleration [m/s^2]
    wavenumber: Annotated[int, Field(ge=1)] = 4  # waves per domain height
