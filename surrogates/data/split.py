"""Which trajectories train a network, which choose it and which judge it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scenegrad.engine.errors import EngineError

__all__ = ["PARTS", "Split", "fingerprint"]

PARTS = ("train", "validation", "test")


def fingerprint(values: Mapping[str, np.ndarray]) -> str:
    """sha256 of named arrays: the same content has the same name wherever it lies."""
    digest = hashlib.sha256()
    for name in sorted(values):
        array = np.ascontiguousarray(values[name])
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Split:
    """Fractions of the trajectories kept from training. What a trajectory is decides its part, not where it lies.

    Trajectories are ranked by the hash of their parameters and first frame; equal ones go to the same part.
    """

    validation: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        if not (self.validation >= 0.0 and self.test >= 0.0 and self.validation + self.test < 1.0):
            raise EngineError(
                f"Split got validation={self.validation} and test={self.test}; these fractions are not negative and "
                f"leave something to train on, such as 0.1 and 0.1."
            )

    def assign(self, keys: Sequence[str]) -> dict[str, list[int]]:
        """Positions in `keys` of each part; a part that is asked for has at least one trajectory."""
        ranked = sorted(set(keys))
        counts = [max(1, round(f * len(ranked))) if f else 0 for f in (self.test, self.validation)]
        if sum(counts) >= len(ranked):
            raise EngineError(
                f"{len(ranked)} different trajectories cannot be split into training, {self.validation:.0%} validation "
                f"and {self.test:.0%} test. Generate more, or keep less from training."
            )
        test, validation = set(ranked[: counts[0]]), set(ranked[counts[0] : sum(counts)])
        part = ["test" if key in test else "validation" if key in validation else "train" for key in keys]
        return {name: [i for i, p in enumerate(part) if p == name] for name in PARTS}
