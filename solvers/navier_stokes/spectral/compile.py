"""Which of the spectral solvers serves a scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from scenegrad.engine.solver import Solver
from scenegrad.engine.state import Params
from scenegrad.scenes.fluids import Fluid, Tracer
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.navier_stokes.spectral.compile_equation import compile_equation
from scenegrad.solvers.navier_stokes.spectral.compile_vorticity import compile_vorticity
from scenegrad.solvers.navier_stokes.spectral.equations.known import EQUATIONS

__all__ = ["compile_spectral"]


def compile_spectral(scenes: Sequence[Scene], device: str, dtype: torch.dtype) -> tuple[Solver, Any, Params]:
    """Solver, state and params: by the vorticity where a flow in two dimensions starts from one, which is fastest; by
    the velocity for other flows; else the equation that stands in the scene."""
    parts = scenes[0].entities.values()
    fluids = [part for part in parts if isinstance(part, Fluid)]
    carrying = any(isinstance(part, Tracer) for part in parts)
    whirling = scenes[0].dim == 2 and not carrying and all(fluid.velocity is None for fluid in fluids)
    if any(type(part) in EQUATIONS for part in parts) or (fluids and not whirling):
        return compile_equation(scenes, device, dtype)
    return compile_vorticity(scenes, device, dtype)
