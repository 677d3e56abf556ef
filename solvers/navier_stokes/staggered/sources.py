"""Numbers that a side or an obstacle imposes, as tensors that broadcast against a slab of samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.quantities import Parabolic, Profile, Samples
from scenegrad.scenes.signals import Signal
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.shared import signals

__all__ = ["Source", "learnable_at", "profile_of"]


@dataclass(frozen=True)
class Source:
    """sign * value(time) * pattern, where a value is a number, a signal or the samples of a profile.

    pattern: None for a uniform value; [*slab] for a fixed form; [samples, *slab] for values between which it is linear.
    """

    address: str
    given: Any  # the number, signal or profile as it stands in the scene
    dim: int
    dtype: torch.dtype
    pattern: Tensor | None = None
    sign: float = 1.0

    def at(self, params: Params, time: Tensor) -> Tensor:
        """[batch, *slab], with entries of size 1 where nothing varies."""
        if isinstance(self.given, Samples):
            assert self.pattern is not None
            return self.sign * torch.tensordot(params[f"{self.address}.values"].to(self.dtype), self.pattern, 1)
        address, signal = self.address, self.given
        if isinstance(signal, Parabolic):
            address, signal = f"{address}.peak", signal.peak
        value = signals.value_at(params, address, signal, time).to(self.dtype).view(-1, *[1] * self.dim)
        if self.sign != 1.0:
            value = self.sign * value
        return value if self.pattern is None else value * self.pattern

    @property
    def varies(self) -> bool:
        """Whether it changes with time."""
        return isinstance(self.given.peak if isinstance(self.given, Parabolic) else self.given, Signal)

    def ends(self, params: Params) -> tuple[Tensor, Tensor]:
        """What `at` gives when the signal is least, and when it is largest."""
        address, signal = self.address, self.given
        if isinstance(signal, Parabolic):
            address, signal = f"{address}.peak", signal.peak
        fields = []
        for value in signals.span(params, address, signal):
            field = self.sign * value.to(self.dtype).view(-1, *[1] * self.dim)
            fields.append(field if self.pattern is None else field * self.pattern)
        return fields[0], fields[1]

    def peak(self, params: Params) -> Tensor:
        """Largest size over time and place, with its sign where it is uniform; float64 [batch]."""
        if isinstance(self.given, Samples):
            return params[f"{self.address}.values"].double().abs().amax(1)
        if isinstance(self.given, Parabolic):
            return signals.peak(params, f"{self.address}.peak", self.given.peak)
        return signals.peak(params, self.address, self.given)


def learnable_at(address: str, given: Any) -> tuple[str, ...]:
    """Addresses of the numbers behind a value, which may learn."""
    if isinstance(given, Samples):
        return (f"{address}.values",)
    if isinstance(given, Parabolic):
        return signals.addresses(f"{address}.peak", given.peak)
    return signals.addresses(address, given)


def profile_of(grid: Grid, axis: int, given: Any) -> Tensor | None:
    """The pattern of a profile over the cells of the sides across `axis`; None of what is uniform."""
    if not isinstance(given, Profile):
        return None
    shares = [grid.along(None, other, torch.float64) / grid.size[other] for other in grid.axes]
    if isinstance(given, Parabolic):
        form = torch.ones((), dtype=torch.float64, device=grid.device)
        for other, share in zip(grid.axes, shares, strict=True):
            if other != axis and not grid.periodic[other]:
                form = form * spread(4.0 * share * (1.0 - share), other, grid.dim)
        return form.expand([1] * grid.dim if form.ndim == 0 else form.shape).to(grid.dtype)
    assert isinstance(given, Samples)
    other = next(a for a in grid.axes if a != axis)
    count = len(vector_entries(given))
    place = shares[other] * (count - 1)
    hats = (1.0 - (place[None, :] - torch.arange(count, device=grid.device)[:, None]).abs()).clamp(min=0.0)
    return spread(hats, other, grid.dim).to(grid.dtype)


def vector_entries(given: Samples) -> Sequence[float]:
    from scenegrad.scenes.values import vector

    return list(vector(given.values))


def spread(values: Tensor, axis: int, dim: int) -> Tensor:
    """[..., n] -> [..., 1, n, 1] with n at `axis` of the last `dim`"""
    shape = [-1 if a == axis else 1 for a in range(-dim, 0)]
    return values.reshape(*values.shape[:-1], *[values.shape[-1] if n == -1 else 1 for n in shape])
