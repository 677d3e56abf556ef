"""Two phases that part, a solver of one's own   [Allen & Cahn 1979, Acta Metall. 27, 1085]."""

from dataclasses import dataclass
from typing import Literal

import torch

import scenegrad as sg


class Alloy(sg.Entity):
    kind: Literal["alloy"] = "alloy"
    mobility: sg.Positive = 1.0  # [1/s]
    width: sg.Positive = 0.02  # of the zone between the phases [m]


@dataclass(frozen=True)
class Phases:
    u: torch.Tensor  # -1 in one phase, 1 in the other [batch, x, y]


class AllenCahn(sg.TorchSolver):
    """du/dt = mobility (width^2 lap u + u - u^3) in a periodic box, by explicit Euler"""

    serves, units = Alloy, {"phase": "1"}

    def begin(self, params):
        seeds = [torch.Generator().manual_seed(scene.seed) for scene in self.scenes]
        return Phases(torch.stack([0.1 * torch.randn(self.cells, generator=seed) for seed in seeds]).to(self.like))

    def max_dt(self, state, params):
        decay = sum(4 * (self.number(params, "width") / h) ** 2 for h in self.spacing) + 2
        return (2 / (self.number(params, "mobility") * decay)).flatten().detach().double()

    def step(self, state, params, time, dt):
        u, width = state.u, self.number(params, "width")
        lap = sum((u.roll(1, a) + u.roll(-1, a) - 2 * u) / h**2 for a, h in enumerate(self.spacing, 1))
        rate = self.number(params, "mobility") * (width**2 * lap + u - u**3)
        return sg.Step(Phases(u + self.spread(dt) * rate))

    def fields(self, state, params):
        return {"phase": state.u}
