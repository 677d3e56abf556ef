"""Fitting parameters by gradient descent through a rollout."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from scenegrad.engine.errors import Diverged, EngineError
from scenegrad.engine.rollout import Rollout, rollout
from scenegrad.engine.solver import Solver, Variable
from scenegrad.engine.state import Params, tensors

__all__ = ["Best", "Trial", "optimise"]

S = TypeVar("S")


@dataclass(frozen=True)
class Trial:
    """One evaluation of the objective and its gradient."""

    value: float
    params: dict[str, np.ndarray]
    gradient: dict[str, np.ndarray]  # with respect to the parameters themselves, in their units
    seconds: float


@dataclass(frozen=True)
class Best:
    """The best parameters found.

    history: every evaluation, in order. verified: the objective under the verifying solver, where there is one.
    """

    params: Params
    value: float
    history: tuple[Trial, ...]
    converged: bool
    message: str
    verified: float | None = None


def optimise(
    solver: Solver[S],
    state: S,
    params: Params,
    objective: Callable[[Rollout[S]], Tensor],
    *,
    parameters: Mapping[str, Variable] | None = None,
    until: float | None = None,
    steps: int = 30,
    tolerance: float = 1e-8,
    build: Callable[[Params], S] | None = None,
    verify: Solver[S] | None = None,
    watch: Callable[[Trial], None] | None = None,
) -> Best:
    """Minimises objective(rollout) over the named parameters, within their bounds, by L-BFGS-B.

    [Byrd, Lu, Nocedal & Zhu 1995, SIAM J. Sci. Comput. 16(5)], on coordinates of order one: the logarithm where a
    parameter says transform="log", else the fraction of its bounds. An objective with one value per member is summed.

    parameters: what may change; without them, everything that the scene marks as a Parameter.
    steps: iterations, each of one or two rollouts with their gradients. tolerance: relative fall of the objective, and
    its slope relative to its first value, at which the search ends. build: the initial state, where it depends on the
    parameters in a way of its own; the state that `compile` made needs none. verify: another solver of the same state
    that judges the parameters found, such as the solver behind a surrogate. watch: is shown every evaluation.
    """
    axes = coordinates(params, solver.program.parameters if parameters is None else parameters)
    build = build or rebuilt(solver, state, params)
    history: list[Trial] = []

    def at(point: np.ndarray, with_solver: Solver[S]) -> tuple[Params, Tensor]:
        values = params.replace({axis.address: axis.tensor(part) for axis, part in split(axes, point)})
        start = state if build is None else build(values)
        return values, objective(rollout(with_solver, start, values, until)).sum()

    def evaluate(point: np.ndarray) -> tuple[float, np.ndarray]:
        began = time.perf_counter()
        try:
            values, loss = at(point, solver)
            wanted = [values[axis.address] for axis in axes]
            felt = loss.requires_grad
            slopes = torch.autograd.grad(loss, wanted, allow_unused=True) if felt else (None,) * len(wanted)
        except Diverged as error:
            place = spoken(axes, point)
            raise Diverged(f"{error} This was met while optimising, at {place}.", error.members) from error
        refuse_unfelt(axes, slopes)
        found = {axis.address: plain(slope) for axis, slope in zip(axes, slopes, strict=True)}
        tried = {axis.address: plain(value) for axis, value in zip(axes, wanted, strict=True)}
        trial = Trial(float(loss.detach()), tried, found, time.perf_counter() - began)
        history.append(trial)
        if watch is not None:
            watch(trial)
        scale = abs(history[0].value) or 1.0
        chained = [axis.slope(found[axis.address], part) for axis, part in split(axes, point)]
        return trial.value / scale, np.concatenate(chained) / scale

    result = minimize(
        evaluate,
        np.concatenate([axis.start for axis in axes]),
        jac=True,
        method="L-BFGS-B",
        bounds=[pair for axis in axes for pair in axis.limits],
        options={"maxiter": steps, "ftol": tolerance, "gtol": tolerance},
    )
    best = min(history, key=lambda trial: trial.value)
    final = params.replace({axis.address: axis.like(best.params[axis.address]) for axis in axes})
    verified = None
    if verify is not None:
        start = state if build is None else build(final)
        with torch.no_grad():
            verified = float(objective(rollout(verify, start, final, until)).sum())
    return Best(final, best.value, tuple(history), bool(result.success), str(result.message), verified)


def rebuilt(solver: Solver[S], state: S, params: Params) -> Callable[[Params], S] | None:
    """How the solver's scene makes this state from parameters; None where the state does not depend on any.

    A graph of torch can be walked back once, so that a state with a graph has to be made anew for each evaluation.
    """
    given = tensors(state)
    if not any(value.requires_grad for value in given.values()):
        return None
    initial = solver.program.initial
    made = tensors(initial(params)) if initial is not None else {}
    if any(name not in made or not torch.equal(value, made[name]) for name, value in given.items()):
        raise EngineError(
            "The initial state depends on parameters in a way that is not the scene's. Pass build=, a function from "
            "params to the initial state; or detach the state, if it shall stay as it is."
        )
    return initial


@dataclass(frozen=True)
class Axis:
    """The coordinates of one parameter: z = log p, or p in units of `unit`."""

    address: str
    template: Tensor
    log: bool
    unit: float
    bounds: tuple[float, float] | None

    @property
    def start(self) -> np.ndarray:
        return self.coordinate(plain(self.template).reshape(-1))

    @property
    def limits(self) -> list[tuple[float | None, float | None]]:
        if self.bounds is None:
            return [(None, None)] * self.template.numel()
        low, high = self.coordinate(np.array(self.bounds, dtype=np.float64))
        return [(float(low), float(high))] * self.template.numel()

    def coordinate(self, value: np.ndarray) -> np.ndarray:
        return np.log(value) if self.log else value / self.unit

    def value(self, z: np.ndarray) -> np.ndarray:
        raw = np.exp(z) if self.log else z * self.unit
        return raw if self.bounds is None else np.clip(raw, *self.bounds)  # exp(log(bound)) may round past it

    def slope(self, gradient: np.ndarray, z: np.ndarray) -> np.ndarray:
        return gradient.reshape(-1) * (self.value(z) if self.log else self.unit)

    def like(self, value: np.ndarray) -> Tensor:
        made = torch.tensor(value, dtype=torch.float64).reshape(self.template.shape)
        return made.to(self.template.device, self.template.dtype).requires_grad_()

    def tensor(self, z: np.ndarray) -> Tensor:
        return self.like(self.value(z))


def coordinates(params: Params, parameters: Mapping[str, Variable]) -> list[Axis]:
    if not parameters:
        raise EngineError(
            "There is nothing to optimise: no parameter was named. Mark a number of the scene as "
            "Parameter(value, bounds=(low, high)), or name one in parameters=."
        )
    axes = []
    for address, variable in parameters.items():
        if address not in params:
            raise EngineError(f"No parameter {address!r} to optimise; there are: {', '.join(params) or 'none'}.")
        value, log = params[address], variable.transform == "log"
        if log and not bool((value > 0).all()):
            raise EngineError(f"{address} works on a log scale, which needs a positive start; got {value.tolist()}.")
        widest = float(value.detach().abs().max())
        unit = variable.bounds[1] - variable.bounds[0] if variable.bounds else (widest or 1.0)
        axes.append(Axis(address, value, log, unit, variable.bounds))
    return axes


def split(axes: list[Axis], point: np.ndarray) -> list[tuple[Axis, np.ndarray]]:
    ends = np.cumsum([axis.template.numel() for axis in axes])
    return list(zip(axes, np.split(point, ends[:-1]), strict=True))


def plain(value: Tensor | None) -> np.ndarray:
    assert value is not None, "a parameter that the objective does not feel was refused"
    return value.detach().cpu().double().numpy()


def spoken(axes: list[Axis], point: np.ndarray) -> str:
    said = [(axis.address, np.array2string(axis.value(z), precision=5)) for axis, z in split(axes, point)]
    return ", ".join(f"{address} = {value}" for address, value in said)


def refuse_unfelt(axes: list[Axis], slopes: tuple[Tensor | None, ...]) -> None:
    """A parameter that the objective does not feel, or feels without limit, cannot be fitted."""
    unfelt = [axis.address for axis, slope in zip(axes, slopes, strict=True) if slope is None]
    if unfelt:
        raise EngineError(
            f"The objective does not depend on {', '.join(unfelt)}. Measure something that does, or leave it out."
        )
    wild = [a.address for a, s in zip(axes, slopes, strict=True) if s is not None and not math.isfinite(float(s.sum()))]
    if wild:
        raise Diverged(f"The gradient of the objective with respect to {', '.join(wild)} is not finite.")
