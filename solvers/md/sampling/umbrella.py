"""Umbrella sampling: windows of a distance, each held by a bias, and the unbiased free energy along it.

[Torrie & Valleau 1977, J. Comput. Phys. 23, 187]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.statistics import autocorrelation_time
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.targets import DistanceBias
from scenegrad.solvers.md.sampling.mbar import MBAR, mbar
from scenegrad.solvers.md.sampling.members import Members, held, members
from scenegrad.solvers.md.sampling.profiles import Profile, profile

__all__ = ["UmbrellaSampling", "umbrella_sampling"]


@dataclass(frozen=True)
class UmbrellaSampling:
    """distances [frame, window] of the two atoms, in windows about centers [window] with springs stiffness [window]."""

    centers: Tensor
    stiffness: Tensor
    temperature: float
    distances: Tensor
    members: Members

    @property
    def inefficiency(self) -> float:
        """How many frames are worth an independent one, of the window that remembers longest."""
        return float(2.0 * autocorrelation_time(self.distances).max())

    def mbar(self) -> MBAR:
        """Of the windows and, last, the state without a bias; samples stand window by window."""
        r = self.distances.T.reshape(-1)
        heat = self.members.solver.boltzmann * self.temperature
        bias = 0.5 * self.stiffness[:, None] * (r - self.centers[:, None]).square() / heat
        frames, windows = self.distances.shape
        every = torch.cat([bias, torch.zeros_like(bias[:1])])
        return mbar(every, [frames] * windows + [0], inefficiency=self.inefficiency)

    def profile(self, edges: Tensor) -> Profile:
        """The density of the distance without a bias, in bins."""
        r = self.distances.T.reshape(-1)
        return profile(self.mbar(), torch.zeros_like(r), r, edges)


def umbrella_sampling(
    scene: Scene,
    centers: Sequence[float],
    stiffness: float,
    *,
    every: int = 20,
    frames: int = 1000,
    warmup: int = 1000,
    temperature: float | None = None,
    dt: float | None = None,
    seed: int = 0,
    start: UmbrellaSampling | None = None,
    device: str = "auto",
    dtype: str = "float32",
) -> UmbrellaSampling:
    """Samples a scene that holds one `DistanceBias` in as many windows as there are centers, as one batch.

    every: steps between frames. warmup: steps before the first. start: a run to go on with. The density follows from
    `UmbrellaSampling.profile`.
    """
    biases = [name for name, part in scene.entities.items() if isinstance(part, DistanceBias)]
    if len(biases) != 1:
        raise SceneError(
            f"Scene {scene.name!r} holds {len(biases)} DistanceBias; umbrella sampling moves the center of one. Add "
            "DistanceBias(atoms=(0, 1), center=1.0, stiffness=1.0) or leave the others out."
        )
    if len(centers) < 1 or min(every, frames) < 1:
        raise EngineError(f"{len(centers)} centers, every={every} and frames={frames} must each be 1 or more.")
    own = [{f"{biases[0]}.center": float(c), f"{biases[0]}.stiffness": float(stiffness)} for c in centers]
    heat = held(scene, temperature, len(centers))
    moving = start.members if start else members(scene, heat, seed, dt, device, dtype, own).moved(warmup)
    i, j = (int(k) for k in scene.at(f"{biases[0]}.atoms"))
    seen = []
    for _ in range(frames):
        moving = moving.moved(every)
        x = moving.state.position
        apart = moving.solver.system.box_of(moving.state).nearest((x[:, i] - x[:, j])[:, None])[:, 0]
        seen.append(apart.double().norm(dim=1))
    distances = torch.stack(seen)
    moving.refuse_what_is_not_finite(distances)
    where = torch.tensor([float(c) for c in centers], dtype=torch.float64, device=distances.device)
    return UmbrellaSampling(where, torch.full_like(where, float(stiffness)), heat[0], distances, moving)
