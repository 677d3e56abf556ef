"""Scenes that several tests of the staggered grid share."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.solvers.compile import compile_scene

EDGE = 6.283185307179586


@pytest.fixture
def carried_vortices() -> Callable[..., sc.Scene]:
    """Taylor-Green vortices that a uniform flow (1, 1/2) carries through a periodic square."""

    def make(cells: int, **method: Any) -> sc.Scene:
        return sc.Scene(
            name="carried",
            domain=sc.Domain.periodic(size=(EDGE, EDGE), cells=(cells, cells)),
            entities={"water": sc.Fluid(viscosity=0.05, velocity=(1.0, 0.5), vorticity=sc.TaylorGreen())},
            method=sc.Staggered(**method),
            time=sc.Time(end=1.0),
        )

    return make


@pytest.fixture
def cavity() -> Callable[..., sc.Scene]:
    """A box whose lid moves along x."""

    def make(cells: int, reynolds: float = 100.0, end: float = 1.0, dim: int = 2, **method: Any) -> sc.Scene:
        lid = sc.NoSlip(velocity=(1.0, *[0.0] * (dim - 1)))
        return sc.Scene(
            name="cavity",
            domain=sc.Domain(size=(1.0,) * dim, cells=(cells,) * dim),
            entities={"water": sc.Fluid(viscosity=1 / reynolds)},
            boundary=sc.Boundary(default=sc.NoSlip(), y_hi=lid),
            method=sc.Staggered(advection="central", **method),
            time=sc.Time(end=end),
        )

    return make


@pytest.fixture
def compiled() -> Callable[..., Any]:
    def make(scene: Any, dtype: str = "float64") -> Any:
        return compile_scene(scene, "cpu", dtype)

    return make


@pytest.fixture
def still() -> torch.Tensor:
    return torch.zeros(1, dtype=torch.float64)
