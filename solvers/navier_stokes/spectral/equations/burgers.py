"""Burgers' equation: steepening waves and the viscosity that rounds their fronts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.spectral.lattice import Lattice
from scenegrad.solvers.navier_stokes.spectral.quantity import Quantity
from scenegrad.solvers.navier_stokes.spectral.seeing import as_vector, per_mode, speed_bound

__all__ = ["BurgersEquation"]


@dataclass(frozen=True)
class BurgersEquation:
    """u_t + u.grad u = viscosity laplace u, for as many components as there are dimensions.

    In one dimension the product is taken as (u^2 / 2)_x, which keeps the mean to rounding [Burgers 1948, Adv. Appl.
    Mech. 1, 171-199].
    """

    lattice: Lattice
    name: str

    @property
    def addresses(self) -> tuple[str, ...]:
        return (f"{self.name}.viscosity",)

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        return {"velocity": Quantity("m/s", lambda field, params: as_vector(field))}

    @property
    def carried(self) -> tuple[str, ...]:
        return ("velocity",)

    @property
    def groups(self) -> tuple[int, ...]:
        return (self.lattice.dim,)

    def symbol(self, params: Params) -> Tensor:
        return -per_mode(params[f"{self.name}.viscosity"].double(), self.lattice) * self.lattice.k_squared

    def rate(self, spectrum: Tensor, params: Params) -> Tensor:
        grid, u = self.lattice, self.lattice.inverse(spectrum)
        if grid.dim == 1:
            return -0.5 * grid.gradient * grid.forward(u.square())
        slopes = grid.inverse(grid.gradient * spectrum.unsqueeze(2))  # [batch, component, along, *cells]
        return -grid.forward((u.unsqueeze(1) * slopes).sum(2))

    def frequency(self, field: Tensor, params: Params) -> Tensor:
        return speed_bound(field, self.lattice)

    @property
    def units(self) -> Mapping[str, str]:
        dim = self.lattice.dim
        return {"kinetic_energy": f"m^{dim + 2}/s^2", "momentum": f"m^{dim + 1}/s"}

    def summary(self, field: Tensor, params: Params) -> dict[str, Tensor]:
        return {
            "kinetic_energy": 0.5 * self.lattice.integral(field.square()).sum(1),
            "momentum": self.lattice.integral(field),
        }
