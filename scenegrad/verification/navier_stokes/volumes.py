"""From a scene of a gas or of water to what has become of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Controller
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import with_tensors
from scenegrad.scenes.library import gases
from scenegrad.solvers.compile import compile_scene
from scenegrad.verification.case import Case, Setting

__all__ = ["BOTH", "case", "marched"]

BOTH: tuple[gases.Reconstruction, ...] = ("muscl", "weno5")
FAMILY = "navier-stokes"
Start = Callable[[Tensor], Tensor]  # primitive variables [field, *cells] of places [*cells, dim]


def marched(
    scene: sc.Scene, setting: Setting, controller: Controller | None = None, start: Start | None = None
) -> tuple[Any, np.ndarray, np.ndarray]:
    """Solver, and the primitive variables before and after [field, *cells]."""
    compiled: tuple[Any, Any, Any] = compile_scene(scene, setting.device, setting.dtype)
    solver, state, params = compiled
    fixed = params.detach()
    gamma = solver.measures.constant(fixed)
    if start is not None:
        w = start(solver.grid.middles())[None].to(state.conserved)
        state = with_tensors(state, {"conserved": solver.law.conserved(w, gamma)})
    state = with_tensors(state, {"conserved": state.conserved.detach()})
    after = rollout(solver, state, fixed, controller=controller, probes=()).state
    first, last = (solver.law.primitive(s.conserved, gamma)[0].double().cpu().numpy() for s in (state, after))
    return solver, first, last


def case(name: str, measure: Any, against: str, source: str, quick: bool = True) -> Case:
    return Case(f"finite_volume_{name}", FAMILY, against, source, measure, quick)
