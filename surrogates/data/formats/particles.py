"""Trajectories of particles, of which one may have more than another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.split import fingerprint
from scenegrad.surrogates.data.trajectories import Trajectories, identities
from scenegrad.surrogates.particles.interpolation import farthest_points

__all__ = ["PROBE", "ParticleTrajectories"]

PROBE = "particles"


@dataclass(frozen=True)
class ParticleTrajectories:
    """position: of each trajectory [frame, particle, dim]. kind: of each, the kinds of its particles [particle], int.

    dt: between frames [time]. bounds: lowest and highest place along each axis [dim, 2], or None. radius: within which
    particles are neighbours, or None. parameters: one number for each trajectory, such as a property of its material.
    origin: the identities of the trajectories that these were taken out of, which say their parts.
    Where all have as many particles and frames, they are trajectories like any others, of the output "particles".
    """

    position: tuple[np.ndarray, ...]
    kind: tuple[np.ndarray, ...]
    dt: float
    bounds: np.ndarray | None = None
    radius: float | None = None
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    origin: tuple[str, ...] = ()

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
        told: dict[str, Any] = {**about, "parameters": parameters, "origin": tuple(identities(data))}
        return ParticleTrajectories(position, kind, dt, **told)

    def thinned(self, count: int) -> ParticleTrajectories:
        """`count` particles of each trajectory, spread over all of its first frame; so trajectories with unlike numbers
        of particles go into one batch, and a few particles speak for many."""
        if few := [i for i, x in enumerate(self.position) if x.shape[1] < count]:
            raise EngineError(
                f"{count} particles of each trajectory were asked for; trajectory {few[0]} has "
                f"{self.position[few[0]].shape[1]}."
            )
        places = [farthest_points(torch.as_tensor(x[0]), count).numpy() for x in self.position]
        position = tuple(x[:, chosen] for x, chosen in zip(self.position, places, strict=True))
        kind = tuple(kind[chosen] for kind, chosen in zip(self.kind, places, strict=True))
        return replace(self, position=position, kind=kind, origin=tuple(self.identities))

    def taken(self, places: Sequence[int]) -> ParticleTrajectories:
        """Some of the trajectories."""
        parameters = {name: values[list(places)] for name, values in self.parameters.items()}
        position, kind = (tuple(table[i] for i in places) for table in (self.position, self.kind))
        known = self.identities
        origin = tuple(known[i] for i in places)
        return replace(self, position=position, kind=kind, parameters=parameters, origin=origin)

    @property
    def members(self) -> list[int]:
        return list(range(len(self.position)))

    @property
    def probes(self) -> list[str]:
        return [PROBE]

    @property
    def identities(self) -> list[str]:
        """What each trajectory is, whatever its place, and however many of its particles are left."""
        if self.origin:
            return list(self.origin)
        rows = [{a: values[i] for a, values in self.parameters.items()} for i in self.members]
        seen = zip(rows, self.position, self.kind, strict=True)
        return [fingerprint(row | {"kind": kind, "position": x[:1]}) for row, x, kind in seen]

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
                f"Keep those of one length with `taken`."
            )
        return self.dt * np.arange(frames[0])

    def read(self, member: int, probe: str, quantity: str, frames: slice = slice(None)) -> np.ndarray:
        if quantity == "position":
            return self.position[member][frames]
        kind = self.kind[member]
        return np.broadcast_to(kind, (len(self.position[member]), len(kind)))[frames].astype(np.float32)
