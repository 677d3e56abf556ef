"""What training asks of any kind of data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.operators.names import Names

__all__ = ["Data", "Pull", "Samples", "Window"]


@dataclass(frozen=True)
class Pull:
    """J^T w of the true map from inputs and parameters to the outputs after one step, in physical units.

    directions: w by output [batch, *grid(, component)]. bars: J^T w by input [batch, *grid(, component)] and by address
    of a parameter [batch].
    """

    directions: dict[str, Tensor]
    bars: dict[str, Tensor]


@dataclass(frozen=True)
class Window:
    """A batch of examples: fields at one time and at the next few, in physical units.

    inputs: [batch, *grid] or [batch, *grid, component]. targets: the outputs after 1, 2, ... steps. params: [batch].
    dt: length of one step [batch]. pulls: transposed derivatives of the first step, where the data have such.
    """

    inputs: dict[str, Tensor]
    targets: tuple[dict[str, Tensor], ...]
    params: dict[str, Tensor]
    dt: Tensor
    pulls: tuple[Pull, ...] = ()

    def to(self, device: str) -> Window:
        def move(values: dict[str, Tensor]) -> dict[str, Tensor]:
            return {name: value.to(device, non_blocking=True) for name, value in values.items()}

        pulls = tuple(Pull(move(pull.directions), move(pull.bars)) for pull in self.pulls)
        return Window(move(self.inputs), tuple(map(move, self.targets)), move(self.params), self.dt.to(device), pulls)


class Samples(Protocol):
    """Examples for one network, split into parts."""

    names: Names
    dt: float  # length of a step [time]
    grid: tuple[int, ...]
    parts: dict[str, list[int]]  # trajectories of each part
    keys: list[str]  # what each trajectory is, whatever its place

    @property
    def parameters(self) -> Mapping[str, np.ndarray]: ...  # what each trajectory drew, by address

    @property
    def cut(self) -> dict[str, Any]: ...  # how the data were cut, as plain tables

    @property
    def hash(self) -> str: ...  # of the data and of how it is cut

    def count(self, part: str) -> int: ...

    def window(self, part: str, picks: Sequence[int]) -> Window: ...

    def rollout(self, part: str, pick: int) -> Window: ...  # one whole trajectory

    def statistics(self) -> Statistics: ...  # of the training part alone


class Data(Protocol):
    def bind(self, names: Names, horizon: int) -> Samples:
        """Examples with these fields, outputs and parameters, and targets after 1 ... horizon steps."""
        ...


def column(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)
