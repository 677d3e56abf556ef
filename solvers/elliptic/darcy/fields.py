"""Random fields that meet the sides of a box, and permeabilities made of them, in float64 on the host."""

from __future__ import annotations

from math import pi, prod, sqrt
from pathlib import Path

import numpy as np
import torch

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.arrays import read_array
from scenegrad.scenes.initial_fields import FieldFile
from scenegrad.scenes.values import GaussianField, MaternField, Random, RandomField, number
from scenegrad.solvers.elliptic.axes import Axis
from scenegrad.solvers.elliptic.transforms import transform

__all__ = ["field_trouble", "random_field", "samples"]


def random_field(
    given: Random, cells: tuple[int, ...], size: tuple[float, ...], periodic: tuple[bool, ...] = ()
) -> np.ndarray:
    """A Gaussian field of mean zero [*cells]: a sum of cosines, without a slope at the sides, and along periodic axes
    of cosines and sines of whole waves, so that nothing jumps where the last cell meets the first.

    Of a MaternField with covariance scale^2 (-laplace + tau^2)^-alpha and no slope at the sides: the Karhunen-Loeve sum
    of scale (|pi k|^2 + tau^2)^(-alpha/2) xi_k phi_k, phi_k = products of sqrt(2) cos(pi k_a x_a), xi_k standard
    normal, lengths in the longest edge [Li et al. 2021, arXiv:2010.08895, app. A.3.2]; 2 pi k_a and sines too where an
    axis is periodic. Modes are drawn from long to short waves, so that a finer grid shows the same field.
    """
    assert given.seed is not None, "a scene gives its own seed to a field that has none"
    most = max(cells)
    modes = np.indices((most,) * len(cells)).reshape(len(cells), -1)
    order = np.argsort(modes.max(axis=0), kind="stable")
    modes = modes[:, order]
    normal = np.random.default_rng(np.random.SeedSequence(given.seed)).standard_normal(modes.shape[1])
    fits = np.all(modes < np.array(cells)[:, None], axis=0)
    modes, normal = modes[:, fits], normal[fits]
    axes = tuple(
        Axis(count, 1.0) if wraps else Axis(count, 1.0, "neumann", "neumann")
        for count, wraps in zip(cells, periodic or (False,) * len(cells), strict=True)
    )
    half_waves = [2 * ((k + 1) // 2) if axis.periodic else k for k, axis in zip(modes, axes, strict=True)]
    waves = sqrt_sum(np.stack(half_waves) * (max(size) / np.array(size))[:, None])  # in the longest edge
    if isinstance(given, GaussianField):
        k = np.maximum(0.5 * waves, 0.25)
        strength = np.exp(-((0.5 * waves - number(given.peak)) ** 2) / (4 * number(given.width) ** 2)) / k ** (
            (len(cells) - 1) / 2
        )
    elif isinstance(given, MaternField):
        strength = np.zeros_like(waves)
        alpha, tau, scale = number(given.alpha), number(given.tau), number(given.scale)
        strength[1:] = scale * ((pi * waves[1:]) ** 2 + tau**2) ** (-alpha / 2)
    else:
        k2 = (0.5 * waves * number(given.scale) / max(size)) ** 2
        strength = np.where(k2 > 0.1, np.maximum(k2, 0.1) ** -number(given.smoothness), 0.0)
    strength[0] = 0.0  # the mean
    amplitude = normal * strength
    if not isinstance(given, MaternField):
        amplitude *= number(given.rms) / sqrt(float(np.sum(amplitude**2)))
    table = np.zeros(cells)
    table[tuple(modes)] = amplitude * sqrt(prod(cells))
    field = torch.from_numpy(table)
    for place, axis in enumerate(axes):
        if axis.periodic:
            field = torch.tensordot(field, whole_waves(axis), dims=([place], [1])).movedim(-1, place)
        else:
            field = transform(axis, "cpu", torch.float64).back(field, place)
    return field.numpy()


def whole_waves(axis: Axis) -> torch.Tensor:
    """Cosines and sines around a periodic axis in the middles of its cells, orthonormal columns [count, count]."""
    n = axis.count
    angle = axis.phases * (np.arange(n)[:, None] + 0.5)
    sine = np.arange(n) % 2 == 0
    sine[0] = False
    sine[n - 1] |= n % 2 == 0  # of the shortest wave the cosine is zero there
    waves = np.where(sine, np.sin(angle), np.cos(angle))
    return torch.from_numpy(waves / np.linalg.norm(waves, axis=0))


def sqrt_sum(modes: np.ndarray) -> np.ndarray:
    return np.sqrt(np.sum(modes**2, axis=0))


def samples(
    given: Random | FieldFile, cells: tuple[int, ...], size: tuple[float, ...], periodic: tuple[bool, ...] = ()
) -> np.ndarray:
    """Of a random field or a file [*cells]."""
    if isinstance(given, RandomField):
        return random_field(given, cells, size, periodic)
    return read_array(given.path).astype(np.float64)


def field_trouble(given: FieldFile, cells: tuple[int, ...] | None, positive: bool) -> str | None:
    """Why these cells cannot hold the values of a file; None where they can."""
    if Path(given.path).suffix != ".npy":
        return "is read from an .npy file here, with one number for each cell"
    try:
        values = read_array(given.path)
    except (FileError, OSError, ValueError) as error:
        return f"cannot be read: {error}"
    if values.shape != cells:
        return f"holds {values.shape} numbers, the domain has cells={cells}; they must agree"
    if not np.isfinite(values).all() or (positive and values.min() <= 0):
        return f"holds numbers that are not {'positive' if positive else 'finite'}"
    return None
