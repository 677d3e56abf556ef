"""Standard errors of what is computed from several series, such as the ratio of their fluctuations."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from scenegrad.engine.errors import EngineError

__all__ = ["Estimate", "jackknife"]


@dataclass(frozen=True)
class Estimate:
    """A number or an array of them, with standard errors."""

    mean: Any
    error: Any

    def __str__(self) -> str:
        """As tables have it, -6.0806(36): the error in units of the last digits."""
        if np.ndim(self.mean) or not math.isfinite(self.error) or self.error <= 0.0:
            return f"{self.mean} +- {self.error}"
        digits = max(0, 1 - math.floor(math.log10(self.error)))
        return f"{self.mean:.{digits}f}({round(self.error * 10**digits)})"


def jackknife(function: Callable[..., Any], *series: ArrayLike, blocks: int = 20) -> Estimate:
    """A function of several series [frame, ...] with its standard error.

    The function is computed with one block of frames left out after the other; blocks should be longer than the memory
    of the series.   [Quenouille 1956, Biometrika 43, 353; Efron & Stein 1981, Ann. Stat. 9, 586]
    """
    columns = [np.asarray(one, dtype=np.float64) for one in series]
    frames = len(columns[0])
    if any(len(one) != frames for one in columns) or blocks < 2 or frames < 2 * blocks:
        lengths = ", ".join(str(len(one)) for one in columns)
        raise EngineError(
            f"{blocks} blocks take series of the same length, at least {2 * blocks}; these have {lengths}."
        )
    edges = np.linspace(0, frames, blocks + 1).astype(int)
    kept = [np.r_[0:a, b:frames] for a, b in pairwise(edges)]
    found = np.stack([np.asarray(function(*(one[rows] for one in columns))) for rows in kept])
    spread = (blocks - 1) * found.var(axis=0)
    return Estimate(np.asarray(function(*columns))[()], np.sqrt(spread)[()])
