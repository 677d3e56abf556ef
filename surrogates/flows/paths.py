"""Paths from a start x0 to the data x1: x_s = a(s) x0 + b(s) x1 + g(s) z, with s from 0 to 1 and z white noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError

__all__ = ["PATHS", "Bridge", "Coefficients", "Linear", "Path", "Trigonometric", "VariancePreserving"]


class Coefficients(NamedTuple):
    """Of x0, x1 and the noise z along a path, and their slopes in s; all [batch]."""

    a: Tensor
    b: Tensor
    g: Tensor
    a_slope: Tensor
    b_slope: Tensor
    g_slope: Tensor


class Path(Protocol):
    """a(0) = b(1) = 1 and a(1) = b(0) = g(0) = g(1) = 0, exactly or as nearly as the path says."""

    def __call__(self, s: Tensor) -> Coefficients: ...


@dataclass(frozen=True)
class Linear:
    """x_s = (1 - s) x0 + s x1: straight lines [Lipman et al. 2023; Liu et al. 2023; Albergo & Vanden-Eijnden 2023]."""

    def __call__(self, s: Tensor) -> Coefficients:
        one, nothing = torch.ones_like(s), torch.zeros_like(s)
        return Coefficients(1.0 - s, s, nothing, -one, one, nothing)


@dataclass(frozen=True)
class Trigonometric:
    """x_s = cos(pi s / 2) x0 + sin(pi s / 2) x1: keeps the variance of independent x0 and x1 of equal variance.

    [Albergo & Vanden-Eijnden 2023]
    """

    def __call__(self, s: Tensor) -> Coefficients:
        half = 0.5 * math.pi
        cosine, sine, nothing = torch.cos(half * s), torch.sin(half * s), torch.zeros_like(s)
        return Coefficients(cosine, sine, nothing, -half * sine, half * cosine, nothing)


@dataclass(frozen=True)
class VariancePreserving:
    """b = exp(-B(1 - s) / 2), a = sqrt(1 - b^2), B(t) = t low + t^2 (high - low) / 2: diffusion run backwards.

    [Song et al. 2021, arXiv:2011.13456, equation 33.] At s = 0 a share b(0) = exp(-(low + high) / 4) of the data is
    still there: 0.0066 with the published 0.1 and 20.
    """

    low: float = 0.1
    high: float = 20.0

    def __post_init__(self) -> None:
        if not 0.0 < self.low <= self.high:
            raise EngineError(f"VariancePreserving got low={self.low}, high={self.high}; 0 < low <= high is needed.")

    def __call__(self, s: Tensor) -> Coefficients:
        t = 1.0 - s
        spent = t * self.low + 0.5 * t.square() * (self.high - self.low)
        rate = self.low + t * (self.high - self.low)  # dB/dt = -dB/ds
        b = torch.exp(-0.5 * spent)
        # expm1, because 1 - b^2 loses its digits where the data are nearly reached, and there a ~ sqrt(t).
        a = torch.sqrt(-torch.expm1(-spent)).clamp(min=1e-4)
        nothing = torch.zeros_like(s)
        return Coefficients(a, b, nothing, -0.5 * rate * b.square() / a, 0.5 * rate * b, nothing)


@dataclass(frozen=True)
class Bridge:
    """Another path with noise of its own between the ends: g(s) = noise sqrt(2 s (1 - s)).

    A stochastic interpolant [Albergo, Boffi & Vanden-Eijnden 2023, arXiv:2303.08797, equation 2.1]: it smooths
    densities on the way, so that a start that is itself a state, or one of few points, can be used.
    """

    noise: float
    along: Path = Linear()

    def __post_init__(self) -> None:
        if not self.noise >= 0.0:
            raise EngineError(f"Bridge got noise={self.noise}; it is not negative, in units of the scaled data.")

    def __call__(self, s: Tensor) -> Coefficients:
        found = self.along(s)
        root = torch.sqrt(2.0 * s * (1.0 - s)).clamp(min=1e-3)  # its slope is infinite at the ends
        return found._replace(g=self.noise * root, g_slope=self.noise * (1.0 - 2.0 * s) / root)


PATHS = (Linear, Trigonometric, VariancePreserving, Bridge)
