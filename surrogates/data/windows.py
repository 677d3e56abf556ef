"""Windows cut from trajectories: fields now, and after a few strides."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.choices import choose, spell
from scenegrad.surrogates.data.samples import Window, column
from scenegrad.surrogates.data.split import SPLITS, AnySplit, Split, fingerprint
from scenegrad.surrogates.data.statistics import Moments, Statistics
from scenegrad.surrogates.operators.names import Names, earlier

__all__ = ["Trajectories", "WindowSamples", "Windows"]

MEMORY = 4 * 2**30  # [bytes] of frames kept at hand; beyond it they are read when they are needed


class Trajectories(Protocol):
    """An ensemble of simulations, as `generate` leaves it."""

    @property
    def members(self) -> Sequence[int]: ...

    @property
    def probes(self) -> Sequence[str]: ...

    @property
    def parameters(self) -> dict[str, np.ndarray]: ...  # by address, one row for each of `members`

    @property
    def hash(self) -> str: ...

    def read(
        self, member: int, probe: str, quantity: str, frames: slice = slice(None)
    ) -> np.ndarray: ...  # [frame, ...]

    def times(self, probe: str) -> np.ndarray: ...  # [frame]

    def quantities(self, probe: str) -> Iterable[str]: ...


@dataclass(frozen=True)
class Windows:
    """How trajectories are cut into examples.

    stride: frames between the input and the target, so that a learned step is stride times the interval of the output.
    probe: the output of the scene that holds the fields; it may be left out where only one of them does.
    first: frame before which nothing is used, such as a transient.
    """

    data: Trajectories
    stride: int = 1
    probe: str | None = None
    first: int = 0
    split: AnySplit = field(default_factory=Split)

    def __post_init__(self) -> None:
        if self.stride < 1 or self.first < 0:
            raise EngineError(
                f"Windows got stride={self.stride}, first={self.first}; a stride is a positive number of frames, and "
                f"the first frame is not negative."
            )

    def cut(self) -> dict[str, Any]:
        """All but the data, as plain tables, such as a recipe has."""
        return {"stride": self.stride, "probe": self.probe, "first": self.first, "split": spell(self.split)}

    @staticmethod
    def again(data: Trajectories, cut: Mapping[str, Any]) -> Windows:
        """Undoes `cut`; what is left out takes its default."""
        allowed = ("stride", "probe", "first", "split")
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
    """Windows for one network. An example is a trajectory and the frame at which its window begins."""

    def __init__(self, how: Windows, names: Names, horizon: int):
        self.how, self.names, self.horizon = how, names, horizon
        self.wanted = tuple(dict.fromkeys((*names.fields, *names.outputs)))
        refuse_unfinished(how.data)
        self.probe = probe_of(how, self.wanted)
        self.members = list(how.data.members)
        self.table = parameter_table(how.data, names.parameters)
        times = np.asarray(how.data.times(self.probe))
        self.dt = uniform_interval(times, self.probe) * how.stride
        self.first = how.first + (names.history - 1) * how.stride  # the earliest that has all its past
        self.starts = range(self.first, len(times) - horizon * how.stride)
        if len(self.starts) == 0:
            raise EngineError(
                f"Windows of {horizon} strides of {how.stride} frames after frame {self.first} do not fit into the "
                f"{len(times)} frames of {self.probe}. Take a shorter stride or history, or write frames more often."
            )
        self.kept: dict[tuple[int, str], np.ndarray] = {}
        firsts = [{name: self.read(place, name, slice(0, 1)) for name in self.wanted} for place in self.places]
        self.grid = grid_of(firsts[0], names)
        self.refuse_odd(firsts)
        self.fits = sum(a.nbytes for first in firsts for a in first.values()) * len(times) <= MEMORY
        self.keys = [fingerprint(self.row(place) | first) for place, first in zip(self.places, firsts, strict=True)]
        self.parts = how.split.assign(self.keys, how.data.parameters)

    def refuse_odd(self, firsts: Sequence[Mapping[str, np.ndarray]]) -> None:
        for place, first in zip(self.places, firsts, strict=True):
            for name, array in first.items():
                if array.shape != (shape := firsts[0][name].shape):
                    raise EngineError(
                        f"A frame of {name} of member {self.members[place]} has shape {array.shape[1:]}, that of "
                        f"member {self.members[0]} {shape[1:]}. A batch needs one shape: keep those together."
                    )

    @property
    def cut(self) -> dict[str, Any]:
        return self.how.cut()

    @property
    def places(self) -> range:
        """Positions of the members in the tables of the data."""
        return range(len(self.members))

    def row(self, place: int) -> dict[str, np.ndarray]:
        return {address: np.asarray(values)[place] for address, values in self.how.data.parameters.items()}

    @property
    def hash(self) -> str:
        cut = [self.how.data.hash, self.probe, self.how.stride, self.how.first, self.horizon, self.wanted]
        # What the trajectories are, too: an ensemble that grew is made by the same rule, but holds others.
        plain = json.dumps([*cut, self.names.parameters, self.names.history, self.keys, self.parts])
        return hashlib.sha256(plain.encode()).hexdigest()

    def count(self, part: str) -> int:
        return len(self.parts[part]) * len(self.starts)

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

    def frame(self, place: int, name: str, index: int) -> Tensor:
        if self.fits:
            return torch.from_numpy(self.trajectory(place, name)[index])
        alone = self.read(place, name, slice(index, index + 1))
        self.refuse_broken(place, name, alone)
        return torch.from_numpy(alone[0])

    def window(self, part: str, picks: Sequence[int]) -> Window:
        drawn = [(self.parts[part][pick // len(self.starts)], self.starts[pick % len(self.starts)]) for pick in picks]

        def gather(name: str, step: int) -> Tensor:
            return torch.stack([self.frame(place, name, start + step * self.how.stride) for place, start in drawn])

        return Window(
            {name: gather(*frame) for name, frame in self.framed().items()},
            tuple({n: gather(n, step) for n in self.names.outputs} for step in range(1, self.horizon + 1)),
            {address: column([float(self.table[address][place]) for place, _ in drawn]) for address in self.table},
            column([self.dt] * len(drawn)),
        )

    def framed(self) -> dict[str, tuple[str, int]]:
        """Of which field each input is a frame, and how many strides from now."""
        now = {name: (name, 0) for name in self.names.fields}
        past = range(1, self.names.history)
        return now | {earlier(name, steps): (name, -steps) for name in self.names.recalled for steps in past}

    def rollout(self, part: str, pick: int) -> Window:
        """One whole trajectory of a part, from the first frame that has its past, in steps of a stride."""
        place = self.parts[part][pick]
        steps = range(self.first + self.how.stride, len(self.trajectory(place, self.wanted[0])), self.how.stride)
        whole = {name: torch.from_numpy(self.trajectory(place, name)) for name in self.wanted}
        return Window(
            {n: whole[field][self.first + step * self.how.stride][None] for n, (field, step) in self.framed().items()},
            tuple({name: whole[name][index][None] for name in self.names.outputs} for index in steps),
            {address: column([float(self.table[address][place])]) for address in self.table},
            column([self.dt]),
        )

    def statistics(self) -> Statistics:
        names, train, stride = self.names, self.parts["train"], self.how.stride
        inputs, outputs = Moments(names.width(names.fields)), Moments(names.width(names.outputs))
        change = Moments(names.width(names.outputs))

        def channels(place: int, which: Sequence[str]) -> np.ndarray:
            parts = [self.trajectory(place, name)[self.how.first :] for name in which]
            pairs = zip(which, parts, strict=True)
            return np.concatenate([p if name in names.components else p[..., None] for name, p in pairs], axis=-1)

        for place in train:
            if names.fields:
                inputs.add(channels(place, names.fields))
            given = channels(place, names.outputs)
            outputs.add(given)
            change.add(given[stride:] - given[:-stride])
        conditions = Moments(len(names.parameters))
        if names.parameters:
            conditions.add(np.stack([np.asarray(self.table[address])[train] for address in names.parameters], axis=-1))
        mean, std = (names.spread(found) for found in inputs.tensors())
        return Statistics(mean, std, *outputs.tensors(), change.tensors()[1], *conditions.tensors())


def refuse_unfinished(data: Trajectories) -> None:
    """An ensemble of which members are still to come: what is trained on it could not be made again."""
    if missing := list(getattr(data, "missing", ())):
        listed = ", ".join(map(str, missing[:5])) + (" ..." if len(missing) > 5 else "")
        raise EngineError(
            f"{getattr(data, 'path', 'This dataset')} is not finished: {len(missing)} members are missing ({listed}). "
            f"Run generate again with the same arguments: it makes those, and only those."
        )


def probe_of(how: Windows, wanted: Sequence[str]) -> str:
    """The output that was asked for, or the only one that recorded all the fields."""
    recorded = {probe: list(how.data.quantities(probe)) for probe in how.data.probes}
    fitting = [probe for probe, quantities in recorded.items() if set(wanted) <= set(quantities)]
    if how.probe in fitting or (how.probe is None and len(fitting) == 1):
        return how.probe or fitting[0]
    listed = "; ".join(f"{probe}: {', '.join(quantities)}" for probe, quantities in recorded.items())
    asked = f"of probe={how.probe!r}" if how.probe else "and no probe" if fitting else "of these trajectories"
    raise EngineError(f"Windows got the fields {', '.join(wanted)} {asked}. What was recorded: {listed}.")


def parameter_table(data: Trajectories, addresses: Sequence[str]) -> dict[str, np.ndarray]:
    known = data.parameters
    if missing := [address for address in addresses if address not in known]:
        raise EngineError(
            f"The network conditions on {', '.join(missing)}, which these trajectories do not record; they record "
            f"{', '.join(known) or 'none'}. Let the scene vary it, or leave it out of the network's parameters."
        )
    return {address: np.asarray(known[address], dtype=np.float64) for address in addresses}


def uniform_interval(times: np.ndarray, probe: str) -> float:
    steps = np.diff(times)
    if len(steps) == 0 or np.ptp(steps) > 1e-6 * steps.mean():
        raise EngineError(f"The frames of {probe} are not evenly spaced in time: {times[:4].tolist()} ...")
    return float((times[-1] - times[0]) / len(steps))


def grid_of(frames: dict[str, np.ndarray], names: Names) -> tuple[int, ...]:
    """Points along each axis, the same for every field."""
    grids = {name: array.shape[1:-1] if name in names.components else array.shape[1:] for name, array in frames.items()}
    if len(set(grids.values())) != 1:
        raise EngineError(
            f"The fields do not share a grid: {grids}. A vector [*grid, component] needs components={{name: dim}}."
        )
    for name, size in names.components.items():
        if name in frames and frames[name].shape[-1] != size:
            raise EngineError(
                f"The network takes {name} to have {size} components; in the data it has {frames[name].shape[-1]}. "
                f"Build it with components={{{name!r}: {frames[name].shape[-1]}}}."
            )
    return next(iter(grids.values()))
