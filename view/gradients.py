"""What the slopes of a velocity on a uniform grid tell: how fast it turns, and where vortices are.

Central differences, over the ends of periodic axes, and one-sided ones of second order at the other sides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.frames import Array, Frames
from scenegrad.view.vtkhdf import GridFrames

__all__ = ["curl_of", "q_of", "slopes"]


def slopes(frames: Frames, velocity: Array) -> NDArray[np.float64]:
    """du_a / dx_b [a, b, *samples] of a velocity [(z,) y, x, component]."""
    assert isinstance(frames, GridFrames)
    dim = frames.dim
    periodic = frames.setting.periodic or (False,) * dim
    values = np.moveaxis(np.asarray(velocity, dtype=np.float64), -1, 0)[:dim]
    found = np.empty((dim, dim, *values.shape[1:]))
    for b in range(dim):
        along, h = dim - b, float(frames.spacing[b])  # samples are listed with x last
        if periodic[b]:
            found[:, b] = (np.roll(values, -1, along) - np.roll(values, 1, along)) / (2 * h)
        else:
            many = values.shape[along]
            found[:, b] = np.gradient(values, h, axis=along, edge_order=2 if many > 2 else 1)
    return found


def curl_of(frames: Frames, velocity: Array) -> NDArray[np.float64]:
    """Vorticity [1/time] in the plane, its length in space."""
    slope = slopes(frames, velocity)
    if len(slope) == 2:
        return np.asarray(slope[1, 0] - slope[0, 1])
    curl = [slope[c, b] - slope[b, c] for b, c in ((1, 2), (2, 0), (0, 1))]
    return np.asarray(np.linalg.norm(curl, axis=0))


def q_of(frames: Frames, velocity: Array) -> NDArray[np.float64]:
    """Q = (|W|^2 - |S|^2) / 2 = -1/2 du_a/dx_b du_b/dx_a [1/time^2], W and S being the parts of the slope that turn
    and strain; positive in vortices [Hunt, Wray & Moin 1988, CTR-S88, 193]. For a velocity without divergence."""
    slope = slopes(frames, velocity)
    return np.asarray(-0.5 * np.einsum("ab...,ba...->...", slope, slope))
