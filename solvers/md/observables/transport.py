"""Diffusion and heat capacity from what a run wrote down, with errors by blocking.

Both diffusion constants are linear in what a frame holds, so that every frame gives one, and blocks of these the error.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from scenegrad.engine.errors import EngineError
from scenegrad.engine.jackknife import Estimate, jackknife
from scenegrad.engine.statistics import blocking

__all__ = ["correlation", "einstein", "green_kubo", "heat_capacity"]

Array = NDArray[np.float64]


def whole(frames: ArrayLike, lag: ArrayLike, name: str) -> Array:
    """Rows [row, lag] of frames whose history is complete. Where lags are further and further apart, long ones are
    known in few frames: as many frames make a row as there is one among that knows all, each lag the mean of what is
    known of it in them."""
    rows, times = np.asarray(frames, dtype=np.float64), np.asarray(lag, dtype=np.float64)
    if (together := round((times[-1] - times[-2]) / (times[1] - times[0])) if len(times) > 2 else 1) > 1:
        parted = rows[len(rows) % together :].reshape(-1, together, rows.shape[1])
        there = ~np.isnan(parted)
        count = there.sum(axis=1)
        rows = np.where(count > 0, np.where(there, parted, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)
    rows = rows[~np.isnan(rows).any(axis=1)]
    if len(rows) < 4:
        raise EngineError(
            f"{name} has {len(rows)} frames that look back over all lags, which reach {times[-1]:g} back; 4 are the "
            "least. Run longer, or take fewer lags."
        )
    return rows


def blocked(series: Array) -> Estimate:
    found = blocking(torch.from_numpy(np.ascontiguousarray(series)))
    return Estimate(found.mean.numpy()[()], found.error.numpy()[()])


def correlation(frames: ArrayLike, lag: ArrayLike) -> Estimate:
    """Mean over frames [frame, lag] and its error, by lag."""
    return blocked(whole(frames, lag, "This correlation"))


def einstein(msd: ArrayLike, lag: ArrayLike, dim: int, after: float | None = None) -> Estimate:
    """D = slope / (2 dim) of the line of least squares through the mean square displacement [frame, lag], beyond the
    lag `after` [time]; the last half of the lags if it is left out. [length^2/time]   [Einstein 1905]"""
    rows, times = whole(msd, lag, "The mean square displacement"), np.asarray(lag, dtype=np.float64)
    late = times >= (0.5 * times[-1] if after is None else after)
    if late.sum() < 2:
        raise EngineError(f"A slope takes two lags; beyond {after} there are {late.sum()}, the last at {times[-1]:g}.")
    centred = times[late] - times[late].mean()
    return blocked(rows[:, late] @ (centred / (centred @ centred)) / (2.0 * dim))


def green_kubo(vacf: ArrayLike, lag: ArrayLike, dim: int) -> Estimate:
    """D(t) = 1/dim int_0^t v(0) . v(s) ds by Simpson's rule, for each even lag t [lag // 2 + 1]; where it no longer
    grows is the diffusion constant [length^2/time]. vacf [frame, lag]; lags stand in pairs of equal distances.
    [Green 1954; Kubo 1957]"""
    rows, times = whole(vacf, lag, "The velocity correlation"), np.asarray(lag, dtype=np.float64)
    third = (times[2::2] - times[:-2:2]) / 6.0
    pieces = third * (rows[:, :-2:2] + 4.0 * rows[:, 1:-1:2] + rows[:, 2::2])
    started = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(pieces, axis=1)], axis=1)
    return blocked(started / dim)


def heat_capacity(
    kinetic: ArrayLike, potential: ArrayLike, atoms: int, freedoms: int, temperature: float | None = None
) -> Estimate:
    """C_V per atom in units of k_B, from energies per atom [frame].

    temperature: the one that a thermostat held, of which C_V = var(E) / T^2. Without it energy is constant, and
    var(K) / <K>^2 = 2/f (1 - f / 2 C_V), f the freedoms. [Lebowitz, Percus & Verlet 1967, Phys. Rev. 153, 250]
    """
    if temperature is not None:
        return jackknife(lambda k, u: atoms * np.var(k + u) / temperature**2, kinetic, potential)
    half = 0.5 * freedoms
    return jackknife(lambda k: half / atoms / (1.0 - half * np.var(k) / np.mean(k) ** 2), kinetic)
