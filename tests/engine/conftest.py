"""A pendulum: the smallest solver that has everything the engine asks of one."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from scenegrad.engine.controllers import Controller, Fixed
from scenegrad.engine.solver import Probe, Program, Series, Step, TorchAdjoint
from scenegrad.engine.state import Params


@dataclass(frozen=True)
class Swing:
    angle: Tensor  # [batch, 1]
    rate: Tensor  # [batch, 1]


class Pendulum(TorchAdjoint):
    """angle'' = -stiffness sin(angle) - damping angle', by Heun's method with Euler's as the embedded one."""

    order = 2

    def __init__(self, program: Program):
        self.program = program
        self.calls = 0

    def max_dt(self, state: Swing, params: Params) -> Tensor:
        return 1.0 / params["pendulum.stiffness"].detach().sqrt().to("cpu", torch.float64)

    def slope(self, angle: Tensor, rate: Tensor, params: Params) -> tuple[Tensor, Tensor]:
        k, c = params["pendulum.stiffness"][:, None], params["pendulum.damping"][:, None]
        return rate, -k * torch.sin(angle) - c * rate

    def step(self, state: Swing, params: Params, time: Tensor, dt: Tensor) -> Step[Swing]:
        self.calls += 1
        h = dt.to(state.angle)[:, None]
        a1, r1 = self.slope(state.angle, state.rate, params)
        a2, r2 = self.slope(state.angle + h * a1, state.rate + h * r1, params)
        after = Swing(state.angle + h / 2 * (a1 + a2), state.rate + h / 2 * (r1 + r2))
        error = ((h / 2 * (a2 - a1)).square() + (h / 2 * (r2 - r1)).square()).sqrt()[:, 0]
        return Step(after, error)

    def observe(self, state: Swing, params: Params) -> dict[str, Tensor]:
        k = params["pendulum.stiffness"][:, None]
        return {"energy": (0.5 * state.rate**2 + k * (1 - torch.cos(state.angle)))[:, 0]}


def pendulum(
    batch: int = 1,
    controller: Controller | None = None,
    end: float = 2.0,
    every: float = 0.5,
    stiffness: float = 4.0,
    damping: float = 0.1,
    dtype: torch.dtype = torch.float64,
) -> tuple[Pendulum, Swing, Params]:
    def measure(state: Swing, params: Params) -> dict[str, Tensor]:
        return {"height": -torch.cos(state.angle[:, 0]) * params["pendulum.stiffness"]}

    probes = (Probe("height", every, measure, Series(), {"height": "m"}),)
    solver = Pendulum(Program(end, controller or Fixed(0.01), probes))
    state = Swing(torch.linspace(0.5, 1.5, batch, dtype=dtype)[:, None], torch.zeros(batch, 1, dtype=dtype))
    spread = torch.linspace(1.0, 2.0, batch, dtype=dtype)
    params = Params(
        {
            "pendulum.stiffness": (stiffness * spread).requires_grad_(),
            "pendulum.damping": torch.full((batch,), damping, dtype=dtype).requires_grad_(),
        }
    )
    return solver, state, params


@pytest.fixture
def make_pendulum() -> Callable[..., tuple[Pendulum, Swing, Params]]:
    return pendulum
