"""Fields that an equation starts from, as float64 samples on the host, and what of them may learn."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from scenegrad.scenes.initial_fields import FieldFile, PlaneWave, Spots, TaylorGreen
from scenegrad.scenes.values import GaussianField, MaternField, RandomField, number
from scenegrad.solvers.navier_stokes.spectral.lattice import Lattice
from scenegrad.solvers.navier_stokes.spectral.modes import highest_mode
from scenegrad.solvers.navier_stokes.spectral.random_fields import random_field, random_flow, solenoidal, spots

__all__ = ["amplitude_of", "scalar_start", "start_trouble", "velocity_start"]

Array = np.ndarray


def amplitude_of(address: str, start: Any) -> str | None:
    """Address of the number that multiplies the samples, which may learn; they are given at 1 then."""
    return f"{address}.amplitude" if isinstance(start, PlaneWave | TaylorGreen) else None


def scalar_start(start: Any, grid: Lattice, component: int = 0, components: int = 1) -> Array:
    """Samples [*cells] of one of the components of a field."""
    if isinstance(start, GaussianField | MaternField):
        return random_field(start, grid.cells, grid.size, (component,) if components > 1 else ())
    if isinstance(start, Spots):
        return spots(start, grid.cells, grid.size)
    if isinstance(start, PlaneWave):
        waves = zip(start.waves, grid.positions(), grid.size, strict=True)
        angle = sum(2 * math.pi * n / length * x.numpy() for n, x, length in waves)
        return np.cos(angle + number(start.phase)) + np.zeros(grid.cells)
    if isinstance(start, FieldFile):
        values = np.load(Path(start.path)).astype(np.float64)
        return values if components == 1 else values[component]
    return np.full(grid.cells, number(start))


def velocity_start(start: Any, grid: Lattice) -> Array:
    """Samples [dim, *cells] of a velocity without divergence."""
    if isinstance(start, GaussianField | MaternField):
        return random_flow(start, grid.cells, grid.size)
    if isinstance(start, FieldFile):
        return without_divergence(np.load(Path(start.path)).astype(np.float64), grid.size)
    if isinstance(start, TaylorGreen):
        return taylor_green(start.wavenumber, grid)
    return np.zeros((grid.dim, *grid.cells))


def without_divergence(samples: Array, size: tuple[float, ...]) -> Array:
    """What a gradient adds to a velocity is taken away: a step neither needs it nor takes it out."""
    dim, cells = len(size), samples.shape[1:]
    n = np.stack(np.meshgrid(*(np.fft.fftfreq(count, 1.0 / count) for count in cells), indexing="ij"))
    waves = n.reshape(dim, -1).T
    spectrum = np.fft.fftn(samples, axes=range(1, dim + 1)).reshape(dim, -1)
    whole = np.any(waves != 0.0, axis=1)
    spectrum[:, whole] = solenoidal(spectrum[:, whole], waves[whole], size)
    return np.fft.ifftn(spectrum.reshape(dim, *cells), axes=range(1, dim + 1)).real


def taylor_green(wavenumber: int, grid: Lattice) -> Array:
    """At amplitude 1. In two dimensions (cos k_x x sin k_y y, -(k_x / k_y) sin k_x x cos k_y y); in three
    (sin k_x x cos k_y y, -(k_x / k_y) cos k_x x sin k_y y, 0) cos k_z z."""
    k = [2 * math.pi * wavenumber / length for length in grid.size]
    turn = [k_i * x.numpy() for k_i, x in zip(k, grid.positions(), strict=True)]
    if grid.dim == 2:
        return np.stack([np.cos(turn[0]) * np.sin(turn[1]), -k[0] / k[1] * np.sin(turn[0]) * np.cos(turn[1])])
    u = np.sin(turn[0]) * np.cos(turn[1]) * np.cos(turn[2])
    v = -k[0] / k[1] * np.cos(turn[0]) * np.sin(turn[1]) * np.cos(turn[2])
    return np.stack([u, v, np.zeros_like(u)])


def start_trouble(start: Any, cells: tuple[int, ...], allowed: tuple[type, ...], components: int = 1) -> str | None:
    """Why an equation on this grid cannot start from this; None where it can."""
    if not isinstance(start, allowed):
        known = ", ".join(kind.model_fields["kind"].default for kind in allowed if hasattr(kind, "model_fields"))
        return f"is a {getattr(start, 'kind', type(start).__name__)}; it starts from one of: {known}"
    most = min(map(highest_mode, cells))
    if isinstance(start, GaussianField) and start.peak > most:
        return f"{cells} cells carry waves up to {most}; lower the peak or take more cells"
    if isinstance(start, RandomField):
        return None
    if isinstance(start, PlaneWave):
        if len(start.waves) != len(cells):
            return f"waves={start.waves} has {len(start.waves)} entries, the box {len(cells)} dimensions"
        if any(abs(n) > highest_mode(count) for n, count in zip(start.waves, cells, strict=True)):
            return f"{cells} cells carry waves up to {most}; lower waves={start.waves} or take more cells"
    if isinstance(start, TaylorGreen) and start.wavenumber > most:
        return f"{cells} cells carry waves up to {most}; lower the wavenumber or take more cells"
    if isinstance(start, FieldFile):
        return file_trouble(start, cells if components == 1 else (components, *cells))
    return None


def file_trouble(start: FieldFile, shape: tuple[int, ...]) -> str | None:
    if Path(start.path).suffix != ".npy":
        return "it must be a .npy file of samples"
    try:
        values = np.load(start.path)
    except (OSError, ValueError) as error:
        return f"it cannot be read: {error}"
    if values.shape != shape:
        return f"the file holds {values.shape}; {shape} is needed"
    if not np.isfinite(values).all():
        return "it holds values that are not finite"
    return None
