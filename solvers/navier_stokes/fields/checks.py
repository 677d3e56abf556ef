"""Why a field cannot be shown on a grid, and how to mend it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from scenegrad.scenes.initial_fields import Conduction, FieldFile, Magnitude, PlaneWave, TaylorGreen, Waves
from scenegrad.scenes.model import Model
from scenegrad.scenes.values import GaussianField, MaternField, NoiseField, RandomField, number, vector
from scenegrad.solvers.navier_stokes.fields.files import file_trouble, mean_trouble
from scenegrad.solvers.navier_stokes.fields.forms import FORMS
from scenegrad.solvers.navier_stokes.fields.waves import LONGEST, highest_mode, longest_waves

__all__ = ["Role", "kinds_for", "share_carried", "start_trouble"]

Role = Literal["value", "flow", "vorticity"]
SMOOTHER = {
    "gaussian_field": "lower its peak and width", "matern_field": "lower its tau", "noise_field": "enlarge its scale",
}  # fmt: skip
ENOUGH = 0.8  # of the variance of a random field that a grid must carry
NEARLY_ALL = 0.95  # below which it is told how much is lost

Cells = tuple[int, ...]
Sizes = tuple[float, ...]


def kinds_for(role: Role) -> tuple[type[Model], ...]:
    part = {"value": "value", "flow": "flow", "vorticity": "swirl"}[role]
    found = tuple(kind for kind, form in FORMS.items() if getattr(form, part) is not None)
    return (*found, Magnitude) if role == "value" else found


def start_trouble(
    told: Any,
    cells: Cells,
    size: Sizes,
    role: Role = "value",
    components: int = 1,
    allowed: tuple[type, ...] = (),
    highest: Callable[[int], int] = highest_mode,
) -> str | None:
    """Why what is told (no number and no vector) cannot start here; None where it can.

    allowed: kinds, where not all that serve the role. highest: the highest wave that so many cells show.
    """
    kinds = allowed or kinds_for(role)
    if not isinstance(told, kinds):
        known = ", ".join(kind.model_fields["kind"].default for kind in kinds_for(role) if issubclass(kind, kinds))
        return f"is a {getattr(told, 'kind', type(told).__name__)}; a {role} starts from one of: {known}"
    if isinstance(told, Magnitude):
        return start_trouble(told.of, cells, size, highest=highest)
    if isinstance(told, RandomField):
        return random_trouble(told, cells, size) if getattr(told, "kind", "") in SMOOTHER else None
    if isinstance(told, FieldFile):
        trouble = file_trouble(told, cells, components, modes=role == "vorticity")
        return mean_trouble(told, cells) if trouble is None and role == "vorticity" else trouble
    if isinstance(told, Conduction) and told.axis >= len(cells):
        return f"lies along axis {told.axis}, and the axes of this scene are 0 to {len(cells) - 1}"
    if isinstance(told, PlaneWave) and len(told.waves) != len(cells):
        return f"waves={told.waves} has {len(told.waves)} entries, the scene {len(cells)} dimensions"
    if isinstance(told, Waves) and components > 1:
        return f"is one scalar, and this field has {components} components"
    waves = told.waves if isinstance(told, PlaneWave) else ()
    if isinstance(told, Waves):
        n = longest_waves(len(vector(told.coefficients)) // 2, len(cells))
        waves = tuple(int(highest_one) for highest_one in abs(n).max(axis=0))
    waves = (told.wavenumber,) * len(cells) if isinstance(told, TaylorGreen) else waves
    if any(abs(n) > highest(count) for n, count in zip(waves, cells, strict=False)):
        room = " x ".join(map(str, dict.fromkeys(map(highest, cells))))
        needed = tuple(max(count, 3 * abs(n) + 1) for n, count in zip(waves, cells, strict=True))
        return (
            f"has waves {waves} along the edges, and {times(cells)} cells carry waves up to {room}; lower them or take "
            f"at least {times(needed)} cells"
        )
    return None


def times(cells: Cells) -> str:
    return " x ".join(map(str, cells))


# ---- random fields finer than the grid


def random_trouble(told: Any, cells: Cells, size: Sizes) -> str | None:
    dim, longest = len(cells), max(size)
    if isinstance(told, MaternField) and 2 * number(told.alpha) <= dim:
        return (
            f"has alpha={number(told.alpha):g}: in {dim} dimensions its variance has no bound as the grid is refined. "
            f"Take an alpha above {dim / 2:g}"
        )
    if isinstance(told, NoiseField) and 4 * number(told.smoothness) <= dim:
        return (
            f"has smoothness={number(told.smoothness):g}: in {dim} dimensions its finest waves hold all of it. "
            f"Take one above {dim / 4:g}"
        )
    last = min(highest_mode(n) * longest / length for n, length in zip(cells, size, strict=True))
    share = share_carried(told, last, dim, longest)
    if share >= NEARLY_ALL:
        return None
    finer = f"is finer than the grid: {times(cells)} cells carry waves up to {last:g} per longest edge"
    if share < ENOUGH:
        needed = cells_for(told, ENOUGH, last, size)
        return f"{finer}, {share:.0%} of its variance. Take at least {needed} cells, or {SMOOTHER[told.kind]}"
    needed = cells_for(told, NEARLY_ALL, last, size)
    warnings.warn(
        f"A {told.kind} {finer}, and {1.0 - share:.0%} of its variance is lost. Take {needed} cells to keep "
        f"{NEARLY_ALL:.0%}, or {SMOOTHER[told.kind]}.",
        stacklevel=2,
    )
    return None


def cells_for(told: Any, share: float, last: float, size: Sizes) -> str:
    """The fewest cells that carry a share of the variance, in words."""
    dim, longest, wanted = len(size), max(size), last
    while share_carried(told, wanted, dim, longest) < share:
        wanted += 1.0
    return times(tuple(3 * math.ceil(wanted * length / longest) + 1 for length in size))


def share_carried(told: Any, last: float, dim: int, longest: float) -> float:
    """Share of the expected variance in waves up to `last` per longest edge, by an integral over shells."""
    k = np.geomspace(0.5, 1e4 * max(last, 1.0), 4000)
    if isinstance(told, GaussianField):
        density = np.exp(-((k - number(told.peak)) ** 2) / (2 * number(told.width) ** 2))
    elif isinstance(told, MaternField):
        density = k ** (dim - 1) * ((2 * math.pi * k) ** 2 + number(told.tau) ** 2) ** -number(told.alpha)
    elif isinstance(told, NoiseField):
        smooth = 4 * number(told.smoothness)
        seen = (k * number(told.scale) / longest) ** 2 > LONGEST
        first = k[seen][0] if seen.any() else k[-1]
        density = np.where(seen, (k / first) ** (dim - 1 - smooth), 0.0)
    else:
        return 1.0
    parts = 0.5 * (density[1:] + density[:-1]) * np.diff(k)
    total = float(parts.sum())
    return float(parts[k[1:] <= last + 0.5].sum()) / total if total > 0.0 else 0.0
