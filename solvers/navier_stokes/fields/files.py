"""Fields from files: samples on the grid of the domain, or a table of modes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.arrays import read_array
from scenegrad.scenes.initial_fields import FieldFile
from scenegrad.solvers.navier_stokes.fields.places import GridPlaces, Places
from scenegrad.solvers.navier_stokes.fields.waves import highest_mode

__all__ = ["file_trouble", "mean_trouble", "modes_of_file", "samples", "shown"]

Array = np.ndarray


def is_table(told: FieldFile) -> bool:
    return Path(told.path).suffix != ".npy"


def read_modes(path: str) -> Array:
    """Rows kx, ky, re, im of a .csv; lines that start with # and the line of names are skipped."""
    lines = [line for line in Path(path).read_text().splitlines() if line and not line.startswith("#")]
    return np.loadtxt(lines[1:], delimiter=",", ndmin=2)


def modes_of_file(told: FieldFile, cells: tuple[int, ...]) -> tuple[Array, Tensor]:
    """Indices [mode, dim] and amplitudes [mode] of a field whose sum of c exp(i k.x) + conjugates it is."""
    if not is_table(told):
        return spectral_modes(samples(told, cells, 1)[0])
    table = read_modes(told.path)
    n = table[:, :2].astype(int)
    # Modes with n_y = 0 are listed with both signs of n_x: half of each makes a pair with its conjugate.
    return n, torch.from_numpy((table[:, 2] + 1j * table[:, 3]) * np.where(n[:, 1] == 0, 0.5, 1.0))


def spectral_modes(values: Array) -> tuple[Array, Tensor]:
    """All modes of samples of a periodic box at the lower corners of its cells, half of each beside its conjugate."""
    waves = [np.fft.fftfreq(count, 1.0 / count).round().astype(int) for count in values.shape]
    n = np.stack(np.meshgrid(*waves, indexing="ij")).reshape(values.ndim, -1).T
    return n, torch.from_numpy(0.5 * np.fft.fftn(values).ravel() / values.size)


def samples(told: FieldFile, cells: tuple[int, ...], components: int) -> Array:
    """Of a .npy, [component, *cells]; the component may stand first or last in the file."""
    values = read_array(told.path).astype(np.float64)
    if components == 1 and values.shape == cells:
        return values[None]
    return values if values.shape == (components, *cells) else np.moveaxis(values, -1, 0)


def shown(values: Array, places: Places) -> Tensor:
    """One component of the samples that a file holds, at places [*shape]: by its waves in a box that is periodic on
    every axis, else in straight lines between the samples, and beyond them as at the last."""
    assert isinstance(places, GridPlaces)
    shift = [offset - places.own for offset in places.offset]
    if not any(shift) and places.shape == places.cells:
        return torch.from_numpy(values.copy())
    if all(places.wraps):
        n, c = spectral_modes(values)
        c = c * torch.from_numpy(np.exp(-2j * math.pi * places.own * (n @ (1.0 / np.array(places.cells)))))
        return places.summed(n, c[None])[0]
    for axis, (count, wraps) in enumerate(zip(places.shape, places.wraps, strict=True)):
        place = np.arange(count) + shift[axis]
        left = np.floor(place).astype(int)
        share = (place - left).reshape([-1 if other == axis else 1 for other in range(places.dim)])
        last = values.shape[axis] - 1
        sides = [i % (last + 1) if wraps else i.clip(0, last) for i in (left, left + 1)]
        values = values.take(sides[0], axis) * (1 - share) + values.take(sides[1], axis) * share
    return torch.from_numpy(values)


def file_trouble(told: FieldFile, cells: tuple[int, ...], components: int, modes: bool) -> str | None:
    """Why a field on these cells cannot start from this file; None where it can. modes: whether a table of them may."""
    try:
        if is_table(told):
            if not modes or len(cells) != 2:
                return "it must be a .npy file of samples"
            table = read_modes(told.path)
            if table.shape[1] != 4:
                return f"a .csv of modes has the columns kx, ky, re, im; this one has {table.shape[1]}"
            highest = np.abs(table[:, :2]).max(axis=0).astype(int).tolist()
            if any(k > highest_mode(n) for k, n in zip(highest, cells, strict=True)):
                return f"its waves go up to {highest}; take at least {[3 * k + 1 for k in highest]} cells"
            values = table
        else:
            values = read_array(told.path)
            fitting = [(components, *cells), (*cells, components), *([cells] if components == 1 else [])]
            if values.shape not in fitting:
                needed = cells if components == 1 else fitting[0]
                return f"the file holds {values.shape}, the domain has cells={cells}; {needed} is needed"
    except (FileError, OSError, ValueError, IndexError) as error:
        return f"it cannot be read: {error}"
    return None if np.isfinite(values).all() else "it holds values that are not finite"


def mean_trouble(told: FieldFile, cells: tuple[int, ...]) -> str | None:
    """A vorticity in a periodic box has no mean."""
    if is_table(told):
        table = read_modes(told.path)
        still = (table[:, :2] == 0).all(axis=1)
        mean, most = float(table[still, 2].sum()), float(np.abs(table[:, 2:]).max())
    else:
        values = samples(told, cells, 1)
        mean, most = float(values.mean()), float(np.abs(values).max())
    if abs(mean) > 1e-6 * most:
        return f"its mean is {mean:.3g}, and no velocity in a periodic box has such a curl; subtract the mean"
    return None
