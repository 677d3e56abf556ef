"""The spectrum of the kinetic energy of a flow, from the frames that it wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.errors import ViewError
from scenegrad.view.files import open_frames
from scenegrad.view.plots.paper import SOFT, figure, save
from scenegrad.view.plots.series import PROFILES, beside
from scenegrad.view.quantities import labelled
from scenegrad.view.vtkhdf import GridFrames

__all__ = ["energy_spectrum", "plot_spectrum"]

LEAST = 1e-9  # of the largest shell, below which nothing is drawn
LAWS = {  # of inertial ranges [Kraichnan 1967, Phys. Fluids 10, 1417; Kolmogorov 1941, Dokl. Akad. Nauk SSSR 30, 301]
    2: (-3.0, "$k^{-3}$"),
    3: (-5 / 3, "$k^{-5/3}$"),
}


def energy_spectrum(velocity: NDArray[np.floating], size: tuple[float, ...]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Wavenumbers k [shell] and the kinetic energy per wavenumber E(k), whose integral is <|u|^2> / 2.

    velocity [(z,) y, x, component] on a uniform grid that is periodic along all axes; size: its edges along x, y, z.
    Shells are as wide as the smallest wavenumber along the longest edge, 2 pi / L."""
    grid = velocity.shape[:-1]
    dim = len(grid)
    axes = tuple(range(dim))
    hat = np.fft.fftn(np.asarray(velocity, dtype=np.float64), axes=axes) / np.prod(grid)
    energy = 0.5 * np.sum(np.abs(hat) ** 2, axis=-1)
    waves = [2 * np.pi * np.fft.fftfreq(n, edge / n) for n, edge in zip(grid, size[:dim][::-1], strict=True)]
    k = np.sqrt(sum(wave**2 for wave in np.meshgrid(*waves, indexing="ij")))
    width = 2 * np.pi / max(size[:dim])
    shell = np.rint(k / width).astype(int)
    sums = np.bincount(shell.ravel(), energy.ravel())
    return width * np.arange(len(sums)), sums / width


def plot_spectrum(run: Any, out: str | Path | None = None) -> Path:
    """Draws the spectra of the velocity at six times, from light to dark, and returns the path of the plot.

    The velocity must have been written on a grid that is periodic along all axes. The dashed line has the slope of an
    inertial range: -3 in the plane, -5/3 in space. out: spectrum.png in the folder of the run if left out."""
    from matplotlib import colormaps

    frames = open_frames(run, "velocity")
    try:
        setting = frames.setting
        if not isinstance(frames, GridFrames) or frames.dim == 1 or not all(setting.periodic or (False,)):
            raise ViewError(
                f"{frames.path.name} has no spectrum: it is taken of a velocity on a grid that is periodic along all "
                "axes, in two or three dimensions."
            )
        assert setting.size is not None
        chosen = np.unique(np.linspace(0, len(frames.times) - 1, PROFILES).round().astype(int))
        paper, axes = figure(size=(6.0, 4.2))
        axis, top = axes[0, 0], 0.0
        cut = float("inf")
        for place, index in zip(np.linspace(0.8, 0.1, len(chosen)), chosen, strict=True):
            k, energy = energy_spectrum(
                np.asarray(frames.values("velocity", int(index)), float)[..., : frames.dim], setting.size
            )
            cut = np.pi * min(frames.cells) / max(setting.size)  # beyond it, shells are not full
            shown = (k > 0) & (k <= cut) & (energy > LEAST * energy.max())
            label = f"t = {frames.times[index]:.3g} {setting.time_unit}".rstrip()
            axis.plot(k[shown], energy[shown], color=colormaps["viridis"](place), label=label)
            top = max(top, float(energy[shown].max()))
        slope, name = LAWS[frames.dim]
        ends = np.array([cut / 6, cut / 1.5])
        last = float(np.interp(ends[0], k, energy))
        axis.plot(ends, 3 * last * (ends / ends[0]) ** slope, "--", color=SOFT, linewidth=1.2, label=name)
        unit = {"m": "1/m"}.get(setting.length_unit, "")
        axis.set(xscale="log", yscale="log", xlabel=labelled("wavenumber k", unit))
        axis.set_ylabel(labelled("E(k)", {"m": "m^3/s^2"}.get(setting.length_unit, "")))
        axis.set_ylim(top * LEAST, None)
        axis.legend(frameon=False, fontsize=8.5)
        return save(paper, out or beside(run, "spectrum.png"))
    finally:
        frames.close()
