"""From a series of numbers to one number for each member: what an objective is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from scenegrad.engine.errors import EngineError

__all__ = ["Average", "Final", "Greatest", "Reduction", "series_of"]


class Reduction(Protocol):
    """series: "cost.misfit", the output and its quantity; of vectors with the entry, "force.force.0"."""

    @property
    def series(self) -> str: ...

    @property
    def name(self) -> str: ...  # what the number is called in files

    def __call__(self, values: Tensor) -> Tensor:
        """[batch, frame] to [batch]"""
        ...


@dataclass(frozen=True)
class Average:
    """The mean over the frames from `first` on."""

    series: str
    first: int = 0

    @property
    def name(self) -> str:
        return f"{self.series} from {self.first}" if self.first else self.series

    def __call__(self, values: Tensor) -> Tensor:
        return values[:, self.first :].mean(dim=1)


@dataclass(frozen=True)
class Final:
    """The last frame."""

    series: str

    @property
    def name(self) -> str:
        return f"final {self.series}"

    def __call__(self, values: Tensor) -> Tensor:
        return values[:, -1]


@dataclass(frozen=True)
class Greatest:
    """The largest of the frames; its derivative is that of the frame which it is."""

    series: str

    @property
    def name(self) -> str:
        return f"greatest {self.series}"

    def __call__(self, values: Tensor) -> Tensor:
        return values.amax(dim=1)


def series_of(outputs: Mapping[str, Any], keys: Mapping[str, list[str]]) -> dict[str, Tensor]:
    """Every series of numbers in the outputs of a rollout, by name [batch, frame]; vectors entry by entry.

    keys: the quantities of each output, in the order in which it measures them.
    """
    found: dict[str, Tensor] = {}
    for output, measured in outputs.items():
        table = measured if isinstance(measured, Mapping) else {keys[output][0]: measured}
        for key, values in table.items():
            if values.ndim == 2:
                found[f"{output}.{key}"] = values
            elif values.ndim == 3:
                found |= {f"{output}.{key}.{entry}": values[..., entry] for entry in range(values.shape[2])}
    return found


def picked(series: Mapping[str, Tensor], reduction: Reduction) -> Tensor:
    if reduction.series not in series:
        raise EngineError(
            f"There is no series {reduction.series!r} to make {reduction.name!r} of; there are: "
            f"{', '.join(series) or 'none'}."
        )
    return reduction(series[reduction.series])
