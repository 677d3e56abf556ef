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
) -> tuple[bool, str]:
    """A trust region with a first-order correction [Alexandrov, Dennis, Lewis & Torczon 1998, Struct. Optim. 15, 16].

    With f the objective of the solver, s that of its stand-in and z_k the best point so far, the model

        m(z) = s(z) + (f - s)(z_k) + (grad f - grad s)(z_k) . (z - z_k)

    has value and slope of f at z_k, so that its minimum in a box of radius R about z_k lowers f once R is small enough,
    whatever the stand-in: the search ends where f has its minimum, and a good stand-in only makes it short. R halves
    where f falls by less than a tenth of what m promised, and doubles where it falls by more than three quarters of it.
    Returns whether it converged, and why it ended.
    """
    low = np.array([-np.inf if pair[0] is None else pair[0] for pair in bounds])
    high = np.array([np.inf if pair[1] is None else pair[1] for pair in bounds])
    here = np.clip(start, low, high)
    best, slope = truth(here)
    seen(best)
    scale, radius = abs(best.value) or 1.0, FIRST
    asked: dict[bytes, tuple[Trial, np.ndarray]] = {}

    def ask(z: np.ndarray) -> tuple[Trial, np.ndarray]:
        """The stand-in, once at each point: where a search ends, the next one begins."""
        if (key := z.tobytes()) not in asked:
            asked[key] = guess(z)
            guessed(asked[key][0])
        return asked[key]

    for _ in range(steps):
        falling = np.clip(here - slope / scale, low, high) - here  # zero where nothing is to be gained within bounds
        if np.abs(falling).max() <= tolerance:
            return True, "the slope has vanished"
        stand_in, own = ask(here)
        shift, tilt = best.value - stand_in.value, slope - own

        def model(
            z: np.ndarray, shift: float = shift, tilt: np.ndarray = tilt, about: np.ndarray = here
        ) -> tuple[float, np.ndarray]:
            trial, its_slope = ask(z)
            return (trial.value + shift + tilt @ (z - about)) / scale, (its_slope + tilt) / scale

        box = list(zip(np.maximum(low, here - radius), np.minimum(high, here + radius), strict=True))
        options = {"maxiter": 50, "ftol": 0.01 * tolerance, "gtol": 0.01 * tolerance}
        found = minimize(model, here, jac=True, method="L-BFGS-B", bounds=box, options=options)
        promised = best.value / scale - found.fun
        if promised <= 0.0:
            return True, "the model promises nothing more"
        tried, its_slope = truth(found.x)
        seen(tried)
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
