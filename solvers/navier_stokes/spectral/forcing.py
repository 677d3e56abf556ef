"""Body forces that keep a fluid moving: the acceleration of each at amplitude 1."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from scenegrad.scenes.forcings import Forcing, KolmogorovForcing
from scenegrad.solvers.navier_stokes.spectral.modes import Modes, highest_mode

__all__ = ["Pattern", "acceleration", "forcing_trouble", "register_forcing"]

Pattern = Callable[[Forcing, np.ndarray, np.ndarray, tuple[float, float]], tuple[np.ndarray, np.ndarray]]

PATTERNS: dict[type[Forcing], Pattern] = {}


def register_forcing(kind: type[Forcing], pattern: Pattern) -> None:
    """Teaches the spectral solver a force: pattern(forcing, x, y, size) gives its two components at amplitude 1.

    x [nx, 1] and y [1, ny] are positions; an `amplitude` field of the forcing multiplies the pattern and may learn.
    """
    PATTERNS[kind] = pattern


def kolmogorov(
    forcing: Forcing, x: np.ndarray, y: np.ndarray, size: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """(sin(k y), 0)."""
    assert isinstance(forcing, KolmogorovForcing)
    along = np.sin(2 * math.pi * forcing.wavenumber / size[1] * y) + 0.0 * x
    return along, np.zeros_like(along)


register_forcing(KolmogorovForcing, kolmogorov)


def acceleration(forcing: Forcing, modes: Modes) -> np.ndarray:
    """The force at amplitude 1 on the grid, float64 [2, nx, ny]."""
    x, y = (np.arange(n) * (length / n) for n, length in zip(modes.cells, modes.size, strict=True))
    return np.stack(PATTERNS[type(forcing)](forcing, x[:, None], y[None, :], modes.size))


def forcing_trouble(forcing: Forcing, cells: tuple[int, int]) -> str | None:
    """Why this force cannot act on this grid; None where it can."""
    if type(forcing) not in PATTERNS:
        known = ", ".join(kind.model_fields["kind"].default for kind in PATTERNS)
        return f"the spectral solver has no pattern for it; known: {known}. Teach it one with register_forcing"
    if "amplitude" not in type(forcing).model_fields:
        return "it has no amplitude, which the spectral solver multiplies its pattern with; add that field"
    wave = getattr(forcing, "wavenumber", 0)
    if wave > highest_mode(cells[1]):
        return (
            f"{cells[1]} cells along y carry waves up to {highest_mode(cells[1])}; "
            f"lower the wavenumber or take at least {3 * wave + 1} cells"
        )
    return None
