"""Vorticity fields to start from, as float64 samples on the host."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from scenegrad.scenes.initial_fields import FieldFile, TaylorGreen
from scenegrad.scenes.values import GaussianField, Random, RandomField
from scenegrad.solvers.navier_stokes.spectral.modes import Modes, highest_mode
from scenegrad.solvers.navier_stokes.spectral.random_fields import field_of_modes, random_field

__all__ = ["from_file", "initial_trouble", "initial_vorticity"]


def initial_vorticity(start: TaylorGreen | Random | FieldFile | None, modes: Modes) -> np.ndarray:
    """Samples [nx, ny]; those of Taylor-Green vortices at amplitude 1."""
    if isinstance(start, TaylorGreen):
        return taylor_green(start.wavenumber, modes)
    if isinstance(start, RandomField):
        return random_field(start, modes.cells, modes.size)
    if isinstance(start, FieldFile):
        return from_file(start, modes.cells)
    return np.zeros(modes.cells)


def taylor_green(wavenumber: int, modes: Modes) -> np.ndarray:
    """-(k_x^2 + k_y^2) / k_y cos(k_x x) cos(k_y y): the curl of u = cos(k_x x) sin(k_y y) and its divergence-free v."""
    k_x, k_y = (2 * math.pi * wavenumber / length for length in modes.size)
    x, y = (np.arange(n) * (length / n) for n, length in zip(modes.cells, modes.size, strict=True))
    return -(k_x**2 + k_y**2) / k_y * np.cos(k_x * x)[:, None] * np.cos(k_y * y)[None, :]


def from_file(start: FieldFile, cells: tuple[int, int]) -> np.ndarray:
    path = Path(start.path)
    if path.suffix == ".npy":
        return np.load(path).astype(np.float64)
    table = read_modes(path)
    indices = table[:, :2].astype(int)
    # Modes with n_y = 0 are listed with both signs of n_x: half of each makes a pair with its conjugate.
    amplitudes = (table[:, 2] + 1j * table[:, 3]) * np.where(indices[:, 1] == 0, 0.5, 1.0)
    return field_of_modes(indices, amplitudes, cells)


def read_modes(path: Path) -> np.ndarray:
    """Rows kx, ky, re, im of a .csv; lines that start with # and the line of names are skipped."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return np.loadtxt(lines[1:], delimiter=",", ndmin=2)


def initial_trouble(start: object, cells: tuple[int, int]) -> str | None:
    """Why a flow on this grid cannot start from this; None where it can."""
    most = min(map(highest_mode, cells))
    room = f"{cells[0]} x {cells[1]} cells carry waves up to {most}"
    if isinstance(start, TaylorGreen) and start.wavenumber > most:
        return f"{room}; lower the wavenumber or take at least {3 * start.wavenumber + 1} cells"
    if isinstance(start, GaussianField) and start.peak > most:
        return f"{room}; lower the peak or take at least {3 * math.ceil(start.peak) + 1} cells"
    if isinstance(start, FieldFile):
        return file_trouble(start, cells)
    if start is not None and not isinstance(start, TaylorGreen | RandomField):
        return "a vorticity starts from a taylor_green, a gaussian_field, a matern_field or a field_file"
    return None


def file_trouble(start: FieldFile, cells: tuple[int, int]) -> str | None:
    path = Path(start.path)
    try:
        if path.suffix == ".npy":
            values = np.load(path)
            if values.shape != cells:
                return f"the file holds {values.shape}, the domain has cells={cells}; they must agree"
        else:
            table = read_modes(path)
            if table.shape[1] != 4:
                return f"a .csv of modes has the columns kx, ky, re, im; this one has {table.shape[1]}"
            highest = np.abs(table[:, :2]).max(axis=0).astype(int).tolist()
            if any(k > highest_mode(n) for k, n in zip(highest, cells, strict=True)):
                return f"its waves go up to {highest}; take at least {[3 * k + 1 for k in highest]} cells"
            values = from_file(start, cells)
    except (OSError, ValueError) as error:
        return f"it cannot be read: {error}"
    if not np.isfinite(values).all():
        return "it holds values that are not finite"
    if abs(values.mean()) > 1e-6 * np.abs(values).max():
        return f"its mean is {values.mean():.3g}, and no velocity in a periodic box has such a curl; subtract the mean"
    return None
