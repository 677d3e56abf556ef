"""What can be read off a flow on a staggered grid: fields in cells, energies and their budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.physics import Physics
from scenegrad.solvers.navier_stokes.staggered.projection import divergence
from scenegrad.solvers.navier_stokes.staggered.sides import Known
from scenegrad.solvers.navier_stokes.staggered.slices import differences, first, inner, last, means
from scenegrad.solvers.navier_stokes.staggered.state import StaggeredState
from scenegrad.solvers.navier_stokes.staggered.strain import gradient, strain_squared

__all__ = ["Diagnostics"]


@dataclass(frozen=True)
class Diagnostics:
    """All are differentiable. Integrals are over the box, in two dimensions per unit of depth."""

    physics: Physics

    @property
    def grid(self) -> Grid:
        return self.physics.grid

    def known(self, params: Params, time: Tensor | None) -> Known:
        """What the sides say at a time; where it is not told, at the start."""
        batch = params[f"{self.physics.fluid}.viscosity"].shape[0]
        return self.physics.sides.at(params, torch.zeros(batch, dtype=torch.float64) if time is None else time)

    def closed(self, state: StaggeredState) -> list[Tensor]:
        return [self.physics.sides.closed(u, axis) for axis, u in zip(self.grid.axes, state.velocity, strict=True)]

    def velocity(self, state: StaggeredState) -> Tensor:
        """In the middles of the cells [batch, *cells, dim]."""
        return self.means(state.velocity)

    def means(self, velocity: Sequence[Tensor]) -> Tensor:
        """Of faces, in the middles of the cells [batch, *cells, dim]."""
        closed = (self.physics.sides.closed(u, axis) for axis, u in zip(self.grid.axes, velocity, strict=True))
        return torch.stack([means(u, axis) for axis, u in zip(self.grid.axes, closed, strict=True)], dim=-1)

    def divergence(self, state: StaggeredState) -> Tensor:
        return divergence(self.grid, self.physics.sides, state.velocity)

    def gradient(self, state: StaggeredState, params: Params, time: Tensor | None = None) -> list[list[Tensor]]:
        """du_c / dx_a in the middles of the cells, as [c][a]."""
        return gradient(self.grid, self.physics.sides, self.closed(state), self.known(params, time))

    def vorticity(self, state: StaggeredState, params: Params, time: Tensor | None = None) -> Tensor:
        """dv/dx - du/dy [batch, *cells]; in three dimensions the curl [batch, *cells, 3]."""
        slope = self.gradient(state, params, time)
        if self.grid.dim == 2:
            return slope[1][0] - slope[0][1]
        return torch.stack([slope[2][1] - slope[1][2], slope[0][2] - slope[2][0], slope[1][0] - slope[0][1]], dim=-1)

    def integral(self, field: Tensor) -> Tensor:
        return field.flatten(1).sum(1) * self.grid.volume

    def kinetic_energy(self, velocity: Sequence[Tensor], density: Tensor) -> Tensor:
        """density / 2 times the sum over faces of u^2, the outermost of them with half a cell each [batch]."""
        total = torch.zeros_like(density)
        for axis, u in zip(self.grid.axes, velocity, strict=True):
            total = total + self.integral(u.square())
            if not self.grid.periodic[axis]:
                total = total - 0.5 * self.integral(first(u, axis).square() + last(u, axis).square())
        return 0.5 * density * total

    def summary(self, state: StaggeredState, params: Params, time: Tensor | None = None) -> dict[str, Tensor]:
        density = params[f"{self.physics.fluid}.density"]
        viscosity = params[f"{self.physics.fluid}.viscosity"]
        strain = strain_squared(self.gradient(state, params, time))
        vorticity = self.vorticity(state, params, time)
        momentum = [
            self.integral(u if self.grid.periodic[axis] else inner(u, axis))
            for axis, u in zip(self.grid.axes, state.velocity, strict=True)
        ]
        found = {
            "kinetic_energy": self.kinetic_energy(state.velocity, density),
            "enstrophy": 0.5 * self.integral(vorticity.square()),
            "dissipation": density * viscosity * self.integral(strain),  # nu |S|^2
            "momentum": density[:, None] * torch.stack(momentum, dim=1),
            "divergence": self.divergence(state).flatten(1).abs().amax(1),
        }
        if state.tracers is not None:
            found["tracer"] = state.tracers.flatten(2).sum(2) * self.grid.volume
        return found

    def flow_of(
        self, state: StaggeredState, number: int, params: Params, axis: int, side: int, time: Tensor | None = None
    ) -> Tensor:
        """How much of a tracer enters through a side: what diffuses there and what is carried, per time [batch]."""
        assert state.tracers is not None
        physics, grid, known = self.physics, self.grid, self.known(params, time)
        q = physics.sides.pad_tracer(state.tracers[:, number], number, axis, 1, known)
        pick = first if side == 0 else last
        sign = 1.0 if side == 0 else -1.0
        slope = pick(differences(q, axis), axis) / grid.spacing[axis]
        speed = pick(self.closed(state)[axis], axis)
        value = pick(means(q, axis), axis)
        through = speed * value - physics.number(params, f"{physics.carried[number].name}.diffusivity") * slope
        source = physics.sides[axis, side].tracers[number]
        if source.kind == "flux":
            through = through + sign * known.tracers[(axis, side), number]
        return sign * through.expand_as(speed).flatten(1).sum(1) * grid.volume / grid.spacing[axis]
