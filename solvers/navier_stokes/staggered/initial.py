"""What flow and tracers start from, as float64 samples on faces and in cells."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from scenegrad.scenes.initial_fields import Conduction, FieldFile, PlaneWave, Spots, TaylorGreen
from scenegrad.scenes.values import RandomField, number
from scenegrad.solvers.navier_stokes.spectral.initial import from_file
from scenegrad.solvers.navier_stokes.spectral.modes import Modes
from scenegrad.solvers.navier_stokes.spectral.random_fields import random_field, random_flow, spots
from scenegrad.solvers.navier_stokes.staggered.grid import Grid

__all__ = ["FLOWS", "STARTS", "VORTICITIES", "tracer_start", "velocity_start", "vortical_start"]

FLOWS = (TaylorGreen, RandomField, FieldFile)  # a velocity may start from these
VORTICITIES = (TaylorGreen, RandomField, FieldFile)
STARTS = (PlaneWave, Spots, Conduction, RandomField, FieldFile)  # a tracer may

Array = np.ndarray


def velocity_start(start: object, grid: Grid) -> list[Array]:
    """Components on their faces [*faces]; of Taylor-Green vortices those at amplitude 1."""
    if isinstance(start, TaylorGreen):
        return taylor_green(start.wavenumber, grid)
    if isinstance(start, FieldFile):
        values = np.load(start.path).astype(np.float64)  # [*cells, dim], in the middles of the cells
        return [resampled(values[..., axis], grid, axis, 0.5) for axis in grid.axes]
    assert isinstance(start, RandomField)
    flow = random_flow(start, grid.cells, grid.size)  # type: ignore[arg-type]  # both kinds of a random field
    return [resampled(flow[axis], grid, axis, 0.0) for axis in grid.axes]


def vortical_start(start: object, grid: Grid) -> list[Array]:
    """The velocity in two dimensions whose vorticity is given at the lower corners of the cells."""
    if isinstance(start, TaylorGreen):
        return taylor_green(start.wavenumber, grid)
    modes = Modes((grid.cells[0], grid.cells[1]), (grid.size[0], grid.size[1]), "cpu", torch.float64)
    if isinstance(start, FieldFile):
        vorticity = from_file(start, modes.cells)
    else:
        assert isinstance(start, RandomField)
        vorticity = random_field(start, grid.cells, grid.size)  # type: ignore[arg-type]
    k_x, k_y = (2 * math.pi * np.fft.fftfreq(n, h) for n, h in zip(grid.cells, grid.spacing, strict=True))
    k_x, k_y = k_x[:, None], k_y[None, :]
    k2 = k_x**2 + k_y**2
    stream = np.fft.fft2(vorticity) / np.where(k2 > 0, k2, np.inf)
    components = [np.fft.ifft2(1j * k_y * stream).real, np.fft.ifft2(-1j * k_x * stream).real]
    return [resampled(values, grid, axis, 0.0) for axis, values in zip(grid.axes, components, strict=True)]


def tracer_start(start: object, grid: Grid) -> Array:
    """Values in the middles of the cells [*cells]; of a wave those at amplitude 1."""
    if isinstance(start, PlaneWave):
        places = [x.double().cpu().numpy() / length for x, length in zip(grid.positions(None), grid.size, strict=True)]
        angle = np.zeros(grid.cells) + number(start.phase)
        for n, x in zip(start.waves, places, strict=True):
            angle = angle + 2 * math.pi * n * x
        return np.cos(angle)
    if isinstance(start, Spots):
        return resampled(spots(start, grid.cells, grid.size), grid, None, 0.0)
    if isinstance(start, FieldFile):
        return np.load(start.path).astype(np.float64)
    assert isinstance(start, RandomField)
    return resampled(random_field(start, grid.cells, grid.size), grid, None, 0.0)  # type: ignore[arg-type]


def conduction(start: Conduction, grid: Grid) -> tuple[Array, Array]:
    """The share of the edge, and the form of the disturbance [*cells]."""
    share = [x.double().cpu().numpy() / length for x, length in zip(grid.positions(None), grid.size, strict=True)]
    along, beside = share[start.axis], share[(start.axis + 1) % grid.dim]
    form = np.sin(math.pi * along) * np.cos(2 * math.pi * start.waves * beside)
    return np.broadcast_to(along, grid.cells).copy(), np.broadcast_to(form, grid.cells).copy()


def taylor_green(wavenumber: int, grid: Grid) -> list[Array]:
    """u = cos(k x) sin(k y), v = -k_x/k_y sin(k x) cos(k y); in three dimensions sin cos cos, -cos sin cos and 0."""
    found: list[Array] = []
    for axis in grid.axes:
        x = [p.double().cpu().numpy() for p in grid.positions(axis)]
        k = [2 * math.pi * wavenumber / length for length in grid.size]
        angle = [a * b for a, b in zip(k, x, strict=True)]
        if grid.dim == 2:
            u, v = np.cos(angle[0]) * np.sin(angle[1]), -k[0] / k[1] * np.sin(angle[0]) * np.cos(angle[1])
            found.append(u if axis == -2 else v)
            continue
        c = np.cos(angle[2])
        u, v = np.sin(angle[0]) * np.cos(angle[1]) * c, -k[0] / k[1] * np.cos(angle[0]) * np.sin(angle[1]) * c
        found.append(u if axis == -3 else v if axis == -2 else np.zeros(grid.shape(axis)))
    return found


def resampled(values: Array, grid: Grid, component: int | None, at: float) -> Array:
    """A periodic field whose samples lie `at` cells from the lower corner of each cell, on faces or in cells."""
    spectrum = np.fft.fftn(values)
    for axis in grid.axes:
        shift = (0.0 if component == axis else 0.5) - at
        waves = np.fft.fftfreq(grid.cells[axis], 1.0)
        turn = np.exp(2j * math.pi * waves * shift) if grid.cells[axis] % 2 else even_turn(waves, shift)
        spectrum = spectrum * turn.reshape([-1 if other == axis else 1 for other in grid.axes])
    moved = np.fft.ifftn(spectrum).real
    if component is not None and not grid.periodic[component]:
        moved = np.concatenate([moved, moved.take([0], axis=component)], axis=component)
    return moved


def even_turn(waves: Array, shift: float) -> Array:
    """The highest wave of an even number of samples stands still: only its real part is known."""
    turn = np.exp(2j * math.pi * waves * shift)
    return np.where(waves == -0.5, np.cos(math.pi * shift), turn)


def stacked(fields: Sequence[Array], grid: Grid) -> Tensor:
    return torch.from_numpy(np.stack(fields)).to(grid.device, grid.dtype)
