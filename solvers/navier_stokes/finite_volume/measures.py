"""What can be read off a flow: its fields, and sums over the box that ought to stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.finite_volume.grid import Grid
from scenegrad.solvers.navier_stokes.finite_volume.laws import Law
from scenegrad.solvers.navier_stokes.finite_volume.obstacles import Obstacles
from scenegrad.solvers.navier_stokes.finite_volume.state import FlowState

__all__ = ["Measures"]


@dataclass(frozen=True)
class Measures:
    """All are differentiable. Sums are per unit of depth in two dimensions, of cross section in one.

    wraps: which axes are periodic. obstacles: they take their share of the cells; None where there are none.
    """

    name: str
    law: Law
    grid: Grid
    wraps: tuple[bool, ...]
    obstacles: Obstacles | None = None

    def constant(self, params: Params) -> Tensor:
        return params[f"{self.name}.{self.law.constant}"]

    def fields(self, state: FlowState, params: Params) -> dict[str, Tensor]:
        """By the names that a scene asks for; vectors have their components last."""
        u, k = state.conserved, self.constant(params)
        w = self.law.primitive(u, k)
        dim = self.grid.dim
        velocity = w[:, 1 : 1 + dim]
        sound = self.law.sound(w, k)
        mach = velocity.square().sum(1).sqrt() / sound.clamp(min=torch.finfo(u.dtype).tiny)
        found = {"velocity": velocity.movedim(1, -1), "mach": mach, "vorticity": self.vorticity(velocity)}
        if self.law.name == "gas":
            gas = params[f"{self.name}.gas_constant"].to(w.dtype).view(-1, *[1] * dim)
            return found | {
                "density": w[:, 0], "pressure": w[:, -1], "temperature": w[:, -1] / (w[:, 0] * gas),
                "energy": u[:, -1], "momentum": u[:, 1:-1].movedim(1, -1), "schlieren": self.slope(w[:, 0]),
            }  # fmt: skip
        return found | {"depth": w[:, 0], "momentum": u[:, 1:].movedim(1, -1), "froude": mach}

    def carried(self, conserved: Tensor, params: Params) -> dict[str, Tensor]:
        """What says the same as the conserved quantities, by name: velocity, and what must be positive."""
        w = self.law.primitive(conserved, self.constant(params))
        scalars = dict(zip(self.law.positive, (w[:, 0], w[:, -1]), strict=False))
        return scalars | {"velocity": w[:, 1 : 1 + self.grid.dim].movedim(1, -1)}

    def conserved(self, carried: Mapping[str, Tensor], params: Params) -> Tensor:
        """Undoes `carried`."""
        first, *last = (carried[name][:, None] for name in self.law.positive)
        w = torch.cat([first, carried["velocity"].movedim(-1, 1), *last], dim=1)
        return self.law.conserved(w, self.constant(params))

    def differences(self, field: Tensor, axis: int) -> Tensor:
        """Central differences along an axis of cells, one-sided at ends that are not periodic."""
        if self.wraps[axis]:
            return (field.roll(-1, axis + 1) - field.roll(1, axis + 1)) / (2.0 * self.grid.spacing[axis])
        return torch.gradient(field, spacing=self.grid.spacing[axis], dim=axis + 1)[0]

    def vorticity(self, velocity: Tensor) -> Tensor:
        """About z in two dimensions; a vector in three; 0 in one [1/s]."""
        if self.grid.dim == 1:
            return torch.zeros_like(velocity[:, 0])
        slope = {
            (f, a): self.differences(velocity[:, f], a) for f in range(self.grid.dim) for a in range(self.grid.dim)
        }
        if self.grid.dim == 2:
            return slope[1, 0] - slope[0, 1]
        return torch.stack([slope[2, 1] - slope[1, 2], slope[0, 2] - slope[2, 0], slope[1, 0] - slope[0, 1]], dim=-1)

    def slope(self, density: Tensor) -> Tensor:
        """|grad rho|, as a schlieren picture shows it."""
        squares = [self.differences(density, axis).square() for axis in range(self.grid.dim)]
        return torch.stack(squares).sum(0).sqrt()

    def totals(self, state: FlowState, params: Params) -> dict[str, Tensor]:
        """Mass, momentum and energies of the whole box; summed in double precision."""
        u, k = state.conserved.double(), self.constant(params).double()
        free = torch.ones_like(u[:, 0])
        if self.obstacles is not None:
            free = self.obstacles.free(self.obstacles.open(params)).view_as(free)
        axes = tuple(range(1, 1 + self.grid.dim))

        def whole(field: Tensor) -> Tensor:
            return (field * free).sum(axes) * self.grid.volume

        w = self.law.primitive(u, k)
        dim = self.grid.dim
        kinetic = whole(0.5 * (u[:, 1 : 1 + dim] * w[:, 1 : 1 + dim]).sum(1))
        found = {
            "mass": whole(u[:, 0]),
            "momentum": torch.stack([whole(u[:, 1 + a]) for a in range(dim)], dim=1),
            "kinetic_energy": kinetic,
        }
        if self.law.name == "gas":
            total = whole(u[:, -1])
            return found | {"internal_energy": total - kinetic, "total_energy": total}
        potential = whole(0.5 * k.view(-1, *[1] * dim) * u[:, 0].square())
        return found | {"potential_energy": potential, "total_energy": kinetic + potential}
