"""Body forces that keep a fluid moving: the acceleration of each at amplitude 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

from scenegrad.scenes.forcings import BandForcing, DiagonalForcing, Forcing, KolmogorovForcing
from scenegrad.solvers.navier_stokes.fields.places import GridPlaces
from scenegrad.solvers.navier_stokes.fields.waves import carried, half_shell, highest_mode, solenoidal

__all__ = ["Pattern", "acceleration", "forcing_trouble", "register_forcing"]

Array = np.ndarray
Pattern = Callable[[Forcing, tuple[Array, ...], tuple[float, ...]], Sequence[Array]]

PATTERNS: dict[type[Forcing], Pattern] = {}


def register_forcing(kind: type[Forcing], pattern: Pattern) -> None:
    """Teaches the spectral solver a force: pattern(forcing, positions, size) gives its components at amplitude 1.

    positions: coordinates along each axis, x [nx, 1] and y [1, ny] in two dimensions; an `amplitude` field of the
    forcing multiplies the pattern and may learn.
    """
    PATTERNS[kind] = pattern


def kolmogorov(forcing: Forcing, positions: tuple[Array, ...], size: tuple[float, ...]) -> Sequence[Array]:
    """(sin(k y), 0) or (sin(k y), 0, 0)."""
    assert isinstance(forcing, KolmogorovForcing)
    wave = np.sin(2 * math.pi * forcing.wavenumber / size[1] * positions[1])
    along = wave + sum(0.0 * x for x in positions)
    return [along, *(np.zeros_like(along) for _ in positions[1:])]


def diagonal(forcing: Forcing, positions: tuple[Array, ...], size: tuple[float, ...]) -> Sequence[Array]:
    """(g, -g) with g = (cos s - sin s) / (2 k), s = k (x + y): its curl -g_x - g_y is sin s + cos s."""
    assert isinstance(forcing, DiagonalForcing)
    k = 2 * math.pi * forcing.wavenumber / size[0]
    s = k * (positions[0] + positions[1])
    g = (np.cos(s) - np.sin(s)) / (2.0 * k)
    return [g, -g]


def band(forcing: Forcing, positions: tuple[Array, ...], size: tuple[float, ...]) -> Sequence[Array]:
    """Random modes of the band, without divergence, scaled to a root mean square of 1."""
    assert isinstance(forcing, BandForcing)
    cells = np.broadcast_shapes(*(x.shape for x in positions))
    dim, longest = len(cells), max(size)
    n = np.concatenate([half_shell(ring, dim) for ring in range(1, math.ceil(forcing.high) + 1)])
    k = np.sqrt(sum((n[:, axis] * longest / size[axis]) ** 2 for axis in range(dim)))
    n = n[(forcing.low <= k) & (k <= forcing.high)]
    rng = np.random.default_rng(np.random.SeedSequence(forcing.seed))
    normal = rng.standard_normal((len(n), dim, 2))
    c = solenoidal(torch.from_numpy((normal[..., 0] + 1j * normal[..., 1]).T.copy()), n, size)
    c = c / math.sqrt(2 * float(c.abs().square().sum()))
    fits = carried(n, cells)
    return list(GridPlaces.lattice(cells, size).summed(n[fits], c[:, torch.from_numpy(fits)]).numpy())


register_forcing(KolmogorovForcing, kolmogorov)
register_forcing(DiagonalForcing, diagonal)
register_forcing(BandForcing, band)


def acceleration(forcing: Forcing, cells: tuple[int, ...], size: tuple[float, ...]) -> Array:
    """The force at amplitude 1 on the grid, float64 [dim, *cells]."""
    dim = len(cells)
    positions = tuple(
        (np.arange(n) * (length / n)).reshape([-1 if a == axis else 1 for a in range(dim)])
        for axis, (n, length) in enumerate(zip(cells, size, strict=True))
    )
    return np.stack(PATTERNS[type(forcing)](forcing, positions, size))


def forcing_trouble(forcing: Forcing, cells: tuple[int, ...], size: tuple[float, ...]) -> str | None:
    """Why this force cannot act on this grid; None where it can."""
    if type(forcing) not in PATTERNS:
        known = ", ".join(kind.model_fields["kind"].default for kind in PATTERNS)
        return f"the spectral solver has no pattern for it; known: {known}. Teach it one with register_forcing"
    if "amplitude" not in type(forcing).model_fields:
        return "it has no amplitude, which the spectral solver multiplies its pattern with; add that field"
    if isinstance(forcing, DiagonalForcing) and (len(cells) != 2 or size[0] != size[1]):
        return f"it needs a square box; this one is {' x '.join(f'{length:g}' for length in size)}"
    if isinstance(forcing, BandForcing):
        room = min(map(highest_mode, cells))
        if forcing.high > room:
            return f"{min(cells)} cells carry waves up to {room}; lower `high` or take more cells"
        return None
    wave = getattr(forcing, "wavenumber", 0)
    if wave > highest_mode(cells[1]):
        return (
            f"{cells[1]} cells along y carry waves up to {highest_mode(cells[1])}; "
            f"lower the wavenumber or take at least {3 * wave + 1} cells"
        )
    return None
