"""Windows cut from trajectories: fields now, and after a few strides."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.choices import choose, spell
from scenegrad.surrogates.data.samples import Window, column
from scenegrad.surrogates.data.split import SPLITS, AnySplit, Split, fingerprint
from scenegrad.surrogates.data.statistics import Moments, Statistics, growth
from scenegrad.surrogates.data.trajectories import (
    Trajectories,
    grid_of,
    identities,
    once,
    parameter_table,
    probe_of,
    refuse_unfinished,
    uniform_interval,
)
from scenegrad.surrogates.operators.names import Names, earlier

__all__ = ["Trajectories", "WindowSamples", "Windows"]

MEMORY = 4 * 2**30  # [bytes] of frames kept at hand; beyond it they are read when they are needed


@dataclass(frozen=True)
class Windows:
    """How trajectories are cut into examples.

    stride: frames between the input and the target, so that a learned step is stride times the interval of the output.
    leads: how many strides ahead the targets lie, rising; with several, such as (1, 2, 4), a network learns steps of
    several lengths, each example its own, which it is told as dt [Herde et al. 2024, arXiv:2405.19101, all to all]. The
    step of the data is the shortest.
    probe: the output of the scene that holds the fields; it may be left out where only one of them does.
    first: frame before which nothing is used, such as a transient.
    """

    data: Trajectories
    stride: int = 1
    probe: str | None = None
    first: int = 0
    split: AnySplit = field(default_factory=Split)
    leads: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "leads", tuple(self.leads))
        if self.stride < 1 or self.first < 0:
            raise EngineError(
                f"Windows got stride={self.stride}, first={self.first}; a stride is a positive number of frames, and "
                f"the first frame is not negative."
            )
        if list(self.leads) != sorted(set(self.leads)) or min(self.leads, default=0) < 1:
            raise EngineError(
                f"Windows got leads={self.leads}; they are positive numbers of strides that rise, such as (1, 2, 4)."
            )

    def cut(self) -> dict[str, Any]:
        """All but the data, as plain tables, such as a recipe has."""
        numbers = {"stride": self.stride, "leads": list(self.leads), "first": self.first}
        return {**numbers, "probe": self.probe, "split": spell(self.split)}

    @staticmethod
    def again(data: Trajectories, cut: Mapping[str, Any]) -> Windows:
        """Undoes `cut`; what is left out takes its default."""
        allowed = ("stride", "leads", "probe", "first", "split")
        if strangers := [name for name in cut if name not in allowed]:
            raise EngineError(f"Windows got {', '.join(strangers)}; they take {', '.join(allowed)}.")
        table = dict(cut)
        if "split" in table:
            table["split"] = choose({"kind": "split", **table["split"]}, SPLITS, "split")
        return Windows(data, **table)

    def bind(self, names: Names, horizon: int) -> WindowSamples:
        """Examples for a network with these names, with targets after 1 ... horizon strides."""
        return WindowSamples(self, names, horizon)


class WindowSamples:
    """Windows for one network. An example is a trajectory, the frame at which its window begins, and its lead."""

    def __init__(self, how: Windows, names: Names, horizon: int):
        self.how, self.names, self.horizon = how, names, horizon
        self.wanted = tuple(dict.fromkeys((*names.fields, *names.outputs)))
        refuse_unfinished(how.data)
        self.probe = probe_of(how.data, how.probe, self.wanted)
        self.members = list(how.data.members)
        self.table = parameter_table(how.data, names.parameters)
        times = np.asarray(how.data.times(self.probe))
        self.step = how.stride * how.leads[0]  # frames
        self.dt = uniform_interval(times, self.probe) * self.step
        self.first = how.first + (names.history - 1) * self.step  # the earliest that has all its past
        self.examples = [one for lead in how.leads for one in self.starts(lead, len(times))]
        self.kept: dict[tuple[int, str], np.ndarray] = {}
        self.keys, shapes = once(how.data, (self.probe, self.wanted), self.look)
        self.grid = grid_of(shapes[0], names)
        self.refuse_odd(shapes)
        self.fits = 4 * sum(math.prod(s) for one in shapes for s in one.values()) * len(times) <= MEMORY
        self.parts = how.split.assign(identities(how.data), how.data.parameters)

    def look(self) -> tuple[list[str], list[dict[str, tuple[int, ...]]]]:
        """What each trajectory is to this network, and the shapes of a frame of its fields."""
        keys, shapes = [], []
        for place in self.places:
            first = {name: self.read(place, name, slice(0, 1)) for name in self.wanted}
            keys.append(fingerprint(self.row(place) | first))
            shapes.append({name: array.shape for name, array in first.items()})
        return keys, shapes

    def starts(self, lead: int, frames: int) -> list[tuple[int, int]]:
        """Where windows of this lead begin, and how many frames each of their steps has."""
        step = lead * self.how.stride
        first = self.how.first + (self.names.history - 1) * step
        found = [(start, step) for start in range(first, frames - self.horizon * step)]
        if not found:
            raise EngineError(
                f"Windows of {self.horizon} strides of {step} frames after frame {first} do not fit into the "
                f"{frames} frames of {self.probe}. Take a shorter stride, lead or history, or write frames more often."
            )
        return found

    def refuse_odd(self, shapes: Sequence[Mapping[str, tuple[int, ...]]]) -> None:
        for place, found in zip(self.places, shapes, strict=True):
            for name, shape in found.items():
                if shape != (first := shapes[0][name]):
                    raise EngineError(
                        f"A frame of {name} of member {self.members[place]} has shape {shape[1:]}, that of "
                        f"member {self.members[0]} {first[1:]}. A batch needs one shape: keep those together."
                    )

    @property
    def cut(self) -> dict[str, Any]:
        return self.how.cut()

    @property
    def parameters(self) -> Mapping[str, np.ndarray]:
        return self.how.data.parameters

    @property
    def places(self) -> range:
        """Positions of the members in the tables of the data."""
        return range(len(self.members))

    def row(self, place: int) -> dict[str, np.ndarray]:
        return {address: np.asarray(values)[place] for address, values in self.how.data.parameters.items()}

    @property
    def hash(self) -> str:
        how = self.how
        cut = [how.data.hash, self.probe, how.stride, how.leads, how.first, self.horizon, self.wanted]
        # What the trajectories are, too: an ensemble that grew is made by the same rule, but holds others.
        plain = json.dumps([*cut, self.names.parameters, self.names.history, self.keys, self.parts])
        return hashlib.sha256(plain.encode()).hexdigest()

    def count(self, part: str) -> int:
        return len(self.parts[part]) * len(self.examples)

    def read(self, place: int, name: str, frames: slice) -> np.ndarray:
        read = self.how.data.read(self.members[place], self.probe, name, frames)
        return np.ascontiguousarray(read, dtype=np.float32)

    def trajectory(self, place: int, name: str) -> np.ndarray:
        """All frames of one field [frame, *grid(, component)]; kept in memory where all trajectories fit into it."""
        if (place, name) in self.kept:
            return self.kept[place, name]
        whole = self.read(place, name, slice(None))
        self.refuse_broken(place, name, whole)
        if self.fits:
            self.kept[place, name] = whole
        return whole

    def refuse_broken(self, place: int, name: str, values: np.ndarray) -> None:
        if not np.isfinite(values).all():
            raise EngineError(
                f"{name} of member {self.members[place]} has values that are not finite. Leave it out or make it anew."
            )

    def stretch(self, place: int, name: str, start: int, step: int) -> np.ndarray:
        """The frames of one field that a window takes: of outputs its past, its now and its targets, else its now."""
        past, ahead = (self.names.history - 1, self.horizon) if name in self.names.outputs else (0, 0)
        frames = slice(start - past * step, start + ahead * step + 1, step)
        if self.fits:
            return self.trajectory(place, name)[frames]
        alone = self.read(place, name, frames)
        self.refuse_broken(place, name, alone)
        return alone

    def window(self, part: str, picks: Sequence[int]) -> Window:
        count = len(self.examples)
        drawn = [(self.parts[part][pick // count], *self.examples[pick % count]) for pick in picks]
        frames = {
            name: [self.stretch(place, name, start, step) for place, start, step in drawn] for name in self.wanted
        }

        def gather(name: str, steps: int) -> Tensor:
            now = self.names.history - 1 if name in self.names.outputs else 0
            return torch.from_numpy(np.stack([these[now + steps] for these in frames[name]]))

        return Window(
            {name: gather(*frame) for name, frame in self.framed().items()},
            tuple({n: gather(n, step) for n in self.names.outputs} for step in range(1, self.horizon + 1)),
            {address: column([float(self.table[address][place]) for place, *_ in drawn]) for address in self.table},
            column([self.dt * (step / self.step) for *_, step in drawn]),
        )

    def framed(self) -> dict[str, tuple[str, int]]:
        """Of which field each input is a frame, and how many steps from now."""
        now = {name: (name, 0) for name in self.names.fields}
        past = range(1, self.names.history)
        return now | {earlier(name, steps): (name, -steps) for name in self.names.recalled for steps in past}

    def rollout(self, part: str, pick: int) -> Window:
        """One whole trajectory of a part, from the first frame that has its past, in the shortest steps."""
        place = self.parts[part][pick]
        steps = range(self.first + self.step, len(self.trajectory(place, self.wanted[0])), self.step)
        whole = {name: torch.from_numpy(self.trajectory(place, name)) for name in self.wanted}
        return Window(
            {n: whole[field][self.first + ago * self.step][None] for n, (field, ago) in self.framed().items()},
            tuple({name: whole[name][index][None] for name in self.names.outputs} for index in steps),
            {address: column([float(self.table[address][place])]) for address in self.table},
            column([self.dt]),
        )

    def statistics(self) -> Statistics:
        names, train, leads = self.names, self.parts["train"], self.how.leads
        inputs, outputs = Moments(names.width(names.fields)), Moments(names.width(names.outputs))
        changes = {lead: Moments(names.width(names.outputs)) for lead in leads}
        turn = Moments(names.width(names.outputs))

        def channels(place: int, which: Sequence[str]) -> np.ndarray:
            parts = [self.trajectory(place, name)[self.how.first :] for name in which]
            pairs = zip(which, parts, strict=True)
            return np.concatenate([p if name in names.components else p[..., None] for name, p in pairs], axis=-1)

        for place in train:
            if names.fields:
                inputs.add(channels(place, names.fields))
            given = channels(place, names.outputs)
            outputs.add(given)
            for lead, change in changes.items():
                frames = lead * self.how.stride
                change.add(given[frames:] - given[:-frames])
            steps = given[self.step :] - given[: -self.step]
            if len(steps) > self.step:
                turn.add(steps[self.step :] - steps[: -self.step])
        conditions = Moments(len(names.parameters))
        if names.parameters:
            conditions.add(np.stack([np.asarray(self.table[address])[train] for address in names.parameters], axis=-1))
        mean, std = (names.spread(found) for found in inputs.tensors())
        spreads = {lead / leads[0]: change.tensors()[1] for lead, change in changes.items()}
        return Statistics(
            *(mean, std, *outputs.tensors(), spreads[1.0], *conditions.tensors()),
            output_growth=growth(spreads),
            step_range=torch.tensor([1.0, leads[-1] / leads[0]]),
            output_turn=turn.size() if turn.count else None,
        )
