"""Flows that several laws are tried on."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene

P = sc.Parameter


def gas_between_walls(reconstruction: str) -> sc.Scene:
    """A viscous gas past a ball. Fluxes have kinks where a gas nearly stands still; on these cells it never does."""
    return sc.Scene(
        name="gas",
        domain=sc.Domain(size=(2.0, 1.0), cells=(20, 10)),
        entities={
            "gas": sc.Gas(
                gamma=P(1.4),
                density=1.2,
                pressure=P(1.1),
                velocity=(0.6, 0.1),
                viscosity=P(0.01),
                gas_constant=1.0,
                patches=(sc.GasPatch(sc.Sphere(center=(0.63, 0.52), radius=P(0.21)), density=P(1.4)),),
            ),
            "ball": sc.Obstacle(sc.Sphere(center=P((1.23, 0.46)), radius=P(0.22))),
        },
        boundary=sc.Boundary(
            x_lo=sc.Inflow((P(0.6), 0.1), density=1.2, pressure=1.1),
            x_hi=sc.Outflow(pressure=1.05),
            y_lo=sc.NoSlip(velocity=(P(0.2), 0.0), temperature=P(0.95)),
            y_hi=sc.Slip(),
        ),
        method=sc.FiniteVolume(reconstruction=reconstruction),
        time=sc.Time(end=1.0),
    )


def water_past_a_block(reconstruction: str) -> sc.Scene:
    return sc.Scene(
        name="water",
        domain=sc.Domain(size=(2.0, 1.0), cells=(16, 8)),
        entities={
            "water": sc.ShallowWater(
                gravity=P(9.81),
                depth=1.2,
                velocity=(0.6, 0.1),
                patches=(sc.WaterPatch(sc.Box(center=(0.63, 0.52), size=(0.41, 0.43)), depth=P(1.4)),),
            ),
            "block": sc.Obstacle(sc.Box(center=P((1.23, 0.46)), size=(0.4, 0.3))),
        },
        boundary=sc.Boundary(x_lo=sc.Inflow(0.6, depth=P(1.2)), x_hi=sc.Outflow(), default=sc.Slip()),
        method=sc.FiniteVolume(reconstruction=reconstruction),
        time=sc.Time(end=1.0),
    )


SCENES = {"gas": gas_between_walls, "water": water_past_a_block}


class Flow:
    """A compiled scene, and a weighed sum over its state after some steps as a function of params and start."""

    def __init__(self, scene: sc.Scene, steps: int, cfl: float = 0.2):
        self.solver, self.state, self.params = compile_scene(scene, "cpu", "float64")
        self.dt, self.steps = cfl * float(self.solver.max_dt(self.state, self.params)), steps
        self.random = torch.Generator().manual_seed(0)
        self.weights = self.like(self.state.conserved)

    def like(self, value: torch.Tensor) -> torch.Tensor:
        return torch.randn(value.shape, generator=self.random, dtype=value.dtype)

    def end(self, params: Any, added: torch.Tensor | float = 0.0) -> torch.Tensor:
        start = self.solver.program.initial(params)
        start = type(start)(start.conserved + added)
        until = self.steps * self.dt
        return rollout(self.solver, start, params, until, controller=Fixed(self.dt), probes=()).state.conserved

    def loss(self, params: Any, added: torch.Tensor | float = 0.0) -> torch.Tensor:
        return (self.weights * self.end(params, added)).sum()


@pytest.fixture
def flow() -> Callable[..., Flow]:
    return Flow


@pytest.fixture(params=["muscl", "weno5"])
def reconstruction(request) -> str:
    return request.param


WALLED = [
    ("gas", "muscl"),
    pytest.param(("gas", "weno5"), marks=pytest.mark.slow),
    pytest.param(("water", "muscl"), marks=pytest.mark.slow),
    ("water", "weno5"),
]


@pytest.fixture(params=WALLED, ids="-".join)
def walled(request) -> sc.Scene:
    name, reconstruction = request.param
    return SCENES[name](reconstruction)


@pytest.fixture
def tube() -> Callable[..., sc.Scene]:
    """Two states of a gas along one axis of a box of one, two or three dimensions."""

    def make(
        axis: int, dim: int, left: Any, right: Any, cells: int = 32, end: float = 0.1, reconstruction: str = "muscl"
    ) -> sc.Scene:
        def along(x: float, other: float) -> tuple[float, ...]:
            return tuple(x if a == axis else other for a in range(dim))

        patch = sc.GasPatch(
            sc.Box(center=along(-0.5, 0.5), size=along(2.0, 9.0)),
            density=left[0],
            velocity=along(left[1], 0.0),
            pressure=left[2],
        )
        return sc.Scene(
            name="tube",
            domain=sc.Domain(
                size=along(1.0, 4 / cells),
                cells=tuple(cells if a == axis else 4 for a in range(dim)),
                wrap=tuple(a != axis for a in range(dim)),
            ),
            entities={
                "gas": sc.Gas(density=right[0], velocity=along(right[1], 0.0), pressure=right[2], patches=(patch,))
            },
            boundary=sc.Boundary(
                **{
                    name: sc.Outflow() if a == axis else sc.Periodic()
                    for a, name in zip(range(dim), "xyz", strict=False)
                }
            ),
            method=sc.FiniteVolume(reconstruction=reconstruction),
            time=sc.Time(end=end),
        )

    return make
