"""Which volume each Gaussian of a set stands for, and the points that fill what the set encloses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.errors import FileError
from scenegrad.engine.geometry.density import REACH, gaussian_density
from scenegrad.engine.geometry.ellipsoids import axes_of
from scenegrad.engine.geometry.rows import equal_rows

__all__ = ["fill_gaussians"]

Array = NDArray[np.float64]

MOST = 100_000_000  # cells of 12 bytes


def fill_gaussians(
    mean: Array, axes: Array, opacity: Array, spacing: float, threshold: float | None
) -> tuple[Array, Array]:
    """Places [N, 3] and volumes [N] of particles: first the means as they are, then the points between them.

    Space is cut into cells of the given width. Without a threshold those that hold a mean are matter. With one, those
    are whose density rho(x) = sum_p opacity_p exp(-(x - mu_p)' Sigma_p^-1 (x - mu_p) / 2) exceeds it, and those that
    they enclose on all sides. Gaussians may be much thinner than a cell: for the question what is enclosed, half a cell
    is added to their standard deviations (in squares), and cells that only this brings beyond the threshold lie astride
    the skin: half their volume counts. The means in a cell of matter share its volume; a mean in a cell of none is
    counted in the nearest of matter; cells of matter without a mean get a point in their middle."""
    reach = 0.0 if threshold is None else REACH * np.hypot(np.linalg.norm(axes, axis=2), 0.5 * spacing) + spacing
    lowest, highest = (mean - reach).min(axis=0), (mean + reach).max(axis=0)
    cells = np.floor((highest - lowest) / spacing).astype(int) + 1
    low = 0.5 * (lowest + highest) - 0.5 * cells * spacing
    home = np.minimum(((mean - low) / spacing).astype(int), cells - 1)
    if threshold is None:
        _, cell = equal_rows(home)
        return mean, spacing**3 / np.bincount(cell)[cell]
    refuse_too_many(mean, cells, spacing)
    share = solid_share(mean - low, axes, opacity, spacing, threshold, tuple(map(int, cells)))
    home = moved_into(home, share)
    crowd = np.zeros(cells, dtype=np.int32)
    np.add.at(crowd, tuple(home.T), 1)
    between = np.stack(np.nonzero((share > 0) & (crowd == 0)), axis=1)
    volume = np.concatenate([(share / np.maximum(crowd, 1))[tuple(home.T)], share[tuple(between.T)]])
    return np.concatenate([mean, low + (between + 0.5) * spacing]), spacing**3 * volume.astype(np.float64)


def refuse_too_many(mean: Array, cells: NDArray[np.int64], spacing: float) -> None:
    """Stray Gaussians far from the rest would have most of the memory spent on the void between."""
    if np.prod(cells.astype(np.float64)) > MOST:
        middle = np.median(mean, axis=0)
        stray = int(np.linalg.norm(mean - middle, axis=1).argmax())
        raise FileError(
            f"The Gaussians spread over {' x '.join(map(str, cells))} cells of {spacing:.4g}, but at most {MOST:g} can "
            f"be filled; the farthest is number {stray} at ({', '.join(f'{x:.4g}' for x in mean[stray])}). Remove "
            f"stray Gaussians from the file, raise opacity_min, or take a coarser grid."
        )


def solid_share(
    mean: Array, axes: Array, opacity: Array, spacing: float, threshold: float, count: tuple[int, ...]
) -> NDArray[np.float32]:
    """Which part of each cell is matter: 0, 1/2 or 1."""
    from scipy.ndimage import binary_fill_holes

    lengths, rotation = axes_of(axes)
    first = np.full(3, 0.5 * spacing)
    thin = gaussian_density(mean, lengths, rotation, opacity, first, spacing, count) > threshold
    wide = np.hypot(lengths, 0.5 * spacing)
    rho = gaussian_density(mean, wide, rotation, opacity, first, spacing, count)
    shell = rho > threshold
    if not shell.any():
        raise FileError(
            f"The density of the Gaussians is {rho.max():.3g} at most and nowhere beyond fill={threshold:g}, so no "
            f"place is matter. Lower fill, to {0.5 * rho.max():.2g} or so."
        )
    enclosed = binary_fill_holes(shell) & ~shell
    share: NDArray[np.float32] = (0.5 * shell).astype(np.float32)
    share[thin | enclosed] = 1.0
    return share


def moved_into(home: NDArray[np.int64], share: NDArray[np.float32]) -> NDArray[np.int64]:
    """The cell of matter nearest to each of the cells [n, 3]."""
    from scipy.spatial import cKDTree

    astray = share[tuple(home.T)] == 0
    if not astray.any():
        return home
    solid = np.stack(np.nonzero(share), axis=1)
    out = home.copy()
    out[astray] = solid[cKDTree(solid).query(home[astray])[1]]
    return out
