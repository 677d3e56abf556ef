"""The waves of random fields: which there are, how they are drawn, and how strong each is.

The seed alone decides each mode, so that a finer grid shows more of the same field.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import product

import numpy as np
import torch
from torch import Tensor

from scenegrad.scenes.values import GaussianField, MaternField, NoiseField, RandomField, number

__all__ = [
    "Waves", "carried", "half_shell", "highest_mode", "longest_waves", "solenoidal", "strengths", "waves_of",
]  # fmt: skip

TAIL = 6.0  # widths above its peak at which a Gaussian spectrum is cut: 1e-8 of the energy density there
LONGEST = 0.1  # |k scale|^2 of the longest wave of a NoiseField

Array = np.ndarray
Sizes = tuple[float, ...]
Cells = tuple[int, ...]
Numbers = Mapping[str, Tensor]  # by name [batch], float64 on the host
Waves = tuple[Array, Tensor]  # indices [mode, dim] of one of each pair (n, -n), amplitudes [batch, ..., mode]


def highest_mode(cells: int) -> int:
    """Largest K with 3 K < cells: products of modes up to K leave no alias on the modes up to K [Orszag 1971]."""
    return (cells - 1) // 3


@lru_cache(maxsize=512)
def half_shell(ring: int, dim: int) -> Array:
    """One of each pair (n, -n) with max |n_i| == ring [mode, dim]."""
    if dim == 2:
        half = [(ring, m) for m in range(-ring, ring)] + [(m, ring) for m in range(-ring + 1, ring + 1)]
        return np.array(half)
    if dim == 1:
        return np.array([[ring]])
    whole = np.array(list(product(range(-ring, ring + 1), repeat=dim)))
    whole = whole[np.abs(whole).max(axis=1) == ring]
    first = np.where(whole[:, 0] != 0, whole[:, 0], np.where(whole[:, 1] != 0, whole[:, 1], whole[:, 2]))
    return whole[first > 0]


@lru_cache(maxsize=64)
def longest_waves(count: int, dim: int) -> Array:
    """The first `count` of one of each pair (n, -n), by |n| and then by their entries [mode, dim]."""
    rings, found = 1, half_shell(1, dim)
    while np.sum(np.sum(found**2, axis=1) <= rings**2) < count:  # of those further out none is as short as the ring
        rings += 1
        found = np.concatenate([found, half_shell(rings, dim)])
    first = np.array([n if tuple(n) > (0,) * dim else -n for n in found])
    order = sorted(range(len(first)), key=lambda i: (int(np.sum(first[i] ** 2)), tuple(first[i])))
    return first[order[:count]]


def carried(n: Array, cells: Cells) -> Array:
    """Which modes a grid carries [mode]."""
    return np.all([np.abs(n[:, axis]) <= highest_mode(count) for axis, count in enumerate(cells)], axis=0)


def solenoidal(c: Tensor, n: Array, size: Sizes) -> Tensor:
    """c - k (k.c) / |k|^2 of amplitudes [..., dim, mode]."""
    k = torch.from_numpy((n / np.array(size)).T.copy())
    return c - k * ((k * c).sum(-2, keepdim=True) / (k * k).sum(0))


# ---- how strong the waves are: [batch, mode], to which a standard normal complex number is multiplied


def gaussian(numbers: Numbers, n: Array, size: Sizes, last: Sequence[int]) -> Tensor:
    """Variance in a shell proportional to exp(-(|k| - peak)^2 / (2 width^2)), |k| in waves per longest edge."""
    k = torch.from_numpy(waves_per_longest_edge(n, size))
    peak, width = numbers["peak"][:, None], numbers["width"][:, None]
    shape = torch.exp(-((k - peak) ** 2) / (4 * width**2)) / k ** ((n.shape[1] - 1) / 2)
    return torch.where(k <= torch.tensor(last)[:, None], shape, 0.0)


def matern(numbers: Numbers, n: Array, size: Sizes, last: Sequence[int]) -> Tensor:
    """c_n of variance scale^2 (|2 pi k|^2 + tau^2)^-alpha, half of it in each of real and imaginary part."""
    k = torch.from_numpy(waves_per_longest_edge(n, size))
    alpha, tau, scale = (numbers[name][:, None] for name in ("alpha", "tau", "scale"))
    return math.sqrt(0.5) * scale * ((2 * math.pi * k) ** 2 + tau**2) ** (-alpha / 2)


def noise(numbers: Numbers, n: Array, size: Sizes, last: Sequence[int]) -> Tensor:
    """|k scale|^(-2 smoothness), k in waves per unit of length, none below |k scale|^2 = 0.1."""
    k2 = torch.from_numpy(np.sum((n / np.array(size)) ** 2, axis=1)) * numbers["scale"][:, None] ** 2
    longest = torch.where(k2 > LONGEST, k2, torch.inf).amin(1, keepdim=True)  # in units of which nothing overflows
    return torch.where(k2 > LONGEST, (k2 / longest).clamp(min=1.0) ** -numbers["smoothness"][:, None], 0.0)


Strength = Callable[[Numbers, Array, Sizes, Sequence[int]], Tensor]
STRENGTHS: dict[type[RandomField], Strength] = {GaussianField: gaussian, MaternField: matern, NoiseField: noise}


def waves_per_longest_edge(n: Array, size: Sizes) -> Array:
    return np.sqrt(np.sum((n * (max(size) / np.array(size))) ** 2, axis=1))


def last_ring(told: RandomField, cells: Cells) -> int:
    """Largest max |n_i| that is drawn."""
    if isinstance(told, GaussianField):
        return math.ceil(number(told.peak) + TAIL * number(told.width))
    return max(1, *map(highest_mode, cells))


def strengths(told: Sequence[RandomField], numbers: Numbers, n: Array, size: Sizes, cells: Cells) -> Tensor:
    return STRENGTHS[type(told[0])](numbers, n, size, [last_ring(one, cells) for one in told])


# ---- draws


def waves_of(
    told: Sequence[RandomField], numbers: Numbers, cells: Cells, size: Sizes, spawn: tuple[int, ...] | None = ()
) -> Waves:
    """The waves that a grid carries of one field of each member. spawn: which of several fields of one seed; None: all
    components [batch, dim, mode] of a velocity without divergence, whose |u| has the rms of a GaussianField or
    NoiseField; each component of a MaternField has its covariance before its part with divergence is taken out."""
    dim, kind = len(cells), told[0]
    last = max(last_ring(one, cells) for one in told)
    n = np.concatenate([half_shell(ring, dim) for ring in range(1, last + 1)])
    strength = strengths(told, numbers, n, size, cells)
    if spawn is None:
        drawn = [torch.stack([normals(seed_of(one), (axis,), len(n)) for one in told]) for axis in range(dim)]
        c = torch.stack(drawn, dim=1) * strength[:, None]
        if not isinstance(kind, MaternField):  # each component has the same share before
            c = c / c.abs().square().sum(-1, keepdim=True).sqrt()
        c = solenoidal(c, n, size)
    else:
        c = torch.stack([normals(seed_of(one), spawn, len(n)) for one in told]) * strength
    fits = torch.from_numpy(carried(n, cells))
    if isinstance(kind, GaussianField):
        c = scaled(c, numbers["rms"])[..., fits]
    elif isinstance(kind, NoiseField):
        c = scaled(c[..., fits], numbers["rms"])
    else:
        c = c[..., fits]
    return n[fits.numpy()], c


def scaled(c: Tensor, rms: Tensor) -> Tensor:
    power = 2.0 * c.abs().square().flatten(1).sum(1)
    return c * (rms / power.sqrt()).view(-1, *[1] * (c.ndim - 1))


def seed_of(told: RandomField) -> int:
    assert told.seed is not None, "a scene gives its own seed to a field that has none"
    return told.seed


@lru_cache(maxsize=16)
def normals(seed: int, spawn: tuple[int, ...], count: int) -> Tensor:
    """Complex numbers whose parts are standard normal [count]; ring after ring, so that fewer are the first of more."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=spawn))
    return torch.view_as_complex(torch.from_numpy(rng.standard_normal((count, 2))))
