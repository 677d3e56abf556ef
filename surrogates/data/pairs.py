"""Pairs of fields from anywhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.choices import spell
from scenegrad.surrogates.data.samples import Window, column
from scenegrad.surrogates.data.split import AnySplit, Split, fingerprint
from scenegrad.surrogates.data.statistics import Moments, Statistics
from scenegrad.surrogates.data.trajectories import grid_of
from scenegrad.surrogates.operators.names import Names

__all__ = ["PairSamples", "Pairs"]


@dataclass(frozen=True)
class Pairs:
    """Inputs and outputs by name, [pair, *grid] or [pair, *grid, component], and numbers that go with them [pair]."""

    x: Mapping[str, np.ndarray]
    y: Mapping[str, np.ndarray]
    parameters: Mapping[str, np.ndarray]
    dt: float = 1.0  # [time] between input and output, where they are states
    split: AnySplit = field(default_factory=Split)

    @staticmethod
    def from_arrays(
        x: np.ndarray | Mapping[str, np.ndarray],
        y: np.ndarray | Mapping[str, np.ndarray],
        parameters: Mapping[str, np.ndarray] | None = None,
        *,
        dt: float = 1.0,
        split: AnySplit | None = None,
    ) -> Pairs:
        """From arrays whose first axis counts the pairs. Without names they are called "x" and "y"."""
        named_x = dict(x) if isinstance(x, Mapping) else {"x": x}
        named_y = dict(y) if isinstance(y, Mapping) else {"y": y}
        numbers = dict(parameters or {})
        lengths = {name: len(array) for table in (named_x, named_y, numbers) for name, array in table.items()}
        if len(set(lengths.values())) != 1:
            raise EngineError(f"Every array needs one entry for each pair along its first axis; there are {lengths}.")
        return Pairs(named_x, named_y, numbers, dt, split or Split())

    @property
    def identities(self) -> list[str]:
        """What each pair is, whatever its place and whichever of its fields a network names."""
        return identities_of(self.x or self.y, self.parameters, len(next(iter(self.y.values()))))

    def bind(self, names: Names, horizon: int) -> PairSamples:
        self.refuse_more(names, horizon)
        return PairSamples(self, names)

    def refuse_more(self, names: Names, horizon: int) -> None:
        if horizon != 1 or names.history != 1:
            raise EngineError(
                f"Pairs hold one step; targets of {horizon} steps after a history of {names.history} frames need "
                f"trajectories. Take OneStep() or Noise(...), and history=1."
            )


def identities_of(fields: Mapping[str, np.ndarray], numbers: Mapping[str, np.ndarray], count: int) -> list[str]:
    told = {name: np.asarray(values, dtype=np.float64) for name, values in numbers.items()}
    told |= {name: np.asarray(values, dtype=np.float32) for name, values in fields.items()}
    return [fingerprint({name: values[i] for name, values in told.items()}) for i in range(count)]


class PairSamples:
    """Pairs for one network."""

    def __init__(self, pairs: Pairs, names: Names):
        for wanted, given in ((names.fields, pairs.x), (names.outputs, pairs.y), (names.parameters, pairs.parameters)):
            if missing := [name for name in wanted if name not in given]:
                raise EngineError(
                    f"The network speaks of {', '.join(missing)}; these pairs have {', '.join(given) or 'none'} there. "
                    f"Name the arrays as the network does: Pairs.from_arrays({{'u': ...}}, {{'u': ...}})."
                )
        self.pairs, self.names, self.dt = pairs, names, pairs.dt
        self.x = {name: np.ascontiguousarray(pairs.x[name], dtype=np.float32) for name in names.fields}
        self.y = {name: np.ascontiguousarray(pairs.y[name], dtype=np.float32) for name in names.outputs}
        self.numbers = {name: np.asarray(pairs.parameters[name], dtype=np.float64) for name in names.parameters}
        both = {f"in {name}": a for name, a in self.x.items()} | {f"out {name}": a for name, a in self.y.items()}
        for name, array in both.items():
            broken = np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(axis=1))
            if len(broken):
                more = f", as have {len(broken) - 1} others" * (len(broken) > 1)
                raise EngineError(
                    f"Pair {broken[0]} ({name}) has values that are not finite{more}. Leave it out or make it anew."
                )
        self.grid = grid_of({name: array.shape for name, array in (self.x or self.y).items()}, names)
        count = len(next(iter(self.y.values())))
        self.keys = identities_of(self.x or self.y, self.numbers, count)
        self.whole = fingerprint(both | self.numbers)
        self.parts = pairs.split.assign(pairs.identities, pairs.parameters)

    @property
    def cut(self) -> dict[str, Any]:
        return {"split": spell(self.pairs.split)}

    @property
    def hash(self) -> str:
        return hashlib.sha256(json.dumps([self.whole, self.dt, self.parts]).encode()).hexdigest()

    @property
    def parameters(self) -> Mapping[str, np.ndarray]:
        return self.pairs.parameters

    def count(self, part: str) -> int:
        return len(self.parts[part])

    def window(self, part: str, picks: Sequence[int]) -> Window:
        places = [self.parts[part][pick] for pick in picks]
        return Window(
            {name: torch.from_numpy(array[places]) for name, array in self.x.items()},
            ({name: torch.from_numpy(array[places]) for name, array in self.y.items()},),
            {name: column(array[places].tolist()) for name, array in self.numbers.items()},
            column([self.dt] * len(places)),
        )

    def rollout(self, part: str, pick: int) -> Window:
        return self.window(part, [pick])

    def statistics(self) -> Statistics:
        names, train = self.names, self.parts["train"]

        def moments(table: Mapping[str, np.ndarray], which: Sequence[str]) -> Moments:
            found = Moments(names.width(which))
            columns = [table[n][train] if n in names.components else table[n][train][..., None] for n in which]
            if columns:
                found.add(np.concatenate(columns, axis=-1))
            return found

        outputs = moments(self.y, names.outputs)
        change = outputs
        if names.carries_forward:
            change = moments({name: self.y[name] - self.x[name] for name in names.outputs}, names.outputs)
        conditions = Moments(len(names.parameters))
        if names.parameters:
            conditions.add(np.stack([self.numbers[name][train] for name in names.parameters], axis=-1))
        inputs = moments(self.x, names.fields)
        return Statistics(*inputs.tensors(), *outputs.tensors(), change.tensors()[1], *conditions.tensors())
