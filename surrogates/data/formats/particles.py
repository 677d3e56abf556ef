"""Trajectories of particles, of which one may have more than another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.split import fingerprint
from scenegrad.surrogates.data.windows import Trajectories

__all__ = ["PROBE", "ParticleTrajectories"]

PROBE = "particles"


@dataclass(frozen=True)
class ParticleTrajectories:
    """position: of each trajectory [frame, particle, dim]. kind: of each, the kinds of its particles [particle], int.

    dt: between frames [time]. bounds: lowest and highest place along each axis [dim, 2], or None. radius: within which
    particles are neighbours, or None. parameters: one number for each trajectory, such as a property of its material.
    Where all have as many particles and frames, they are trajectories like any others, of the output "particles".
    """

    position: tuple[np.ndarray, ...]
    kind: tuple[np.ndarray, ...]
    dt: float
    bounds: np.ndarray | None = None
    radius: float | None = None
    parameters: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.position or len(self.kind) != len(self.position) or not self.dt > 0.0:
            raise EngineError(
                f"ParticleTrajectories got {len(self.position)} arrays of positions, {len(self.kind)} of kinds and "
                f"dt={self.dt}; it takes at least one trajectory, as many of both, and a positive dt."
            )
        for i, (x, kind) in enumerate(zip(self.position, self.kind, strict=True)):
            if x.ndim != 3 or x.shape[2] not in (1, 2, 3) or kind.shape != x.shape[1:2]:
                raise EngineError(
                    f"Trajectory {i} has positions of shape {x.shape} and kinds of shape {kind.shape}; they must be "
                    f"[frame, particle, dim] and [particle]."
                )
            if not np.isfinite(x).all():
                raise EngineError(
                    f"position of member {i} has values that are not finite. Leave it out or make it anew."
                )

    @staticmethod
    def of(data: Trajectories, probe: str, **about: np.ndarray | float | None) -> ParticleTrajectories:
        """The positions that an output of a data set recorded, all of kind 0."""
        position = tuple(np.asarray(data.read(m, probe, "position"), dtype=np.float32) for m in data.members)
        times = np.asarray(data.times(probe))
        dt = float(times[-1] - times[0]) / (len(times) - 1)
        kind = tuple(np.zeros(x.shape[1], dtype=np.int64) for x in position)
        parameters = {a: np.asarray(v) for a, v in data.parameters.items() if np.ndim(v) == 1}
        return ParticleTrajectories(position, kind, dt, parameters=parameters, **about)  # type: ignore[arg-type]

    def tensors(self) -> list[Tensor]:
        """Positions [frame, particle, dim] of each trajectory, as train_graph_network takes them."""
        return [torch.as_tensor(x, dtype=torch.float32) for x in self.position]

    def taken(self, places: Sequence[int]) -> ParticleTrajectories:
        """Some of the trajectories."""
        parameters = {name: values[list(places)] for name, values in self.parameters.items()}
        position, kind = (tuple(table[i] for i in places) for table in (self.position, self.kind))
        return ParticleTrajectories(position, kind, self.dt, self.bounds, self.radius, parameters)

    @property
    def members(self) -> list[int]:
        return list(range(len(self.position)))

    @property
    def probes(self) -> list[str]:
        return [PROBE]

    @property
    def keys(self) -> list[str]:
        """What each trajectory is, whatever its place."""
        return [fingerprint({"kind": k, "position": x[:1]}) for x, k in zip(self.position, self.kind, strict=True)]

    @property
    def hash(self) -> str:
        told: Mapping[str, np.ndarray] = {f"{i}": x for i, x in enumerate((*self.position, *self.kind))}
        return fingerprint({**told, "dt": np.array(self.dt)})

    def quantities(self, probe: str) -> list[str]:
        return ["position", "kind"]

    def times(self, probe: str) -> np.ndarray:
        frames = sorted({len(x) for x in self.position})
        if len(frames) > 1:
            raise EngineError(
                f"The trajectories have from {frames[0]} to {frames[-1]} frames, and windows need as many of each. "
                f"Keep those of one length with `taken`, or hand `tensors()` to train_graph_network."
            )
        return self.dt * np.arange(frames[0])

    def read(self, member: int, probe: str, quantity: str, frames: slice = slice(None)) -> np.ndarray:
        if quantity == "position":
            return self.position[member][frames]
        kind = self.kind[member]
        return np.broadcast_to(kind, (len(self.position[member]), len(kind)))[frames].astype(np.float32)
