"""Which trajectories train a network, which choose it and which judge it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from scenegrad.engine.errors import EngineError

__all__ = ["PARTS", "SPLITS", "AnySplit", "Split", "SplitByParameter", "SplitByPlace", "beyond", "fingerprint"]

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

    def assign(self, keys: Sequence[str], parameters: Mapping[str, np.ndarray]) -> dict[str, list[int]]:
        """Positions in `keys` of each part; a part that is asked for has at least one trajectory.

        parameters: by address, one value for each of the keys.
        """
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


@dataclass(frozen=True)
class SplitByParameter:
    """Trajectories whose parameter lies in [low, high] are split as `then` says; the others are the part "ood".

    Nothing out of the distribution is trained on or scales a network, so the part tells what a network knows beyond
    its data. A box has one such split for each of its sides: then=SplitByParameter(...).
    """

    address: str
    low: float | None = None
    high: float | None = None
    then: Split | SplitByParameter = field(default_factory=Split)

    def __post_init__(self) -> None:
        ends = (self.low, self.high)
        if ends == (None, None) or (None not in ends and not self.low < self.high):  # type: ignore[operator]
            raise EngineError(
                f"SplitByParameter({self.address!r}) got low={self.low} and high={self.high}; it needs one of them, "
                f"and low < high."
            )

    def assign(self, keys: Sequence[str], parameters: Mapping[str, np.ndarray]) -> dict[str, list[int]]:
        """Positions in `keys` of each part."""
        if self.address not in parameters:
            raise EngineError(
                f"The split is by {self.address}, which these trajectories do not record; they record "
                f"{', '.join(parameters) or 'none'}. Let the scene vary it, or split by another."
            )
        values = np.asarray(parameters[self.address], dtype=np.float64)
        if values.ndim != 1:
            raise EngineError(
                f"The split is by {self.address}, which has shape {values.shape[1:]}; it takes one number."
            )
        low, high = (-np.inf if self.low is None else self.low), (np.inf if self.high is None else self.high)
        within = np.flatnonzero((values >= low) & (values <= high)).tolist()
        ood = sorted(set(range(len(keys))) - set(within))
        if not (within and ood):
            raise EngineError(
                f"All {len(keys)} trajectories have {self.address} {'within' if within else 'out of'} "
                f"[{low:g}, {high:g}]: it is from {values.min():g} to {values.max():g}. Choose bounds that lie between."
            )
        inner = self.then.assign([keys[i] for i in within], {a: np.asarray(v)[within] for a, v in parameters.items()})
        parts = {part: [within[i] for i in places] for part, places in inner.items()}
        return parts | {"ood": sorted([*parts.get("ood", []), *ood])}


@dataclass(frozen=True)
class SplitByPlace:
    """Trajectories told by their place, as published splits are; those that are not told train."""

    validation: tuple[int, ...] = ()
    test: tuple[int, ...] = ()

    def assign(self, keys: Sequence[str], parameters: Mapping[str, np.ndarray]) -> dict[str, list[int]]:
        """Positions in `keys` of each part."""
        told = (*self.validation, *self.test)
        if beyond := [place for place in told if not 0 <= place < len(keys)]:
            raise EngineError(f"SplitByPlace got {beyond[:5]}; there are the places 0 to {len(keys) - 1}.")
        train = sorted(set(range(len(keys))) - set(told))
        if len(set(told)) != len(told) or not train:
            raise EngineError("SplitByPlace needs some trajectories to train on, and each of the others in one part.")
        return {"train": train, "validation": list(self.validation), "test": list(self.test)}


def beyond(split: AnySplit, parameters: Mapping[str, np.ndarray]) -> set[int]:
    """Positions of the trajectories that lie outside of the bounds of a split, if it has any."""
    outside: set[int] = set()
    while isinstance(split, SplitByParameter):
        values = np.asarray(parameters[split.address], dtype=np.float64) if split.address in parameters else np.zeros(0)
        low, high = (end if end is not None else far for end, far in ((split.low, -np.inf), (split.high, np.inf)))
        outside |= set(np.flatnonzero((values < low) | (values > high)).tolist())
        split = split.then
    return outside


AnySplit = Split | SplitByParameter | SplitByPlace
SPLITS = (Split, SplitByParameter, SplitByPlace)
