"""Leaf values of a scene: a number, a Parameter that gets a gradient, or a distribution that an ensemble draws from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import pydantic
from pydantic import BeforeValidator, Field, model_validator
from scipy import stats

from scenegrad.scenes.model import Model

__all__ = [
    "Choice", "Distribution", "GaussianField", "LogUniform", "MaternField", "NoiseField", "NonNegative", "Normal",
    "Parameter", "Positive", "Random", "RandomField", "Scalar", "Uniform", "Vector", "number", "vector",
]  # fmt: skip


class Parameter(Model):
    """A number, or a vector of them, whose gradient is wanted. bounds: closed interval that an optimiser keeps to.

    transform: the scale on which an optimiser works; "log" suits positive numbers known to an order of magnitude.
    each="particle": every particle of the body has a value of its own, which starts at `value` or, where that is a
    vector, at its entry of it.
    """

    positional = ("value",)
    kind: Literal["parameter"] = "parameter"
    value: float | tuple[float, ...]
    bounds: tuple[float, float] | None = None
    transform: Literal["identity", "log"] = "identity"
    each: Literal["scene", "particle"] = "scene"

    if TYPE_CHECKING:

        def __init__(
            self,
            value: float | tuple[float, ...],
            *,
            bounds: tuple[float, float] | None = None,
            transform: Literal["identity", "log"] = "identity",
            each: Literal["scene", "particle"] = "scene",
        ) -> None: ...

    @model_validator(mode="after")
    def value_within_bounds(self) -> Parameter:
        values = self.value if isinstance(self.value, tuple) else (self.value,)
        if self.bounds is not None:
            low, high = self.bounds
            if not low < high:
                raise ValueError(f"Parameter got bounds={self.bounds}; the first must be below the second.")
            if any(not low <= v <= high for v in values):
                raise ValueError(f"Parameter got value={self.value} outside its bounds {self.bounds}.")
        if self.transform == "log" and any(v <= 0 for v in (*values, *(self.bounds or ()))):
            raise ValueError(
                f"Parameter(transform='log') needs positive numbers; got value={self.value}, bounds={self.bounds}."
            )
        return self


class Uniform(Model):
    """Every number between low and high is as likely."""

    positional = ("low", "high")
    kind: Literal["uniform"] = "uniform"
    low: float
    high: float

    if TYPE_CHECKING:

        def __init__(self, low: float, high: float) -> None: ...

    @model_validator(mode="after")
    def ordered(self) -> Uniform:
        if not self.low < self.high:
            raise ValueError(f"Uniform got low={self.low}, high={self.high}; low must be below high.")
        return self

    def quantile(self, u: float) -> float:
        return self.low + u * (self.high - self.low)


class LogUniform(Model):
    """Uniform in the logarithm: every order of magnitude between low and high is as likely."""

    positional = ("low", "high")
    kind: Literal["log_uniform"] = "log_uniform"
    low: float
    high: float

    if TYPE_CHECKING:

        def __init__(self, low: float, high: float) -> None: ...

    @model_validator(mode="after")
    def ordered(self) -> LogUniform:
        if not 0.0 < self.low < self.high:
            raise ValueError(f"LogUniform got low={self.low}, high={self.high}; it needs 0 < low < high.")
        return self

    def quantile(self, u: float) -> float:
        return self.low * (self.high / self.low) ** u


class Normal(Model):
    """Gaussian with the given mean and standard deviation."""

    positional = ("mean", "std")
    kind: Literal["normal"] = "normal"
    mean: float
    std: Annotated[float, Field(gt=0)]

    if TYPE_CHECKING:

        def __init__(self, mean: float, std: float) -> None: ...

    def quantile(self, u: float) -> float:
        return float(stats.norm.ppf(min(max(u, 1e-12), 1 - 1e-12), self.mean, self.std))


class Choice(Model):
    """One of the values, each as likely."""

    positional = ("*values",)
    kind: Literal["choice"] = "choice"
    values: Annotated[tuple[float, ...], Field(min_length=1)]

    if TYPE_CHECKING:

        def __init__(self, *values: float) -> None: ...

    def quantile(self, u: float) -> float:
        return self.values[min(int(u * len(self.values)), len(self.values) - 1)]


Drawn = Annotated[Uniform | LogUniform | Normal | Choice, Field(discriminator="kind")]
Distribution = Uniform | LogUniform | Normal | Choice
Scalar = float | Annotated[Parameter | Uniform | LogUniform | Normal | Choice, Field(discriminator="kind")]


def whole(value: Any) -> Any:
    """A vector has one Parameter, whose gradient is a vector; none among its entries."""
    if isinstance(value, tuple | list) and any(isinstance(entry, Parameter) for entry in value):
        plain = tuple(entry.value if isinstance(entry, Parameter) else entry for entry in value)
        raise ValueError(f"a vector learns as a whole: write Parameter({plain}), and hold what shall stay in your loss")
    return value


Vector = Annotated[tuple[float | Drawn, ...] | Parameter, BeforeValidator(whole)]


def check_range(value: Any, low: float, high: float, what: str) -> Any:
    """Every number that the leaf can take must lie within the open interval (low, high)."""
    if isinstance(value, Parameter):
        ends = [*(value.value if isinstance(value.value, tuple) else (value.value,)), *(value.bounds or ())]
    elif isinstance(value, Uniform | LogUniform):
        ends = [value.low, value.high]
    elif isinstance(value, Choice):
        ends = list(value.values)
    elif isinstance(value, Normal):
        ends = [value.mean]
    else:
        ends = [value]
    for end in ends:
        if not (low < end < high) or not math.isfinite(end):
            raise ValueError(f"got {end:g}; {what}")
    return value


Positive = Annotated[Scalar, pydantic.AfterValidator(lambda v: check_range(v, 0.0, math.inf, "it must be positive"))]
NonNegative = Annotated[
    Scalar, pydantic.AfterValidator(lambda v: check_range(v, -5e-324, math.inf, "it must not be negative"))
]


class RandomField(Model):
    """A field that is drawn anew for each member. seed: fixed when an ensemble member is drawn; without one, the seed
    of the scene."""

    seed: Annotated[int, Field(ge=0)] | None = None


class GaussianField(RandomField):
    """Gaussian, of zero mean, with a spectrum peaked at one wavenumber.

    The variance in a shell of wavenumbers |k| is proportional to exp(-(|k| - peak)^2 / (2 width^2)), and the field is
    scaled to the given rms. The seed alone decides the modes, so that a finer grid shows the same field.
    """

    kind: Literal["gaussian_field"] = "gaussian_field"
    peak: Positive = 4.0  # wavenumber, in waves per longest edge of the domain
    width: Positive = 2.0  # in waves per longest edge of the domain
    rms: Positive = 1.0  # in the units of the field


class MaternField(RandomField):
    """Gaussian, of zero mean, with the covariance scale^2 (-laplace + tau^2)^-alpha of lengths in the longest edge
    [Whittle 1954, Biometrika 41, 434-449], as the data of the first neural operators are drawn from [Li et al. 2021,
    ICLR, arXiv:2010.08895, app. A.3].

    Larger alpha makes it smoother, larger tau makes its patches smaller. The seed alone decides the modes.
    """

    kind: Literal["matern_field"] = "matern_field"
    alpha: Positive = 2.5
    tau: NonNegative = 7.0  # [1 / longest edge]
    scale: Positive = 1.0  # in the units of the field


class NoiseField(RandomField):
    """Gaussian, of zero mean, with amplitudes of its waves that fall as |k scale|^(-2 smoothness), scaled to the given
    rms on the grid that shows it; waves with |k scale|^2 below 0.1 are left out, k in waves per unit of length.

    The noise of PhiFlow [Holl & Thuerey 2024, ICML], from which the smoke of PDEArena starts [Gupta & Brandstetter
    2022, arXiv:2209.15616]. The seed alone decides the modes.
    """

    kind: Literal["noise_field"] = "noise_field"
    scale: Positive = 10.0  # [m]
    smoothness: Positive = 1.0
    rms: Positive = 1.0  # in the units of the field


Random = Annotated[GaussianField | MaternField | NoiseField, Field(discriminator="kind")]


def number(value: Any) -> float:
    """The plain number behind a leaf; distributions give their median."""
    if isinstance(value, Parameter):
        if isinstance(value.value, tuple):
            raise ValueError(f"a single number is needed here, not the vector {value.value}")
        return value.value
    if isinstance(value, Uniform | LogUniform | Normal | Choice):
        return value.quantile(0.5)
    return float(value)


def vector(value: Any) -> np.ndarray:
    """The plain numbers behind a vector leaf, float64 [dim]."""
    if isinstance(value, Parameter):
        return np.atleast_1d(np.asarray(value.value, dtype=np.float64))
    return np.array([number(entry) for entry in value], dtype=np.float64)
