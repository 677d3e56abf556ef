"""Random media of two phases, as scenes draw them."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.scenes.scene import Scene
from scenegrad.solvers.compile import compile_scene

__all__ = ["permeabilities"]

AT_ONCE = 256


def permeabilities(scene: Scene, count: int, seed: int) -> Tensor:
    """Of the scene with `count` seeds from this one on [count, *cells], float32."""
    parts: list[Tensor] = []
    for first in range(seed, seed + count, AT_ONCE):
        drawn = [scene.model_copy(update={"seed": n}) for n in range(first, min(first + AT_ONCE, seed + count))]
        parts.append(compile_scene(drawn, device="cpu", dtype="float32")[1].permeability)
    return torch.cat(parts)
