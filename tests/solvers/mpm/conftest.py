"""Bodies that several laws are tried on; fixtures hand out the functions that make and move them."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

import scenegrad.scenes as sc
from scenegrad.engine.state import Params
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.mpm.solver import MaterialPointSolver
from scenegrad.solvers.mpm.state import ParticleState

JELLY = sc.NeoHookean(youngs_modulus=1e4, poisson_ratio=0.3, density=1000.0)
WATER = sc.WeaklyCompressible(bulk_modulus=2e4, viscosity=1.0, density=1000.0)


def box_of(low: tuple[float, ...], size: tuple[float, ...], material: Any = JELLY, **body: Any) -> sc.Body:
    """A box by its lowest corner and its edges."""
    center = tuple(a + b / 2 for a, b in zip(low, size, strict=True))
    return sc.Body(shape=sc.Box(center=center, size=size), material=material, **body)


def scene_of(dim: int, cells: int = 16, **fields: Any) -> sc.Scene:
    """A scene in a box of 1 m; `fields` replace its own."""
    known: dict[str, Any] = {
        "name": "trial",
        "domain": sc.Domain(size=(1.0,) * dim, cells=(cells,) * dim),
        "entities": {"block": box_of((0.35,) * dim, (0.25,) * dim)},
        "time": sc.Time(end=1.0),
    }
    return sc.Scene(**known | fields)


def compiled(
    scene: Any, dtype: str = "float64", device: str = "cpu"
) -> tuple[MaterialPointSolver, ParticleState, Params]:
    """Solver, state and params without gradients."""
    solver, state, params = compile_scene(scene, device=device, dtype=dtype)
    return solver, type(state)(*(field.detach() for field in vars(state).values())), params.detach()


def march(
    solver: MaterialPointSolver, state: ParticleState, params: Params, steps: int, dt: float | None = None
) -> tuple[ParticleState, Tensor]:
    """State after some steps of dt (0.4 of the bound at first, if left out), and the time it took [batch]."""
    chosen = 0.4 * solver.max_dt(state, params)
    if dt is not None:
        chosen = torch.full_like(chosen, dt)
    time = torch.zeros_like(chosen)
    for _ in range(steps):
        state = solver.step(state, params, time, chosen).state
        time = time + chosen
    return state, time


@pytest.fixture(params=[2, 3], ids=["2d", "3d"])
def dim(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def lab() -> SimpleNamespace:
    """The functions and materials above."""
    names: dict[str, Callable[..., Any]] = {
        "box_of": box_of, "scene_of": scene_of, "compiled": compiled, "march": march,
    }  # fmt: skip
    return SimpleNamespace(**names, jelly=JELLY, water=WATER)
