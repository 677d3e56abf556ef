"""Trajectories that are those of others, told otherwise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from scenegrad.surrogates.data.trajectories import Trajectories, identities

__all__ = ["Derived"]


@dataclass(frozen=True)
class Derived(ABC):
    """Whose they are, what is missing, and what each is, is as in `data`: a split of these is that of the others, and
    whoever is shown other frames or fields is judged on the same trajectories."""

    data: Trajectories

    @property
    @abstractmethod
    def hash(self) -> str: ...

    @property
    @abstractmethod
    def probes(self) -> Sequence[str]: ...

    @abstractmethod
    def quantities(self, probe: str) -> Iterable[str]: ...

    @abstractmethod
    def read(self, member: int, probe: str, quantity: str, frames: slice = slice(None)) -> np.ndarray: ...

    def times(self, probe: str) -> np.ndarray:
        return np.asarray(self.data.times(probe))

    @property
    def members(self) -> list[int]:
        return list(self.data.members)

    @property
    def missing(self) -> Sequence[int]:
        return getattr(self.data, "missing", ())

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        return self.data.parameters

    @property
    def identities(self) -> list[str]:
        return identities(self.data)
