"""Incompressible flow by its velocity, in two or three dimensions, and what it carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.spectral.lattice import Lattice
from scenegrad.solvers.navier_stokes.spectral.quantity import Quantity
from scenegrad.solvers.navier_stokes.spectral.seeing import as_vector, per_mode, speed_bound

__all__ = ["FlowEquation"]


@dataclass(frozen=True)
class FlowEquation:
    """u_t = P[u x w + f + sum_c buoyancy_c c] + viscosity laplace u - drag u,  c_t = -div(u c) + diffusivity laplace c

    with w = curl u and P the projection on fields without divergence, which takes the gradient of the total pressure
    out [rotational form: Canuto et al. 2007, Spectral Methods, ch. 3]. Channels: the components of u, then the tracers.

    fluid: its name; tracers: theirs, in the order of the channels; buoyant: those of them that push the fluid.
    push: the force at amplitude 1 [batch, dim, *cells] (acceleration); None without forcing.
    """

    lattice: Lattice
    fluid: str
    tracers: tuple[str, ...] = ()
    buoyant: tuple[str, ...] = ()
    push: Tensor | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        own = [f"{self.fluid}.{field}" for field in ("viscosity", "drag", "density")]
        own += [f"{self.fluid}.forcing.amplitude"] if self.push is not None else []
        own += [f"{name}.diffusivity" for name in self.tracers]
        return (*own, *(f"{name}.buoyancy" for name in self.buoyant))

    @property
    def carried(self) -> tuple[str, ...]:
        return ("velocity", *self.tracers)

    @property
    def groups(self) -> tuple[int, ...]:
        return (self.lattice.dim, *(1 for _ in self.tracers))

    def symbol(self, params: Params) -> Tensor:
        grid, k2 = self.lattice, self.lattice.k_squared
        viscosity, drag = (per_mode(params[address].double(), grid) for address in self.addresses[:2])
        flow = (-viscosity * k2 - drag).expand(-1, grid.dim, *grid.modes)
        if not self.tracers:
            return flow[:, :1]
        carried = [-per_mode(params[f"{name}.diffusivity"].double(), grid) * k2 for name in self.tracers]
        return torch.cat([flow, *carried], dim=1)

    def rate(self, spectrum: Tensor, params: Params) -> Tensor:
        grid = self.lattice
        u, c, pushed = self.acceleration(spectrum, params)
        moved = grid.solenoidal(grid.forward(pushed))
        if not self.tracers:
            return moved
        fluxes = grid.forward(u.unsqueeze(1) * c.unsqueeze(2))  # [batch, tracer, along, *modes]
        return torch.cat([moved, -(grid.gradient * fluxes).sum(2)], dim=1)

    def acceleration(self, spectrum: Tensor, params: Params) -> tuple[Tensor, Tensor, Tensor]:
        """Velocity and tracers at the samples, and u x w + all forces [batch, dim, *cells]."""
        grid, dim = self.lattice, self.lattice.dim
        seen = grid.inverse(spectrum)
        u, c = seen[:, :dim], seen[:, dim:]
        w = grid.inverse(self.curl(spectrum[:, :dim]))
        turned = torch.linalg.cross(u, w, dim=1) if dim == 3 else w * torch.stack([u[:, 1], -u[:, 0]], dim=1)
        force = self.force(c, params)
        return u, c, turned if force is None else turned + force

    def force(self, tracers: Tensor, params: Params) -> Tensor | None:
        """Acceleration by the forcing and by buoyancy [batch, dim, *cells]."""
        total = None
        if self.push is not None:
            total = per_mode(params[f"{self.fluid}.forcing.amplitude"], self.lattice) * self.push
        for name in self.buoyant:
            lift = params[f"{name}.buoyancy"]
            lift = lift.view(*lift.shape, *[1] * self.lattice.dim) * tracers[:, self.tracers.index(name), None]
            total = lift if total is None else total + lift
        return total

    def curl(self, flow: Tensor) -> Tensor:
        """[batch, dim, *modes] -> [batch, 3, *modes], or [batch, 1, *modes] in two dimensions."""
        d, u = self.lattice.gradient, flow.unbind(1)
        if self.lattice.dim == 2:
            return (d[0] * u[1] - d[1] * u[0]).unsqueeze(1)
        parts = [d[i] * u[j] - d[j] * u[i] for i, j in ((1, 2), (2, 0), (0, 1))]
        return torch.stack(parts, dim=1)

    def frequency(self, field: Tensor, params: Params) -> Tensor:
        """Of advection, and of the speed that forces F give in a step: the bound on dt solves K (u + F dt) dt = 1."""
        dim = self.lattice.dim
        fast = speed_bound(field[:, :dim], self.lattice).double()
        force = self.force(field[:, dim:], params)
        if force is None:
            return fast
        strong = speed_bound(force, self.lattice).double()
        return 0.5 * (fast + (fast.square() + 4.0 * strong).sqrt())

    # ---- what is seen of it

    @cached_property
    def quantities(self) -> Mapping[str, Quantity]:
        dim = self.lattice.dim
        found = {
            "velocity": Quantity("m/s", lambda field, params: as_vector(field[:, :dim])),
            "vorticity": Quantity("1/s", lambda field, params: as_vector(self.vorticity(field))),
            "pressure": Quantity("Pa", self.pressure),
        }
        return found | {name: Quantity("1", tracer(dim + i)) for i, name in enumerate(self.tracers)}

    def vorticity(self, field: Tensor) -> Tensor:
        return self.lattice.inverse(self.curl(self.lattice.forward(field[:, : self.lattice.dim])))

    def pressure(self, field: Tensor, params: Params) -> Tensor:
        """p = density (P - |u|^2 / 2), laplace P = div(u x w + forces), of zero mean [batch, *cells]."""
        grid, dim = self.lattice, self.lattice.dim
        u, _, pushed = self.acceleration(grid.forward(field), params)
        total = grid.inverse(-grid.inverse_laplacian * (grid.gradient * grid.forward(pushed)).sum(1))
        kinetic = grid.project(0.5 * u.square().sum(1))
        p = total - kinetic + kinetic.mean(grid.axes, keepdim=True)
        return params[f"{self.fluid}.density"].view(-1, *[1] * dim) * p

    @property
    def units(self) -> Mapping[str, str]:
        depth, volume = "/m" if self.lattice.dim == 2 else "", f"m^{self.lattice.dim}"
        found = {"kinetic_energy": "J" + depth, "dissipation": "W" + depth, "energy_input": "W" + depth}
        found |= {"enstrophy": f"{volume}/s^2", "momentum": "kg m/s" + depth, "divergence": "1/s"}
        return found | dict.fromkeys(self.tracers, volume)

    def summary(self, field: Tensor, params: Params) -> dict[str, Tensor]:
        """d(kinetic_energy)/dt = energy_input - dissipation; energies per unit of depth in two dimensions."""
        grid, dim = self.lattice, self.lattice.dim
        u = field[:, :dim]
        density, viscosity, drag = (params[f"{self.fluid}.{name}"] for name in ("density", "viscosity", "drag"))
        energy = 0.5 * density * grid.integral(u.square()).sum(1)
        enstrophy = 0.5 * grid.integral(self.vorticity(field).square()).sum(1)
        force = self.force(field[:, dim:], params)
        work = torch.zeros_like(energy) if force is None else density * grid.integral(u * force).sum(1)
        divergence = grid.inverse((grid.gradient * grid.forward(u)).sum(1))
        found = {
            "kinetic_energy": energy,
            "enstrophy": enstrophy,
            "dissipation": 2.0 * density * viscosity * enstrophy + 2.0 * drag * energy,
            "momentum": density[:, None] * grid.integral(u),
            "energy_input": work,
            "divergence": divergence.square().mean(grid.axes).sqrt(),
        }
        return found | {name: grid.integral(field[:, dim + i]) for i, name in enumerate(self.tracers)}


def tracer(channel: int) -> Callable[[Tensor, Params], Tensor]:
    return lambda field, params: field[:, channel]
