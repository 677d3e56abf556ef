"""The Gray-Scott model: a food that is fed in, and a catalyst that eats it and dies; spots, stripes and waves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.spectral.lattice import Lattice
from scenegrad.solvers.navier_stokes.spectral.quantity import Quantity
from scenegrad.solvers.navier_stokes.spectral.seeing import per_mode
from scenegrad.solvers.shared.units import metres

__all__ = ["GrayScottEquation"]


@dataclass(frozen=True)
class GrayScottEquation:
    """u_t = D_u laplace u - u v^2 + feed (1 - u),  v_t = D_v laplace v + u v^2 - (feed + kill) v
    [Gray & Scott 1984, Chem. Eng. Sci. 39, 1087-1097; Pearson 1993, Science 261, 189-192].

    The cubic product aliases modes between 1/2 and 2/3 of the highest one; diffusion leaves nothing there on a grid
    that resolves the fronts.
    """

    lattice: Lattice
    name: str

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(f"{self.name}.{field}" for field in ("feed", "kill", "diffusivity_food", "diffusivity_catalyst"))

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        return {
            "food": Quantity("1", lambda field, params: field[:, 0]),
            "catalyst": Quantity("1", lambda field, params: field[:, 1]),
        }

    @property
    def carried(self) -> tuple[str, ...]:
        return ("food", "catalyst")

    @property
    def groups(self) -> tuple[int, ...]:
        return (1, 1)

    def symbol(self, params: Params) -> Tensor:
        feed, kill, food, catalyst = (per_mode(params[a].double(), self.lattice) for a in self.addresses)
        k2 = self.lattice.k_squared
        return torch.cat([-food * k2 - feed, -catalyst * k2 - feed - kill], dim=1)

    def rate(self, spectrum: Tensor, params: Params) -> Tensor:
        u, v = self.lattice.inverse(spectrum).unbind(1)
        eaten = u * v.square()
        fed = params[self.addresses[0]].view(-1, *[1] * self.lattice.dim)
        return self.lattice.forward(torch.stack([fed - eaten, eaten], dim=1))

    def frequency(self, field: Tensor, params: Params) -> Tensor:
        """The largest slope of the reaction: v^2 + 2 |u v|."""
        u, v = field.unbind(1)
        return (v.square() + 2.0 * (u * v).abs()).flatten(1).amax(1).clamp(min=1e-3)

    @property
    def units(self) -> Mapping[str, str]:
        return {"food": metres(self.lattice.dim), "catalyst": metres(self.lattice.dim)}

    def summary(self, field: Tensor, params: Params) -> dict[str, Tensor]:
        amount = self.lattice.integral(field)
        return {"food": amount[:, 0], "catalyst": amount[:, 1]}
