"""Fitting parameters by gradient descent through a rollout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from scipy.optimize import minimize
from torch import Tensor

from scenegrad.engine.coordinates import coordinates
from scenegrad.engine.landscape import Landscape, Objective, Trial, rebuilt
from scenegrad.engine.solver import Solver, Variable
from scenegrad.engine.state import Params
from scenegrad.engine.trust_region import descend

__all__ = ["Best", "Trial", "optimise"]

S = TypeVar("S")


@dataclass(frozen=True)
class Best:
    """The best parameters found.

    history: every evaluation, in order. surrogate: where another solver verified, those of the stand-in; history then
    has those of the verifying solver, whose word counts.
    """

    params: Params
    value: float
    history: tuple[Trial, ...]
    converged: bool
    message: str
    surrogate: tuple[Trial, ...] = ()


def optimise(
    solver: Solver[S],
    state: S,
    params: Params,
    objective: Objective[S],
    *,
    parameters: Mapping[str, Variable] | None = None,
    until: float | None = None,
    steps: int = 30,
    tolerance: float = 1e-8,
    build: Callable[[Params], S] | None = None,
    penalty: Callable[[Params], Tensor] | None = None,
    verify: Solver[S] | None = None,
    region: float = 0.25,
    watch: Callable[[Trial], None] | None = None,
) -> Best:
    """Minimises objective(rollout) over the named parameters, within their bounds, by L-BFGS-B.

    [Byrd, Lu, Nocedal & Zhu 1995, SIAM J. Sci. Comput. 16(5)], on coordinates of order one: the logarithm where a
    parameter says transform="log", else the fraction of its bounds. An objective with one value per member is summed.

    verify: the solver that `solver` stands in for, such as that behind a surrogate. The optimum is then that of
    `verify`: the stand-in, corrected to its value and slope at the best point so far, says where to go within a region
    that grows and shrinks with how right it was (trust_region.py), and `verify` is asked once for each such move.
    region: how far the first of them may lead along each axis, in the coordinates; infinite, the search begins where
    the stand-in has its minimum.

    parameters: what may change; without them, everything that the scene marks as a Parameter. steps: iterations, each
    of one or two rollouts with their gradients; of `verify`, moves. tolerance: relative fall of the objective, and its
    slope relative to its first value, at which the search ends. build: the initial state, where it depends on the
    parameters in a way of its own; the state that `compile` made needs none. penalty: what the parameters themselves
    add to the objective, without a simulation: the material they take, a constraint. watch: is shown every evaluation
    that counts.

    Raises EngineError where there is no such parameter or nothing may change, Diverged where a rollout that is met, or
    its gradient, is not finite.
    """
    axes = coordinates(params, solver.program.parameters if parameters is None else parameters)
    build = build or rebuilt(solver, state, params)
    ground = Landscape(solver, state, params, objective, axes, until, build, penalty)
    start = np.concatenate([axis.start for axis in axes])
    bounds = [pair for axis in axes for pair in axis.limits]
    history: list[Trial] = []
    guesses: list[Trial] = []

    def seen(trial: Trial) -> None:
        history.append(trial)
        if watch is not None:
            watch(trial)

    if verify is None:

        def evaluate(point: np.ndarray) -> tuple[float, np.ndarray]:
            trial, slope = ground(point)
            seen(trial)
            scale = abs(history[0].value) or 1.0
            return trial.value / scale, slope / scale

        options = {"maxiter": steps, "ftol": tolerance, "gtol": tolerance}
        result = minimize(evaluate, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        converged, message = bool(result.success), str(result.message)
    else:
        truth = replace(ground, solver=verify)
        converged, message = descend(truth, ground, start, bounds, steps, tolerance, seen, guesses.append, region)
    best = min(history, key=lambda trial: trial.value)
    final = params.replace({axis.address: axis.like(best.params[axis.address]) for axis in axes})
    return Best(final, best.value, tuple(history), converged, message, tuple(guesses))
