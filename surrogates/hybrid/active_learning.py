"""Learning from what was not trusted: rejected steps of a SafeStepper as training data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.pairs import Pairs, PairSamples
from scenegrad.surrogates.data.samples import Data, Samples, Window
from scenegrad.surrogates.data.split import Split
from scenegrad.surrogates.hybrid.safe_stepper import Log
from scenegrad.surrogates.operators.names import Names

__all__ = ["Extended", "ExtendedSamples", "extended", "lessons_of"]


def lessons_of(log: Log[Any], dt: float) -> Pairs:
    """The steps that were handed to the solver, with what it made of them."""
    if not log.lessons:
        raise EngineError("Nothing was rejected, so there is nothing to learn from it.")

    def joined(tables: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, np.ndarray]:
        return {name: torch.cat([table[name] for table in tables]).numpy() for name in tables[0]}

    before, after = joined([one.before for one in log.lessons]), joined([one.after for one in log.lessons])
    numbers = joined([one.numbers for one in log.lessons])
    scalars = {address: values for address, values in numbers.items() if values.ndim == 1}
    return Pairs.from_arrays(before, after, scalars, dt=dt, split=Split(0.0, 0.0))


def extended(data: Data, log: Log[Any], dt: float) -> Extended:
    """The data, and beside them the rejected steps of a SafeStepper, whose log this is. dt: of its steps.

    Run the stepper where the network shall serve, train again on this, and calibrate anew: the next network knows where
    the last one did not.
    """
    return Extended(data, lessons_of(log, dt))


@dataclass(frozen=True)
class Extended:
    """Data with further pairs to train on; what validates, tests and scales is that of the data alone."""

    data: Data
    more: Pairs

    def bind(self, names: Names, horizon: int) -> ExtendedSamples:
        self.more.refuse_more(names, horizon)
        told = self.more.parameters
        return ExtendedSamples(
            self.data.bind(names, horizon),
            PairSamples(replace(self.more, parameters={a: told[a] for a in names.parameters if a in told}), names),
        )


class ExtendedSamples:
    """Samples whose training part goes on with the pairs."""

    def __init__(self, plain: Samples, more: PairSamples):
        if abs(more.dt - plain.dt) > 1e-6 * plain.dt or more.grid != plain.grid:
            raise EngineError(
                f"The data are of steps {plain.dt:g} on {plain.grid} points, the rejected steps of {more.dt:g} on "
                f"{more.grid}. They can be learnt together where both agree."
            )
        self.plain, self.more = plain, more

    def __getattr__(self, name: str) -> Any:
        if name == "plain" or name.startswith("__"):  # a copy asks before there is one
            raise AttributeError(name)
        return getattr(self.plain, name)

    @property
    def hash(self) -> str:
        return hashlib.sha256(f"{self.plain.hash} and {self.more.hash}".encode()).hexdigest()

    def count(self, part: str) -> int:
        return self.plain.count(part) + (self.more.count("train") if part == "train" else 0)

    def window(self, part: str, picks: Sequence[int]) -> Window:
        first = self.plain.count(part)
        old, new = [pick for pick in picks if pick < first], [pick - first for pick in picks if pick >= first]
        parts = [self.plain.window(part, old)] if old else []
        parts += [self.more.window("train", new)] if new else []
        return parts[0] if len(parts) == 1 else joined(*parts)


def joined(one: Window, other: Window) -> Window:
    """Both batches; derivatives are left out, as the pairs have none."""

    def both(a: Mapping[str, torch.Tensor], b: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: torch.cat([value, b[name]]) for name, value in a.items()}

    targets = tuple(both(a, b) for a, b in zip(one.targets, other.targets, strict=True))
    return Window(
        both(one.inputs, other.inputs), targets, both(one.params, other.params), torch.cat([one.dt, other.dt])
    )
