"""Advection and diffusion of one quantity by one velocity everywhere: exact for any step."""

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

__all__ = ["AdvectionDiffusionEquation"]


@dataclass(frozen=True)
class AdvectionDiffusionEquation:
    """c_t + velocity.grad c = diffusivity laplace c, all of it in the symbol -i velocity.k - diffusivity |k|^2."""

    lattice: Lattice
    name: str

    @property
    def addresses(self) -> tuple[str, ...]:
        return (f"{self.name}.velocity", f"{self.name}.diffusivity")

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        return {"concentration": Quantity("1", lambda field, params: field[:, 0])}

    @property
    def carried(self) -> tuple[str, ...]:
        return ("concentration",)

    @property
    def groups(self) -> tuple[int, ...]:
        return (1,)

    def symbol(self, params: Params) -> Tensor:
        grid = self.lattice
        velocity, diffusivity = (params[address].double() for address in self.addresses)
        turning = sum(per_mode(velocity[:, axis], grid) * k for axis, k in enumerate(grid.k))
        assert isinstance(turning, Tensor)
        return torch.complex(-per_mode(diffusivity, grid) * grid.k_squared, -turning)

    def rate(self, spectrum: Tensor, params: Params) -> Tensor:
        return torch.zeros_like(spectrum)

    def frequency(self, field: Tensor, params: Params) -> Tensor:
        """No step is too long; this one moves what is carried by a cell or so."""
        speeds = params[self.addresses[0]].abs()
        return (speeds * speeds.new_tensor(self.lattice.highest)).sum(1).clamp(min=1e-12)

    @property
    def units(self) -> Mapping[str, str]:
        return {"amount": metres(self.lattice.dim), "square": metres(self.lattice.dim)}

    def summary(self, field: Tensor, params: Params) -> dict[str, Tensor]:
        amount = self.lattice.integral(field)[:, 0]
        return {"amount": amount, "square": self.lattice.integral(field.square())[:, 0]}
