"""Optimising with a stand-in for a solver, to the solver's own optimum."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize

from scenegrad.engine.landscape import Landscape, Trial

__all__ = ["descend"]

Bounds = Sequence[tuple[float | None, float | None]]
Seen = Callable[[Trial], None]

FIRST, SMALLEST = 0.25, 1e-9  # radius of the region, in coordinates of order one
POOR, GOOD = 0.1, 0.75  # share of the promised fall below which it shrinks, above which it may grow


def descend(
    truth: Landscape,
    guess: Landscape,
    start: np.ndarray,
    bounds: Bounds,
    steps: int,
    tolerance: float,
    seen: Seen,
    guessed: Seen,
    first: float = FIRST,
) -> tuple[bool, str]:
    """A trust region with a corrected stand-in [Alexandrov, Dennis, Lewis & Torczon 1998, Struct. Optim. 15, 16].

    With f the objective of the solver, s that of its stand-in and z_k the best point so far, the model

        m(z) = s(z) + (f - s)(z_k) + (grad f - grad s)(z_k) . (z - z_k) + (z - z_k) . B (z - z_k) / 2

    has value and slope of f at z_k, so that its minimum in a box of radius R about z_k lowers f once R is small enough,
    whatever the stand-in: the search ends where f has its minimum, and a good stand-in only makes it short. R halves
    where f falls by less than a tenth of what m promised, and doubles where it falls by more than three quarters of it.
    B is what the points so far tell of the curvature of f - s, none at first: SR1, as Eldred, Giunta & Collis 2004
    [AIAA 2004-4457] correct models, so that the last moves are those of a quasi-Newton method. first: the radius to
    begin with; infinite, the search begins where the stand-in has its minimum.

    Returns whether it converged, and why it ended.
    """
    low = np.array([-np.inf if pair[0] is None else pair[0] for pair in bounds])
    high = np.array([np.inf if pair[1] is None else pair[1] for pair in bounds])
    here = np.clip(start, low, high)
    asked: dict[bytes, tuple[Trial, np.ndarray]] = {}

    def ask(z: np.ndarray) -> tuple[Trial, np.ndarray]:
        """The stand-in, once at each point: where a search ends, the next one begins."""
        if (key := z.tobytes()) not in asked:
            asked[key] = guess(z)
            guessed(asked[key][0])
        return asked[key]

    if not np.isfinite(first):
        here, first = alone(ask, here, bounds), FIRST
    best, slope = truth(here)
    seen(best)
    scale, radius = abs(best.value) or 1.0, first
    bend = np.zeros((len(here), len(here)))
    for _ in range(steps):
        falling = np.clip(here - slope / scale, low, high) - here  # zero where nothing is to be gained within bounds
        if np.abs(falling).max() <= tolerance:
            return True, "the slope has vanished"
        stand_in, own = ask(here)
        shift, tilt = best.value - stand_in.value, slope - own

        def model(
            z: np.ndarray,
            shift: float = shift,
            tilt: np.ndarray = tilt,
            bend: np.ndarray = bend,
            about: np.ndarray = here,
        ) -> tuple[float, np.ndarray]:
            trial, its_slope = ask(z)
            leaning = tilt + 0.5 * bend @ (z - about)
            value = trial.value + shift + leaning @ (z - about)
            return value / scale, (its_slope + 2.0 * leaning - tilt) / scale

        box = list(zip(np.maximum(low, here - radius), np.minimum(high, here + radius), strict=True))
        options = {"maxiter": 50, "ftol": 0.01 * tolerance, "gtol": 0.01 * tolerance}
        found = minimize(model, here, jac=True, method="L-BFGS-B", bounds=box, options=options)
        promised = best.value / scale - found.fun
        if promised <= 0.0:
            return True, "the model promises nothing more"
        tried, its_slope = truth(found.x)
        seen(tried)
        bend = bend + curvature(bend, found.x - here, its_slope - ask(found.x)[1] - tilt)
        share = (best.value - tried.value) / scale / promised
        at_edge = bool((np.abs(found.x - here) > 0.99 * radius).any())
        if share < POOR:
            radius *= 0.5
        elif share > GOOD and at_edge:
            radius *= 2.0
        if share > 0.0:
            fall = best.value - tried.value
            here, best, slope = found.x, tried, its_slope
            if fall <= tolerance * scale:
                return True, "the objective no longer falls"
        if radius < SMALLEST:
            return True, "the region has shrunk to nothing"
    return False, f"{steps} moves were not enough"


def alone(
    ask: Callable[[np.ndarray], tuple[Trial, np.ndarray]], start: np.ndarray, bounds: Bounds, steps: int = 100
) -> np.ndarray:
    """Where the stand-in by itself has its minimum."""
    scale = abs(ask(start)[0].value) or 1.0

    def said(z: np.ndarray) -> tuple[float, np.ndarray]:
        trial, slope = ask(z)
        return trial.value / scale, slope / scale

    options = {"maxiter": steps, "ftol": 1e-10, "gtol": 1e-10}
    return minimize(said, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x


def curvature(known: np.ndarray, step: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """What to add to a matrix so that it turns `step` into `turned`: r r^T / (r . step), r = turned - known step, of
    rank one and symmetric; nothing where that says too little [Nocedal & Wright 2006, eq. 6.26]."""
    missed = turned - known @ step
    along = float(missed @ step)
    if abs(along) <= 1e-8 * float(np.linalg.norm(missed) * np.linalg.norm(step)):
        return np.zeros_like(known)
    return np.outer(missed, missed) / along
