"""What becomes of the Gaussians of a splat file when the matter that they show is deformed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.solvers.mpm.tables import BodyPart
from scenegrad.solvers.shared.sources import placed_splats

__all__ = ["moved_gaussians"]


def moved_gaussians(
    scenes: Sequence[Scene], body: BodyPart, like: Tensor
) -> Callable[[ParticleState, Params], dict[str, Tensor]]:
    """Means x, covariances Sigma' = F Sigma F' and deformations F of the Gaussians of a body [Xie et al. 2024].

    They are its first particles, in the order of their file. F is that of the state: where matter yields or flows, what
    it still remembers of its shape."""
    rest = np.stack([placed_splats(scene.at(f"{body.name}.shape")).covariance for scene in scenes])
    sigma = torch.from_numpy(rest).to(like.device, like.dtype)
    own = slice(body.first, body.first + sigma.shape[1])

    def measure(state: ParticleState, params: Params) -> dict[str, Tensor]:
        F = state.deformation[:, own]
        return {"position": state.position[:, own], "covariance": F @ sigma @ F.mT, "deformation": F}

    return measure
