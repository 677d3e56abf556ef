"""Fields that a flow starts from, in closed form or from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from scenegrad.scenes.kinds import Kind
from scenegrad.scenes.source_file import fingerprinted
from scenegrad.scenes.values import Positive, Random, RandomField, Scalar, Vector

__all__ = ["Conduction", "FieldFile", "InitialField", "Magnitude", "PlaneWave", "Spots", "TaylorGreen", "Waves"]


class InitialField(Kind):
    """A field in closed form or from a file."""

    family = "initial field"


class TaylorGreen(InitialField):
    """Taylor-Green vortices: w = -2 k A cos(k x) cos(k y), from u = A cos kx sin ky, with k = wavenumber * 2 pi / L.

    In a box that is not square, u = A cos(k_x x) sin(k_y y) with a k of its own along each edge. In three dimensions,
    u = A sin(k x) cos(k y) cos(k z), v = -A cos(k x) sin(k y) cos(k z), w = 0 [Taylor & Green 1937].
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


class PlaneWave(InitialField):
    """amplitude * cos(k.x + phase), k = 2 pi waves / size."""

    positional = ("waves",)
    kind: Literal["plane_wave"] = "plane_wave"
    waves: tuple[int, ...]  # per edge, one entry per dimension
    amplitude: Scalar = 1.0
    phase: Scalar = 0.0  # [rad]

    if TYPE_CHECKING:

        def __init__(self, waves: tuple[int, ...], *, amplitude: Scalar = 1.0, phase: Scalar = 0.0) -> None: ...


class Waves(InitialField):
    """A sum of the longest waves of a periodic box, by their coefficients: c_0 cos(k_0.x) + c_1 sin(k_0.x) +
    c_2 cos(k_1.x) + c_3 sin(k_1.x) + ..., k = 2 pi n / size.

    n counts waves along each edge; k and -k are one wave, of which the first entry that is not zero is positive. They
    come by |n|, those of one |n| by their entries. The mean is left out. A vector of coefficients may be drawn entry by
    entry, and be learnt as a whole.
    """

    positional = ("coefficients",)
    kind: Literal["waves"] = "waves"
    coefficients: Vector  # in the units of the field, two for each wave

    if TYPE_CHECKING:

        def __init__(self, coefficients: Vector) -> None: ...

    @model_validator(mode="after")
    def in_pairs(self) -> Waves:
        told = getattr(self.coefficients, "value", self.coefficients)
        count = len(told) if isinstance(told, tuple) else 1
        if count == 0 or count % 2:
            raise ValueError(
                f"Waves got {count} coefficients; each wave has two, of cosine and sine. Give an even number."
            )
        return self


class Spots(RandomField, InitialField):
    """Smooth round spots of a height in places drawn at random: height * exp(-(distance / radius)^4), the highest of
    those that meet. seed: that of the scene if left out, so that members of an ensemble differ."""

    kind: Literal["spots"] = "spots"
    count: Annotated[int, Field(ge=1)] = 10
    radius: Positive  # [m]
    height: Scalar = 0.25


class Magnitude(InitialField):
    """The absolute value of a random field: smoke where it is large of either sign."""

    positional = ("of",)
    kind: Literal["magnitude"] = "magnitude"
    of: Random

    if TYPE_CHECKING:

        def __init__(self, of: Random) -> None: ...


class Conduction(InitialField):
    """A straight line from `lo` to `hi` along one axis, as heat between plates at rest, and a disturbance of it.

    value = lo + (hi - lo) s + disturbance sin(pi s) cos(2 pi waves r): s is the share of the edge along `axis`, r that
    along the next one.
    """

    positional = ("lo", "hi")
    kind: Literal["conduction"] = "conduction"
    lo: Scalar = 1.0
    hi: Scalar = 0.0
    axis: Annotated[int, Field(ge=0, le=2)] = 1
    disturbance: Scalar = 0.0
    waves: Annotated[int, Field(ge=1)] = 1

    if TYPE_CHECKING:

        def __init__(
            self, lo: Scalar = 1.0, hi: Scalar = 0.0, *, axis: int = 1, disturbance: Scalar = 0.0, waves: int = 1
        ) -> None: ...
