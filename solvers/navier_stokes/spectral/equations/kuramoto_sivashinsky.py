"""The Kuramoto-Sivashinsky equation: long waves grow, short ones decay, and the product carries energy between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.spectral.lattice import Lattice
from scenegrad.solvers.navier_stokes.spectral.quantity import Quantity
from scenegrad.solvers.navier_stokes.spectral.seeing import per_mode, speed_bound
from scenegrad.solvers.shared.units import metres

__all__ = ["KuramotoSivashinskyEquation"]


@dataclass(frozen=True)
class KuramotoSivashinskyEquation:
    """u_t = -growth laplace u - damping laplace laplace u - N, with N = u u_x in one dimension and |grad u|^2 / 2 less
    its mean in more [Kuramoto & Tsuzuki 1976, Prog. Theor. Phys. 55, 356-369; Sivashinsky 1977, Acta Astronaut. 4,
    1177-1206]. The slope of a solution of the second form solves the first; the mean stays what it was.
    """

    lattice: Lattice
    name: str

    @property
    def addresses(self) -> tuple[str, ...]:
        return (f"{self.name}.growth", f"{self.name}.damping")

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        return {"height": Quantity("1", lambda field, params: field[:, 0])}

    @property
    def carried(self) -> tuple[str, ...]:
        return ("height",)

    @property
    def groups(self) -> tuple[int, ...]:
        return (1,)

    def symbol(self, params: Params) -> Tensor:
        growth, damping = (per_mode(params[address].double(), self.lattice) for address in self.addresses)
        k2 = self.lattice.k_squared
        return growth * k2 - damping * k2.square()

    def rate(self, spectrum: Tensor, params: Params) -> Tensor:
        grid = self.lattice
        if grid.dim == 1:
            return -0.5 * grid.gradient * grid.forward(grid.inverse(spectrum).square())
        slopes = grid.inverse(grid.gradient * spectrum)  # [batch, along, *cells]
        steep = 0.5 * slopes.square().sum(1, keepdim=True)
        return -grid.forward(steep - steep.mean(grid.axes, keepdim=True))

    def frequency(self, field: Tensor, params: Params) -> Tensor:
        grid = self.lattice
        carrying = field if grid.dim == 1 else grid.inverse(grid.gradient * grid.forward(field))
        fastest = params[self.addresses[0]].square() / (4.0 * params[self.addresses[1]].clamp(min=1e-30))
        return torch.maximum(speed_bound(carrying, grid), fastest)  # the fastest growth is resolved too

    @property
    def units(self) -> Mapping[str, str]:
        return {"mean": "1", "energy": metres(self.lattice.dim)}

    def summary(self, field: Tensor, params: Params) -> dict[str, Tensor]:
        return {
            "mean": field.mean((1, *self.lattice.axes)),
            "energy": 0.5 * self.lattice.integral(field.square()).sum(1),
        }
