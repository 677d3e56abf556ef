"""Windows of trajectories with the transposed derivatives of their steps, as an ensemble stored them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.samples import Pull, Window
from scenegrad.surrogates.data.windows import MEMORY, Windows, WindowSamples
from scenegrad.surrogates.operators.names import Names

__all__ = ["AdjointSamples", "WithAdjoints"]


@dataclass(frozen=True)
class WithAdjoints:
    """Windows of an ensemble that was generated with adjoints=Adjoints(output): steps from one frame to the next, each
    with J^T w for one random w or several. Train on them with WithGradients()."""

    windows: Windows

    def __post_init__(self) -> None:
        if self.windows.stride != 1 or tuple(self.windows.leads) != (1,):
            raise EngineError(
                f"The adjoints of an ensemble are those of steps from one frame to the next; got stride="
                f"{self.windows.stride}, leads={self.windows.leads}. Let the output be written as often as the network "
                f"shall step."
            )

    def bind(self, names: Names, horizon: int) -> AdjointSamples:
        if names.history != 1:
            raise EngineError(f"Adjoints are those of one frame; this network looks back on {names.history}.")
        return AdjointSamples(self.windows.bind(names, horizon))


class AdjointSamples:
    """Samples that are those of the windows in all but the pulls."""

    def __init__(self, plain: WindowSamples):
        self.plain = plain
        self.kept: dict[tuple[int, str], np.ndarray] = {}
        self.room = MEMORY
        probe = plain.probe
        file = plain.how.data.file(plain.members[0])["scenegrad"] if hasattr(plain.how.data, "file") else {}
        known = file.get(f"adjoints/{probe}", {})
        missing = [name for name in plain.names.outputs if name not in known]
        if missing:
            raise EngineError(
                f"These trajectories hold no adjoints of {', '.join(missing)} in {probe}. Let generate record them: "
                f"adjoints=Adjoints({probe!r})."
            )
        self.by = [address for address in plain.names.parameters if address in known.get("by", {})]

    def __getattr__(self, name: str) -> Any:
        if name == "plain" or name.startswith("__"):  # a copy asks before there is one
            raise AttributeError(name)
        return getattr(self.plain, name)

    @property
    def hash(self) -> str:
        return hashlib.sha256(f"{self.plain.hash} with adjoints by {self.by}".encode()).hexdigest()

    def stored(self, place: int, path: str) -> np.ndarray:
        """Of all steps of a trajectory [step, direction, ...]; kept in memory as long as there is room."""
        if (place, path) in self.kept:
            return self.kept[place, path]
        found = self.plain.how.data.adjoint(self.plain.members[place], self.plain.probe, path)  # type: ignore[attr-defined]
        if not np.isfinite(found).all():
            raise EngineError(f"An adjoint of member {self.plain.members[place]} has values that are not finite.")
        found = np.asarray(found, dtype=np.float32)
        if found.nbytes <= self.room:
            self.kept[place, path] = found
            self.room -= found.nbytes
        return found

    def window(self, part: str, picks: Sequence[int]) -> Window:
        plain, count = self.plain, len(self.plain.examples)
        drawn = [(plain.parts[part][pick // count], plain.examples[pick % count][0]) for pick in picks]

        def gather(path: str, one: int) -> Tensor:
            return torch.from_numpy(np.stack([self.stored(place, path)[start, one] for place, start in drawn]))

        names = plain.names.outputs
        pulls = [
            Pull(
                {name: gather(f"{name}/direction", one) for name in names},
                {name: gather(f"{name}/bar", one) for name in names if name in plain.names.fields}
                | {address: gather(f"by/{address}", one) for address in self.by},
            )
            for one in range(self.stored(drawn[0][0], f"{names[0]}/direction").shape[1])
        ]
        return replace(plain.window(part, picks), pulls=tuple(pulls))
