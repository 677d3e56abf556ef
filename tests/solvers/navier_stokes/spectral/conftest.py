"""Flows that several laws are tried on."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from scenegrad.engine.solver import Solver
from scenegrad.engine.state import Params
from scenegrad.scenes import Domain, Fluid, GaussianField, KolmogorovForcing, Scene, Time
from scenegrad.solvers.compile import compile_scene

EDGE = 2 * math.pi
Compiled = tuple[Solver, Any, Params]
MakeScene = Callable[..., Scene]


def stirred(cells: int | tuple[int, int] = 32, **changes: Any) -> Scene:
    """Kolmogorov flow from a smooth random vorticity; `changes` go to the fluid, or else to the scene."""
    fluid: dict[str, Any] = {
        "viscosity": 0.02,
        "drag": 0.1,
        "vorticity": GaussianField(peak=2.0, width=0.5, rms=2.0, seed=3),
        "forcing": KolmogorovForcing(wavenumber=2, amplitude=0.7),
    }
    scene: dict[str, Any] = {"time": Time(end=1.0, dt=0.02), "size": (EDGE, EDGE)}
    for key, value in changes.items():
        (fluid if key in Fluid.model_fields else scene)[key] = value
    size = scene.pop("size")
    grid = (cells, cells) if isinstance(cells, int) else cells
    return Scene(
        name="flow", domain=Domain.periodic(size=size, cells=grid), entities={"fluid": Fluid(**fluid)}, **scene
    )


@pytest.fixture
def flow() -> MakeScene:
    return stirred


@pytest.fixture
def compiled() -> Callable[..., Compiled]:
    """In float64 on the CPU, unless told otherwise."""

    def make(scene: Scene | list[Scene], device: str = "cpu", dtype: str = "float64") -> Compiled:
        return compile_scene(scene, device, dtype)

    return make


@pytest.fixture
def positions() -> Callable[[Solver], tuple[torch.Tensor, torch.Tensor]]:
    """x [nx, 1] and y [1, ny] of the samples of a solver's grid."""

    def make(solver: Any) -> tuple[torch.Tensor, torch.Tensor]:
        (nx, ny), (dx, dy) = solver.modes.cells, solver.modes.spacing
        return torch.arange(nx, dtype=torch.float64)[:, None] * dx, torch.arange(ny, dtype=torch.float64)[None] * dy

    return make
