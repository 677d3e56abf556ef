"""One output of a data set, and some of its frames, as trajectories of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scenegrad.surrogates.data.derived import Derived

__all__ = ["Part"]


@dataclass(frozen=True)
class Part(Derived):
    """numbers: of the frames that are kept."""

    probe: str
    numbers: range

    @property
    def probes(self) -> list[str]:
        return [self.probe]

    @property
    def hash(self) -> str:
        return f"{self.data.hash}/{self.probe}/{self.numbers}"

    def quantities(self, probe: str) -> list[str]:
        return list(self.data.quantities(probe))

    def times(self, probe: str) -> np.ndarray:
        return super().times(probe)[self.numbers.start : self.numbers.stop : self.numbers.step]

    def read(self, member: int, probe: str, quantity: str, frames: slice = slice(None)) -> np.ndarray:
        kept = self.numbers[frames]
        if kept.step < 0:
            return self.read(member, probe, quantity)[frames]
        return self.data.read(member, probe, quantity, slice(kept.start, kept.stop, kept.step))
