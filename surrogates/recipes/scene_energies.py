"""The potential energy of a scene, as samplers and flows ask for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor

from scenegrad.scenes.scene import Scene
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.potential_energy import potential_energy
from scenegrad.surrogates.boltzmann.weights import Energy

__all__ = ["scene_energy", "shape_of"]


def scene_energy(scene: Scene, device: str = "cpu") -> Energy:
    """U(x) [batch] of the atoms of a scene at x [batch, atom, dim], float64, which autograd knows; compiled once for
    each batch size."""
    compiled: dict[int, tuple[Any, Any, Any]] = {}

    def energy(x: Tensor) -> Tensor:
        if len(x) not in compiled:
            compiled[len(x)] = compile_scene([scene] * len(x), device=device, dtype="float64")
        solver, state, params = compiled[len(x)]
        return potential_energy(solver, replace(state, position=x.to(state.position)), params)

    return energy


def shape_of(scene: Scene) -> tuple[int, int]:
    """How many atoms a scene has, in how many dimensions."""
    particles, dim = compile_scene(scene, device="cpu", dtype="float64")[1].position.shape[1:]
    return particles, dim
