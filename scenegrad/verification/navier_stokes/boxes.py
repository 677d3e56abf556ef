"""From a scene on a staggered grid to what has become of it, and along the middle lines of a square box."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

import scenegrad.assets
import scenegrad.scenes as sc
from scenegrad.engine.rollout import Rollout, rollout
from scenegrad.solvers.compile import compile_scene
from scenegrad.verification.case import Setting

__all__ = ["FAMILY", "REFERENCE", "centre_lines", "crest", "measured_only", "run", "table"]

FAMILY = "navier-stokes"
REFERENCE = Path(scenegrad.assets.__file__).parent / "reference" / "cfd"


def table(name: str) -> Any:
    return json.loads((REFERENCE / name).read_text())


def run(scene: sc.Scene, setting: Setting) -> tuple[Any, Rollout]:
    solver, state, params = compile_scene(scene, setting.device, setting.dtype)
    with torch.no_grad():
        return solver, rollout(solver, state, params)


def measured_only(scene: sc.Scene, *names: str) -> sc.Scene:
    """Without the outputs that nobody looks at here."""
    return scene.model_copy(update={"outputs": {name: scene.outputs[name] for name in names}})


def centre_lines(solver: Any, state: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(middles of the cells, u on x = 1/2, v on y = 1/2), the walls at both ends included."""
    n = solver.grid.cells[0]
    places = np.concatenate([[0.0], (np.arange(n) + 0.5) / n, [1.0]])
    u, v = state.u[0, n // 2].double().cpu().numpy(), state.v[0, :, n // 2].double().cpu().numpy()
    return places, np.concatenate([[0.0], u, [1.0]]), np.concatenate([[0.0], v, [0.0]])


def crest(places: np.ndarray, values: np.ndarray) -> float:
    """Maximum of the cubic spline through samples."""
    from scipy.interpolate import CubicSpline

    return float(CubicSpline(places, values)(np.linspace(0.0, 1.0, 2001)).max())
