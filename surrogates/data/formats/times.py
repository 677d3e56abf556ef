"""Times of frames that a file holds in single precision."""

from __future__ import annotations

import numpy as np

__all__ = ["straightened"]


def straightened(times: np.ndarray) -> np.ndarray:
    """float64 times [frame]; those that are even but for the rounding of float32 become even."""
    found = np.asarray(times, dtype=np.float64)
    even = np.linspace(found[0], found[-1], len(found))
    rounding = 4 * np.finfo(np.float32).eps * np.abs(found).max()
    return even if np.abs(found - even).max() <= rounding else found
