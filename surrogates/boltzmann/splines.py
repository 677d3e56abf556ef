"""Monotone rational-quadratic splines on an interval and on the circle [Durkan et al. 2019, arXiv:1906.04032]."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Spline", "circle_spline", "line_spline", "wrapped"]

LEAST = 1e-3  # of widths and heights as shares of the whole, and of slopes


@dataclass(frozen=True)
class Spline:
    """Knots (x_k, y_k) that rise, and slopes d_k there, all [..., bins + 1]. Between them, with xi = (x - x_k) / w,
    s = h / w and e = d_k + d_{k+1} - 2 s,

        y = y_k + h (s xi^2 + d_k xi (1 - xi)) / (s + e xi (1 - xi)),

    and beyond the first and last knot y = x: these lie on the diagonal.
    """

    x: Tensor
    y: Tensor
    slopes: Tensor

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """y and ln dy/dx, of the shape of x [...]."""
        inside = (x > self.x[..., 0]) & (x < self.x[..., -1])
        place = torch.where(inside, x, 0.5 * (self.x[..., 0] + self.x[..., -1]))
        begin, width, bottom, height, d0, d1 = self.bin(place, self.x)
        s, xi = height / width, (place - begin) / width
        y = bottom + height * (s * xi**2 + d0 * xi * (1.0 - xi)) / (s + (d0 + d1 - 2.0 * s) * xi * (1.0 - xi))
        return torch.where(inside, y, x), torch.where(inside, log_slope(s, d0, d1, xi), 0.0)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """x and ln dx/dy: the root of a quadratic, in the form that loses no digits."""
        inside = (y > self.y[..., 0]) & (y < self.y[..., -1])
        place = torch.where(inside, y, 0.5 * (self.y[..., 0] + self.y[..., -1]))
        begin, width, bottom, height, d0, d1 = self.bin(place, self.y)
        s, rise = height / width, place - bottom
        bend = rise * (d0 + d1 - 2.0 * s)
        a, b, c = height * (s - d0) + bend, height * d0 - bend, -s * rise
        xi = 2.0 * c / (-b - (b**2 - 4.0 * a * c).clamp(min=0.0).sqrt())
        return torch.where(inside, begin + xi * width, y), torch.where(inside, -log_slope(s, d0, d1, xi), 0.0)

    def bin(self, place: Tensor, knots: Tensor) -> list[Tensor]:
        """x_k, w, y_k, h, d_k, d_{k+1} of the bin that `place` lies in, as counted by `knots`."""
        k = torch.searchsorted(knots[..., 1:-1].contiguous(), place.unsqueeze(-1).contiguous(), right=True)

        def here(values: Tensor) -> Tensor:
            return values.gather(-1, k).squeeze(-1)

        widths, heights = self.x.diff(dim=-1), self.y.diff(dim=-1)
        parts = (self.x, widths, self.y, heights, self.slopes, self.slopes[..., 1:])
        return [here(part) for part in parts]


def log_slope(s: Tensor, d0: Tensor, d1: Tensor, xi: Tensor) -> Tensor:
    """ln dy/dx, where dy/dx = s^2 (d_{k+1} xi^2 + 2 s xi (1 - xi) + d_k (1 - xi)^2) / (s + e xi (1 - xi))^2."""
    rest = xi * (1.0 - xi)
    above = d1 * xi**2 + 2.0 * s * rest + d0 * (1.0 - xi) ** 2
    return 2.0 * s.log() + above.log() - 2.0 * (s + (d0 + d1 - 2.0 * s) * rest).log()


def line_spline(raw: Tensor, bound: float) -> Spline:
    """On [-bound, bound] from any numbers raw [..., 3 bins - 1]; both ends have slope one. Zeros are the identity."""
    bins = (raw.shape[-1] + 1) // 3
    within = positive(raw[..., 2 * bins :])
    one = torch.ones_like(raw[..., :1])
    slopes = torch.cat([one, within, one], dim=-1)
    return Spline(knots(raw[..., :bins], bound), knots(raw[..., bins : 2 * bins], bound), slopes)


def circle_spline(raw: Tensor) -> Spline:
    """On [-pi, pi) from any numbers raw [..., 3 bins]; it meets itself with its slope [Rezende et al. 2020,
    arXiv:2002.02428]."""
    bins = raw.shape[-1] // 3
    within = positive(raw[..., 2 * bins :])
    slopes = torch.cat([within, within[..., :1]], dim=-1)
    return Spline(knots(raw[..., :bins], math.pi), knots(raw[..., bins : 2 * bins], math.pi), slopes)


def knots(raw: Tensor, bound: float) -> Tensor:
    shares = LEAST + (1.0 - LEAST * raw.shape[-1]) * raw.softmax(dim=-1)
    rising = -bound + 2.0 * bound * shares[..., :-1].cumsum(dim=-1)
    end = torch.full_like(raw[..., :1], bound)
    return torch.cat([-end, rising, end], dim=-1)


def positive(raw: Tensor) -> Tensor:
    """Slopes; one where raw is zero."""
    return LEAST + functional.softplus(raw + math.log(math.expm1(1.0 - LEAST)))


def wrapped(angle: Tensor) -> Tensor:
    """The same angle in [-pi, pi)."""
    return torch.remainder(angle + math.pi, 2.0 * math.pi) - math.pi
