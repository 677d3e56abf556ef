"""A flow: a network for the velocity, with the path that it learns and the way it is sampled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.choices import choose, spell
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.flows.acceleration import Accelerated, ConstantAcceleration
from scenegrad.surrogates.flows.couplings import COUPLINGS
from scenegrad.surrogates.flows.energy import EnergyConsistent
from scenegrad.surrogates.flows.maps import MAPS
from scenegrad.surrogates.flows.more_samplers import Adaptive, DPMSolver, Jumps, Noisy
from scenegrad.surrogates.flows.objectives import OBJECTIVES, FlowMatching
from scenegrad.surrogates.flows.paths import PATHS, Linear, Path
from scenegrad.surrogates.flows.samplers import RK4, Euler, Heun, Sampler
from scenegrad.surrogates.flows.starts import STARTS, FromNoise, Start
from scenegrad.surrogates.flows.stepper import FlowStepper
from scenegrad.surrogates.operators.known import build_operator
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.operators.operator import Operator
from scenegrad.surrogates.training.targets import Target

__all__ = ["Flow"]

MOVING, LEAVING = "moving", "velocity of leaving"
TIME, ARRIVAL, UNDERWAY = "time of the flow", "time of arrival", "whether it has left"


class Flow(nn.Module):
    """A generative model of the outputs of `operator`, given its fields and parameters.

    operator: says what the flow speaks of and how its network is built. The network itself is made anew with the
    channels of x_s before the fields, and the time s among the constants. Its constraints hold for the velocity and for
    the draws. path, start, objective, sampler: see there.
    """

    kind = "flow"

    def __init__(
        self,
        operator: Operator,
        *,
        path: Path | None = None,
        start: Start | None = None,
        objective: Target | None = None,
        sampler: Sampler | None = None,
    ):
        super().__init__()
        self.said, self.names, self.predicts = operator.config(), operator.names, operator.predicts
        self.scales = operator.scales
        self.constraints = operator.constraints
        self.path, self.start = path or Linear(), start or FromNoise()
        self.objective = objective or FlowMatching()
        self.jumps, self.accelerates = isinstance(objective, MAPS), isinstance(objective, ConstantAcceleration)
        self.sampler = sampler or (Jumps(1) if self.jumps else Accelerated(1) if self.accelerates else Heun(8))
        self.network = build_operator(self.said | moved(operator.names, self.jumps, self.accelerates))

    def mean_velocity(self, x: Tensor, s: Tensor, r: Tensor, inputs: Tensor, constants: Tensor) -> Tensor:
        """u(x_s, s, r), the mean of the velocity from s to r; of order one [batch, channel, *grid]. s, r: [batch].

        inputs, constants: as for an operator. A flow that has not learnt to jump knows u(x, s, s) alone.
        """
        if self.accelerates:
            return self.ask(torch.zeros_like(x), torch.zeros_like(s), x, s, inputs, constants)
        times = torch.stack([s, r - s], dim=1) if self.jumps else s[:, None]
        return self.network(torch.cat([x, inputs], dim=1), torch.cat([times, constants], dim=1))

    def acceleration(self, x: Tensor, s: Tensor, leaving: Tensor, inputs: Tensor, constants: Tensor) -> Tensor:
        """a(x_s, s, v0) of a way that began with the velocity v0 = `leaving`."""
        return self.ask(leaving, torch.ones_like(s), x, s, inputs, constants)

    def ask(self, leaving: Tensor, underway: Tensor, x: Tensor, s: Tensor, inputs: Tensor, constants: Tensor) -> Tensor:
        told = torch.cat([torch.stack([s, underway], dim=1), constants], dim=1)
        return self.network(torch.cat([x, leaving, inputs], dim=1), told)

    def dressed(self, statistics: Statistics | None, dt: float, grid: tuple[int, ...]) -> FlowStepper:
        return FlowStepper(self, statistics, dt, grid)

    def config(self) -> dict[str, Any]:
        chosen = {name: spell(getattr(self, name)) for name in CHOICES}
        return {"kind": self.kind, "operator": self.said, **chosen}

    @classmethod
    def build(cls, config: Mapping[str, Any]) -> Flow:
        """From plain data, as in a recipe; what is left out takes its default."""
        table = {name: value for name, value in config.items() if name != "kind"}
        if strangers := [name for name in table if name not in ("operator", *CHOICES)]:
            raise EngineError(f"A flow got {', '.join(strangers)}; it takes operator, {', '.join(CHOICES)}.")
        if not isinstance(table.get("operator"), Mapping):
            raise EngineError("A flow needs a table [model.operator] with the kind and the sizes of its network.")
        chosen = {name: choose(table[name], CHOICES[name], name) for name in CHOICES if name in table}
        return cls(build_operator(table["operator"]), **chosen)


CHOICES = {
    "path": (*PATHS, EnergyConsistent),
    "start": STARTS,
    "objective": (*OBJECTIVES, *MAPS, ConstantAcceleration, *COUPLINGS),
    "sampler": (Euler, Heun, RK4, Adaptive, Noisy, DPMSolver, Jumps, Accelerated),
}


def moved(names: Names, jumps: bool, accelerates: bool) -> dict[str, Any]:
    """What the network of the velocity is told in place of what the flow is told."""
    sizes = {name.partition("[")[0]: names.size(name) for name in names.inputs if names.is_vector(name)}
    moving = [MOVING, *([LEAVING] if accelerates else [])]
    times = [TIME, *([ARRIVAL] if jumps else []), *([UNDERWAY] if accelerates else [])]
    return {
        "fields": [*moving, *names.inputs],
        "components": sizes | dict.fromkeys(moving, names.width(names.outputs)),
        "outputs": [MOVING],
        "parameters": [*times, *names.parameters],
        "history": 1,
        "predicts": "next",
        "constraints": [],
    }
