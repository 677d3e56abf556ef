"""Models carried along beside the truth, one draw of each forecast or many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.samples import Samples, Window
from scenegrad.surrogates.model import Dressed

__all__ = ["Forecast", "blocks", "chance_of", "draws_at_random", "forecast"]

Fields = dict[str, Tensor]
Forecast = tuple[Fields, Fields]  # predicted [draw, batch, ...] and true [batch, ...]

TOGETHER = 64  # forecasts that are carried side by side
SAME = 1e-5  # two calls of a model without chance differ by rounding at most, in units of the outputs


@contextmanager
def chance_of(seed: int) -> Iterator[None]:
    """While this lasts torch draws from a seed; what it would have drawn otherwise, it draws afterwards."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def draws_at_random(model: Dressed, samples: Samples, part: str) -> bool:
    """Whether the model gives something else each time that it is asked the same: a flow, a refiner."""
    window = samples.window(part, [0]).to(device_of(model))
    seen = []
    for seed in (0, 1):
        with chance_of(seed), torch.no_grad():
            seen.append(model(window.inputs, window.params, window.dt))
    first, second = seen
    return any(float((first[n] - second[n]).norm()) > SAME * float(first[n].norm()) for n in first)


def forecast(model: Dressed, window: Window, draws: int = 1) -> Iterator[Forecast]:
    """After each step of a window: what the model says, in so many draws of each member, and the truth."""
    wide = window if draws == 1 else repeated(window, draws)
    state = wide.inputs
    for true in window.targets:
        with torch.no_grad():
            outputs = model(state, wide.params, wide.dt)
        state = model.names.follow(state, outputs)
        yield {n: value.reshape(draws, -1, *value.shape[1:]) for n, value in outputs.items()}, true


def blocks(model: Dressed, samples: Samples, part: str, steps: int | None = None, draws: int = 1) -> Iterator[Window]:
    """The trajectories of a part, some at a time, cut to `steps` steps, or to what all of them have."""
    trajectories = len(samples.parts.get(part, ()))
    if trajectories == 0:
        raise EngineError(f"The {part} part holds no trajectory. Keep some with Split({part}=0.1).")
    if not model.names.carries_forward and (steps or 2) > 1:
        raise EngineError("The outputs of this model are not its fields, so it cannot be carried beyond one step.")
    whole = min(len(samples.rollout(part, pick).targets) for pick in range(trajectories))
    count = whole if steps is None else steps
    if count > whole:
        raise EngineError(f"{count} steps are more than the {whole} of the trajectories.")
    size = max(1, TOGETHER // draws)
    for first in range(0, trajectories, size):
        picks = range(first, min(first + size, trajectories))
        yield join([samples.rollout(part, pick) for pick in picks], count).to(device_of(model))


def repeated(window: Window, draws: int) -> Window:
    """Each member `draws` times: all of them once, then all of them again."""

    def many(values: Fields) -> Fields:
        return {name: value.repeat(draws, *[1] * (value.ndim - 1)) for name, value in values.items()}

    return Window(many(window.inputs), window.targets, many(window.params), window.dt.repeat(draws))


def join(windows: Sequence[Window], steps: int) -> Window:
    """Several windows as one batch, cut to the same number of steps."""

    def stack(tables: list[Fields]) -> Fields:
        return {name: torch.cat([table[name] for table in tables]) for name in tables[0]}

    return Window(
        stack([window.inputs for window in windows]),
        tuple(stack([window.targets[step] for window in windows]) for step in range(steps)),
        stack([window.params for window in windows]),
        torch.cat([window.dt for window in windows]),
    )


def device_of(model: Dressed) -> str:
    return str(next(model.parameters()).device)
