"""Random fields without a slope at the sides, and permeabilities made of them, in float64 on the host."""

from __future__ import annotations

from math import pi, prod, sqrt
from pathlib import Path

import numpy as np
import torch

from scenegrad.scenes.initial_fields import FieldFile
from scenegrad.scenes.values import GaussianField, MaternField, Random, RandomField, number
from scenegrad.solvers.elliptic.axes import Axis
from scenegrad.solvers.elliptic.fast import FastPoisson

__all__ = ["cosine_field", "field_trouble", "samples"]


def cosine_field(given: Random, cells: tuple[int, ...], size: tuple[float, ...]) -> np.ndarray:
    """A Gaussian field of mean zero, a sum of cosines [*cells].

    Of a MaternField with covariance scale^2 (-laplace + tau^2)^-alpha and no slope at the sides: the Karhunen-Loeve sum
    of scale (|pi k|^2 + tau^2)^(-alpha/2) xi_k phi_k, phi_k = products of sqrt(2) cos(pi k_a x_a), xi_k standard
    normal, lengths in the longest edge [Li et al. 2021, arXiv:2010.08895, app. A.3.2]. Modes are drawn from long to
    short waves, so that a finer grid shows the same field.
    """
    assert given.seed is not None, "a scene gives its own seed to a field that has none"
    most = max(cells)
    modes = np.indices((most,) * len(cells)).reshape(len(cells), -1)
    order = np.argsort(modes.max(axis=0), kind="stable")
    modes = modes[:, order]
    normal = np.random.default_rng(np.random.SeedSequence(given.seed)).standard_normal(modes.shape[1])
    fits = np.all(modes < np.array(cells)[:, None], axis=0)
    modes, normal = modes[:, fits], normal[fits]
    waves = sqrt_sum(modes * (max(size) / np.array(size))[:, None])  # half waves in the longest edge
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
    axes = tuple(Axis(count, 1.0, "neumann", "neumann") for count in cells)
    return FastPoisson(axes, dtype=torch.float64).back(torch.from_numpy(table)[None])[0].numpy()


def sqrt_sum(modes: np.ndarray) -> np.ndarray:
    return np.sqrt(np.sum(modes**2, axis=0))


def samples(given: Random | FieldFile, cells: tuple[int, ...], size: tuple[float, ...]) -> np.ndarray:
    """Of a random field or a file [*cells]."""
    if isinstance(given, RandomField):
        return cosine_field(given, cells, size)
    return np.load(given.path).astype(np.float64)


def field_trouble(given: FieldFile, cells: tuple[int, ...] | None, positive: bool) -> str | None:
    """Why these cells cannot hold the values of a file; None where they can."""
    if Path(given.path).suffix != ".npy":
        return "is read from an .npy file here, with one number for each cell"
    try:
        values = np.load(given.path)
    except (OSError, ValueError) as error:
        return f"cannot be read: {error}"
    if values.shape != cells:
        return f"holds {values.shape} numbers, the domain has cells={cells}; they must agree"
    if not np.isfinite(values).all() or (positive and values.min() <= 0):
        return f"holds numbers that are not {'positive' if positive else 'finite'}"
    return None
