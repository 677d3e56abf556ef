"""Some frames of one output of a run or of a member, as writers take them: read a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.recorded import Output
from scenegrad.engine.solver import Elements, Layout

__all__ = ["Frame", "Recording", "chosen_frames", "family"]

BLOCK = 1 << 26  # [bytes] of one quantity that are read at once

FAMILIES = {"grid": "fields on a grid", "points": "particles", "atoms": "atoms", "series": "numbers over time"}


@dataclass(frozen=True)
class Frame:
    """One moment. number: its place among the frames of the output. step: accepted steps before it."""

    number: int
    time: float
    step: int
    values: dict[str, np.ndarray]


@dataclass(frozen=True)
class Recording:
    """An output and which of its frames are meant."""

    output: Output
    numbers: range

    @property
    def name(self) -> str:
        return self.output.name

    @property
    def kind(self) -> str:
        return self.output.kind

    @cached_property
    def layout(self) -> Layout:
        return self.output.layout

    @property
    def dim(self) -> int:
        """Of the space that the samples lie in."""
        if self.kind == "grid":
            return len(self.layout.cells)  # type: ignore[union-attr]
        return int(self.output.quantities["position"].shape[-1])

    @property
    def units(self) -> dict[str, str]:
        return {key: quantity.units for key, quantity in self.output.quantities.items()}

    @property
    def times(self) -> np.ndarray:
        return self.output.time[self.numbers.start : self.numbers.stop : self.numbers.step]

    @property
    def words(self) -> str:
        """What it is, for a message."""
        meshes = self.kind == "points" and isinstance(self.layout, Elements)
        return f"{self.name} ({'a mesh' if meshes else family(self.kind)})"

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Frame]:
        quantities = self.output.quantities
        largest = max((np.prod(q.shape[1:]) * q.dtype.itemsize for q in quantities.values()), default=1)
        size = max(int(BLOCK // max(largest, 1)), 1)
        for begin in range(0, len(self.numbers), size):
            part = self.numbers[begin : begin + size]
            read = {key: quantity.read(part.start, part.stop, part.step) for key, quantity in quantities.items()}
            for place, number in enumerate(part):
                values = {key: block[place] for key, block in read.items()}
                yield Frame(number, float(self.output.time[number]), int(self.output.steps[number]), values)

    def whole(self, key: str) -> np.ndarray:
        """One quantity of all frames [frame, ...]."""
        return self.output.quantities[key].read(self.numbers.start, self.numbers.stop, self.numbers.step)


def family(kind: str) -> str:
    """What a kind of output is called in words."""
    return FAMILIES[kind]


def chosen_frames(asked: Any, count: int) -> range:
    """Which of `count` frames are meant by None, a number, a slice, or the text of one: "10", "-1", "0:100:10"."""
    if asked is None:
        return range(count)
    meant = asked
    if isinstance(asked, str):
        try:
            parts = [int(part) if part.strip() else None for part in asked.split(":")]
            meant = parts[0] if len(parts) == 1 and parts[0] is not None else slice(*parts)
        except (ValueError, TypeError):
            meant = None
    if isinstance(meant, int):
        meant = slice(meant, meant + 1 or None) if -count <= meant < count else slice(0, 0)
    if not isinstance(meant, slice) or (meant.step or 1) < 1:
        raise FileError(
            f"frames={asked!r} tells none of {count} frames. Give a number such as 0 or -1, or begin:end:step such as "
            f"0:100:10, with the end left out of it and a positive step."
        )
    if not (found := range(count)[meant]):
        raise FileError(f"frames={asked!r} tells none of {count} frames, which count from 0 to {count - 1}.")
    return found
