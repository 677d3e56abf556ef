"""Random fields in periodic boxes: the seed alone decides each mode, so that a finer grid shows more of the same."""

from __future__ import annotations

import math
from itertools import product

import numpy as np

from scenegrad.scenes.initial_fields import Spots
from scenegrad.scenes.values import GaussianField, MaternField, Random
from scenegrad.solvers.navier_stokes.spectral.modes import highest_mode

__all__ = ["carried", "field_of_modes", "half_shell", "random_field", "random_flow", "solenoidal", "spots"]

TAIL = 6.0  # widths above its peak at which a Gaussian spectrum is cut: 1e-8 of the energy density there

Array = np.ndarray
Sizes = tuple[float, ...]
Cells = tuple[int, ...]


def random_field(start: Random, cells: Cells, size: Sizes, spawn: tuple[int, ...] = ()) -> Array:
    """Samples [*cells]; spawn: which of several fields of one seed."""
    n, c = drawn(start, cells, size, spawn)
    fits = carried(n, cells)
    return field_of_modes(n[fits], c[fits], cells)


def random_flow(start: Random, cells: Cells, size: Sizes) -> Array:
    """A velocity without divergence [dim, *cells], whose |u| has the rms of a GaussianField; each component of a
    MaternField has its covariance before its part with divergence is taken out."""
    dim = len(cells)
    drawn_ones = [drawn(start, cells, size, (axis,)) for axis in range(dim)]
    n = drawn_ones[0][0]
    c = solenoidal(np.stack([amplitude for _, amplitude in drawn_ones]), n, size)
    if isinstance(start, GaussianField):
        c *= start.rms / math.sqrt(2 * np.sum(np.abs(c) ** 2))
    fits = carried(n, cells)
    return np.stack([field_of_modes(n[fits], part[fits], cells) for part in c])


def drawn(start: Random, cells: Cells, size: Sizes, spawn: tuple[int, ...]) -> tuple[Array, Array]:
    """Indices [mode, dim] of one of each pair (n, -n), and their complex amplitudes [mode].

    |k| counts waves per longest edge of the box.
    """
    assert start.seed is not None, "a scene gives its own seed to a field that has none"
    dim, longest = len(cells), max(size)
    if isinstance(start, MaternField):
        last = max(map(highest_mode, cells))
    else:
        last = math.ceil(start.peak + TAIL * start.width)
    rng = np.random.default_rng(np.random.SeedSequence(start.seed, spawn_key=spawn))
    rings = [half_shell(ring, dim) for ring in range(1, last + 1)]
    n = np.concatenate(rings)
    normal = np.concatenate([rng.standard_normal((len(ring), 2)) for ring in rings])
    c = normal[:, 0] + 1j * normal[:, 1]
    k = np.sqrt(sum((n[:, axis] * longest / size[axis]) ** 2 for axis in range(dim)))
    if isinstance(start, MaternField):
        # c_n of variance scale^2 (|2 pi k|^2 + tau^2)^-alpha, half of it in each of real and imaginary part
        return n, c * math.sqrt(0.5) * start.scale * ((2 * math.pi * k) ** 2 + start.tau**2) ** (-start.alpha / 2)
    c = c * np.where(k <= last, np.exp(-((k - start.peak) ** 2) / (4 * start.width**2)) / k ** ((dim - 1) / 2), 0.0)
    return n, c * (start.rms / math.sqrt(2 * np.sum(np.abs(c) ** 2)))


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


def carried(n: Array, cells: Cells) -> Array:
    """Which modes a grid carries [mode]."""
    return np.all([np.abs(n[:, axis]) <= highest_mode(count) for axis, count in enumerate(cells)], axis=0)


def solenoidal(c: Array, n: Array, size: Sizes) -> Array:
    """c - k (k.c) / |k|^2 of amplitudes [dim, mode]."""
    k = (n / np.array(size)).T
    return c - k * (np.sum(k * c, axis=0) / np.sum(k * k, axis=0))


def field_of_modes(indices: Array, amplitudes: Array, cells: Cells) -> Array:
    """Sum over modes of c exp(i k.x) + its conjugate; indices [mode, dim] hold one of each pair (n, -n)."""
    spectrum = np.zeros(cells, dtype=np.complex128)
    np.add.at(spectrum, tuple(indices[:, axis] % n for axis, n in enumerate(cells)), amplitudes)
    return 2.0 * np.fft.ifftn(spectrum).real * math.prod(cells)


def spots(start: Spots, cells: Cells, size: Sizes) -> Array:
    """The highest of the spots at each sample [*cells]."""
    assert start.seed is not None, "a scene gives its own seed to a field that has none"
    middles = np.random.default_rng(np.random.SeedSequence(start.seed)).random((start.count, len(cells))) * size
    axes = [np.arange(n) * (length / n) for n, length in zip(cells, size, strict=True)]
    found = np.zeros(cells)
    for middle in middles:
        squared: Array | float = 0.0
        for axis, x in enumerate(axes):
            away = np.abs(x - middle[axis])
            away = np.minimum(away, size[axis] - away).reshape([-1 if a == axis else 1 for a in range(len(cells))])
            squared = squared + away**2
        found = np.maximum(found, np.exp(-((squared / start.radius**2) ** 2)))
    return start.height * found
