"""What bounds the step on a staggered grid, and which cell does."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.staggered.integrators import AdamsBashforth, RungeKutta
from scenegrad.solvers.navier_stokes.staggered.physics import Physics
from scenegrad.solvers.navier_stokes.staggered.state import StaggeredState

__all__ = ["Bounds"]

PATH = 5.0  # cells that a path may cross in a step


@dataclass(frozen=True)
class Bounds:
    """1 / dt >= advection + diffusion + drag + push dt, each the largest rate that the method can bear.

    paths: whether fields are carried along paths, in the place of fluxes.
    """

    physics: Physics
    method: AdamsBashforth | RungeKutta
    paths: bool

    @property
    def inverse(self) -> Tensor:
        """1 / spacing [dim]"""
        grid = self.physics.grid
        return torch.tensor([1.0 / h for h in grid.spacing], dtype=torch.float64, device=grid.device)

    @property
    def reach(self) -> float:
        """Steps that it takes to cross a cell."""
        if self.paths:
            return 1.0 / PATH
        return max(1.0 / self.method.imaginary, self.physics.transport.scheme.upwind / self.method.real)

    def rates(self, state: StaggeredState, params: Params, imposed: Tensor) -> dict[str, Tensor]:
        """By their names; push [1/s^2], the others [1/s], float64 [batch]. imposed: largest speeds of sides and bodies
        along each axis [batch, dim]."""
        physics, inverse = self.physics, self.inverse
        speeds = torch.stack([u.flatten(1).abs().amax(1) for u in state.velocity], dim=1).double()
        speeds = torch.maximum(speeds, imposed.to(speeds))
        advection = (speeds * inverse).sum(1) * self.reach
        spread = torch.zeros_like(advection)
        for address in self.diffusivities():
            spread = torch.maximum(spread, params[address].double())
        spread = spread + physics.largest_eddy(state.velocity, params)
        drag = torch.zeros_like(advection)
        if physics.damped:
            drag = params[f"{physics.fluid}.drag"].double() / self.method.real
        return {
            "advection": advection,
            "diffusion": 4.0 * spread * inverse.square().sum() / self.method.real,
            "drag": drag,
            "push": (physics.accelerations(state.tracers, params).double() * inverse).sum(1) * self.reach,
        }

    def diffusivities(self) -> list[str]:
        """Addresses of those that explicit steps feel."""
        physics = self.physics
        if physics.implicit:
            return []
        own = [f"{physics.fluid}.viscosity"] if physics.viscous else []
        return own + [f"{one.name}.diffusivity" for one in physics.carried if one.diffuses]

    def longest(self, state: StaggeredState, params: Params, imposed: Tensor) -> Tensor:
        """A force that acts for dt adds F dt to the velocity, so that dt solves  rate dt + push dt^2 = 1 [batch]."""
        rates = self.rates(state, params, imposed)
        rate = rates["advection"] + rates["diffusion"] + rates["drag"]
        return 2.0 / (rate + (rate.square() + 4.0 * rates["push"]).sqrt())

    # ---- in words

    def limit(self, state: StaggeredState, params: Params, imposed: Tensor, member: int) -> str:
        """What bounds the step of a member most, where, and what can be done about it."""
        found = {name: float(rate[member]) for name, rate in self.rates(state, params, imposed).items()}
        found["push"] = found["push"] ** 0.5
        worst = max(found, key=lambda name: found[name])
        if worst == "diffusion":
            return self.by_diffusion(state, params, member)
        if worst == "drag":
            return f"It is set by the drag of {self.physics.fluid}: less of it allows a larger dt."
        if worst == "push":
            return self.by_push(state, params, member)
        return self.by_flow(state, imposed, member)

    def by_flow(self, state: StaggeredState, imposed: Tensor, member: int) -> str:
        inverse = self.inverse
        inside = [u[member].abs().double() * k for u, k in zip(state.velocity, inverse, strict=True)]
        beside = imposed[member].to(inverse) * inverse
        axis = int(torch.maximum(torch.stack([one.max() for one in inside]), beside).argmax())
        h = self.physics.grid.spacing[axis]
        if float(beside[axis]) > float(inside[axis].max()):
            where = "at a side or body"
            speed = float(beside[axis]) * h
        else:
            where = f"at face {place(inside[axis])} across {'xyz'[axis]}"
            speed = float(inside[axis].max()) * h
        steady = self.paths or not isinstance(self.method, AdamsBashforth)
        mend = "larger cells or a slower flow" if steady else "larger cells, a slower flow or integrator='rk3'"
        return (
            f"It is set by the flow {where}, where {'uvw'[axis]} = {speed:.3g} m/s crosses cells of {h:.3g} m; {mend} "
            f"allow a larger dt."
        )

    def by_diffusion(self, state: StaggeredState, params: Params, member: int) -> str:
        h = min(self.physics.grid.spacing)
        own = {address: float(params[address][member]) for address in self.diffusivities()}
        eddy, eddies = 0.0, self.physics.eddies
        if eddies is not None:
            constant = self.physics.number(params, eddies.address)
            known = self.physics.sides.extremes(params, len(constant))
            field = torch.stack([eddies.viscosity(state.velocity, constant, one)[member] for one in known]).amax(0)
            eddy = 2.0 * float(field.max())
            if eddy > max(own.values(), default=0.0):
                return (
                    f"It is set by the eddies below the grid in cell {place(field)}, whose viscosity is {eddy / 2:.3g} "
                    f"m^2/s in cells of {h:.3g} m; a smaller {eddies.address} or larger cells allow a larger dt."
                )
        address = max(own, key=lambda name: own[name])
        return (
            f"It is set by {address} = {own[address]:.3g} m^2/s in cells of {h:.3g} m; "
            f"method=Staggered(viscosity='implicit') lifts that bound, and larger cells raise it fourfold when doubled."
        )

    def by_push(self, state: StaggeredState, params: Params, member: int) -> str:
        physics = self.physics
        strength = float((physics.accelerations(state.tracers, params)[member].double() * self.inverse).max())
        where = ""
        if state.tracers is not None:
            lifts = [
                state.tracers[member, n].abs() * float(params[f"{one.name}.buoyancy"][member].abs().max())
                for n, one in enumerate(physics.carried)
                if one.buoyant
            ]
            if lifts:
                strongest = max(lifts, key=lambda field: float(field.max()))
                where = f", its buoyancy strongest in cell {place(strongest)}"
        h = min(physics.grid.spacing)
        return (
            f"It is set by what pushes {physics.fluid}{where}: {strength * h:.3g} m/s^2 across cells of {h:.3g} m; a "
            f"weaker force or larger cells allow a larger dt."
        )


def place(field: Tensor) -> str:
    """Where a field is largest, as (i, j, k)."""
    at = torch.unravel_index(field.argmax(), field.shape)
    return f"({', '.join(str(int(i)) for i in at)})"
