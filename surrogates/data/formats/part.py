"""One output of a data set, and some of its frames, as trajectories of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scenegrad.surrogates.data.trajectories import Trajectories, identities

__all__ = ["Part"]


@dataclass(frozen=True)
class Part:
    """numbers: of the frames that are kept."""

    data: Trajectories
    probe: str
    numbers: range

    @property
    def members(self) -> list[int]:
        return list(self.data.members)

    @property
    def probes(self) -> list[str]:
        return [self.probe]

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        return self.data.parameters

    @property
    def hash(self) -> str:
        return f"{self.data.hash}/{self.probe}/{self.numbers}"

    @property
    def identities(self) -> list[str]:
        """Those of the whole, so that a split of some outputs or frames is that of all."""
        return identities(self.data)

    def quantities(self, probe: str) -> list[str]:
        return list(self.data.quantities(probe))

    def times(self, probe: str) -> np.ndarray:
        return np.asarray(self.data.times(probe))[self.numbers.start : self.numbers.stop : self.numbers.step]

    def read(self, member: int, probe: str, quantity: str, frames: slice = slice(None)) -> np.ndarray:
        kept = self.numbers[frames]
        if kept.step < 0:
            return self.read(member, probe, quantity)[frames]
        return self.data.read(member, probe, quantity, slice(kept.start, kept.stop, kept.step))
