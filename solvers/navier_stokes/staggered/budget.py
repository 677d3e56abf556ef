"""How a flow on a staggered grid keeps its laws, term by term."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.signals import Signal
from scenegrad.solvers.navier_stokes.staggered.advection import Central, Paused
from scenegrad.solvers.navier_stokes.staggered.friction import slopes_squared
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.inflow import energy_carried_in
from scenegrad.solvers.navier_stokes.staggered.leftover import leftover
from scenegrad.solvers.navier_stokes.staggered.obstacles.immersed import Immersion
from scenegrad.solvers.navier_stokes.staggered.physics import Physics
from scenegrad.solvers.navier_stokes.staggered.projection import divergence
from scenegrad.solvers.navier_stokes.staggered.sides import Known
from scenegrad.solvers.navier_stokes.staggered.solver import StaggeredSolver
from scenegrad.solvers.navier_stokes.staggered.state import StaggeredState
from scenegrad.solvers.navier_stokes.staggered.stepping import Stepper, shares_of
from scenegrad.solvers.navier_stokes.staggered.strain import gradient
from scenegrad.solvers.navier_stokes.staggered.vorticity import EdgeVorticity
from scenegrad.solvers.shared.roots import root
from scenegrad.solvers.shared.shells import WaveShells

__all__ = ["Budget"]

SHARE = 0.3  # of the longest step, for a first frame beside bodies
Fields = list[Tensor]  # one for each component, on its faces


@dataclass(frozen=True)
class Budget:
    """With the solver's own rates of change by each of their causes, u_t = sum_c a_c, the pressure among them,

        d/dt density/2 sum of u^2 = sum_c density sum of u . a_c,  d/dt 1/2 sum of w^2 = sum_c sum of w . curl a_c,

    sums over faces and edges of cells, each with its volume. They close to rounding with the rates of the equations in
    space; what is not a law of the fluid, but of the scheme that carries it, has a term of its own: `numerical`, zero
    for central differences in a periodic box, and otherwise what remains of transport once what comes in has been
    counted.

    Sides whose speed changes push the fluid before them, the cause `sides`. What joins fluid and bodies is part of a
    step and has no rate: beside bodies the rates are those of one step of the solver from the frame, as long as the
    last one, and `obstacles` is what they leave to all other causes. Where sides or bodies change with time and it is
    not told, what depends on them is left out.
    """

    solver: StaggeredSolver

    @property
    def stepper(self) -> Stepper:
        return self.solver.stepper

    @property
    def grid(self) -> Grid:
        return self.stepper.grid

    @property
    def physics(self) -> Physics:
        return self.stepper.physics

    @cached_property
    def edges(self) -> EdgeVorticity:
        return EdgeVorticity(self.grid, self.physics.sides)

    @cached_property
    def shells(self) -> WaveShells:
        return WaveShells(self.grid.cells, self.grid.size, self.grid.periodic, self.grid.device)

    @property
    def walled(self) -> bool:
        return not all(self.grid.periodic)

    @property
    def open(self) -> bool:
        return any(side.kind in ("inflow", "outflow") for side in self.physics.sides.sides.values())

    @property
    def steady(self) -> bool:
        """Whether sides and bodies say the same at all times."""
        sources = [s for side in self.physics.sides.sides.values() for s in (*side.velocity, side.pressure) if s]
        told = [getattr(source.given, "peak", source.given) for source in sources]
        still = self.stepper.obstacles is None or self.stepper.obstacles.still
        return still and not any(isinstance(one, Signal) for one in told)

    @property
    def units(self) -> Mapping[str, str]:
        dim = self.grid.dim
        depth = "/m" if dim == 2 else ""
        found = {"divergence_max": "1/s", "divergence_rms": "1/s", "residual": "m/s^2", "wavenumber": "1/m"}
        found |= {"kinetic_energy": f"J{depth}", "spectrum": f"J{depth}"}
        found |= {"enstrophy": f"m^{dim}/s^2", "palinstrophy": "m/s^2" if dim == 3 else "1/s^2"}
        causes = ("rate", "forcing", "buoyancy", "drag", "viscosity", "eddies", "walls", "pressure", "inflow")
        for cause in (*causes, "sides", "obstacles", "numerical", "stretching"):
            found |= {f"energy_{cause}": f"W{depth}", f"enstrophy_{cause}": f"m^{dim}/s^3"}
        return found

    def __call__(self, state: StaggeredState, params: Params, time: Tensor | None = None) -> dict[str, Tensor]:
        physics, grid = self.physics, self.grid
        density = params[f"{physics.fluid}.density"]
        told = time is not None or self.steady
        time = torch.zeros(len(density), dtype=torch.float64) if time is None else time
        known = physics.sides.at(params, time)
        solid = self.stepper.solid(params, time)
        u = list(state.velocity)
        gap = divergence(grid, physics.sides, u).flatten(1)
        found = {
            "divergence_max": gap.abs().amax(1),
            "divergence_rms": root(gap.square().mean(1)),
            "kinetic_energy": 0.5 * density * self.inner(u, u),
        }
        parts, faster = self.parts(u, state.tracers, params, known), physics.sides.faster(params, time)
        if faster.velocity:
            parts["sides"] = [
                physics.sides.impose(torch.zeros_like(one), c, faster) for c, one in zip(grid.axes, u, strict=True)
            ]
        pushes, held, kinematic = self.together(parts, state.pressure, params, known, solid)
        w = self.edges.curl(u, known)
        energies = self.energies(u, parts, pushes, held, known, params)
        found |= {f"energy_{cause}": density * power for cause, power in energies.items()}
        found |= {"enstrophy": 0.5 * self.edges.inner(w, w), "palinstrophy": 0.5 * self.edges.slopes_squared(w)}
        spins = self.spins(u, w, found["palinstrophy"], parts, pushes, held, known, faster, params)
        found |= {f"enstrophy_{cause}": power for cause, power in spins.items()}
        if self.shells.axes:
            power = self.shells.power(u, [self.weights(c) for c in grid.axes])
            found["spectrum"] = 0.5 * density[:, None] * power
        found["residual"] = leftover(physics, u, parts, pushes, kinematic, state.tracers, params, solid)
        if not told:
            untold = ("rate", "walls", "pressure", "inflow", "sides", "obstacles", "numerical")
            lost = {f"{law}_{cause}" for law in ("energy", "enstrophy") for cause in untold} | {"residual"}
            found = {name: value for name, value in found.items() if name not in lost}
        elif solid is not None:
            found |= self.beside_bodies(found, state, params, time)
        return found

    def beside_bodies(
        self, found: Mapping[str, Tensor], state: StaggeredState, params: Params, time: Tensor
    ) -> dict[str, Tensor]:
        """Rates of one step, and what they leave to the bodies."""
        dt = SHARE * self.solver.max_dt(state, params).to("cpu", torch.float64)
        if state.pace is not None:
            before = state.frequency.cpu()
            dt = torch.where(before > 0.0, 1.0 / before.clamp(min=1e-300), dt)
        after, sides = self.solver.step(state, params, time, dt).state, self.physics.sides
        now, then = state.velocity, after.velocity
        curls = [self.edges.curl(u, sides.at(params, t)) for u, t in ((now, time), (then, time + dt))]
        gained = {  # a^2 - b^2 = (a - b) (a + b), which does not cancel
            "energy": params[f"{self.physics.fluid}.density"] * self.inner(*gap_and_sum(now, then)),
            "enstrophy": self.edges.inner(*gap_and_sum(*curls)),
        }
        made: dict[str, Tensor] = {}
        for law, gain in gained.items():
            rate, own = 0.5 * gain / dt.to(gain), (f"{law}_rate", f"{law}_obstacles")
            others = [value for name, value in found.items() if name.startswith(f"{law}_") and name not in own]
            made |= {f"{law}_rate": rate, f"{law}_obstacles": rate - torch.stack(others).sum(0)}
        return made

    # ---- causes

    def parts(self, u: Fields, tracers: Tensor | None, params: Params, known: Known) -> dict[str, Fields]:
        """Rates of change by their causes; 0 on faces that hold a value."""
        physics, transport = self.physics, self.physics.transport
        if self.stepper.paths is not None:
            transport = replace(transport, scheme=Central())  # what paths do has no rate of its own
        alone = replace(transport, scheme=Paused())
        found = {"numerical": transport.of_velocity(u, None, known)}
        if physics.viscous:
            found["viscosity"] = alone.of_velocity(u, physics.number(params, f"{physics.fluid}.viscosity"), known)
        if physics.eddies is not None:
            eddy = physics.eddies.viscosity(u, physics.number(params, physics.eddies.address), known)
            found["eddies"] = alone.of_velocity(u, None, known, physics.eddies, eddy)
        if physics.damped:
            drag = physics.number(params, f"{physics.fluid}.drag")
            found["drag"] = [-drag * one for one in u]
        if physics.force is not None:
            found["forcing"] = [p.expand_as(one) for p, one in zip(physics.force.at(params), u, strict=True)]
        lift = [torch.zeros_like(one) for one in u]
        for number, one in enumerate(physics.carried):
            if one.buoyant:
                assert tracers is not None
                lift = physics.lifted(lift, tracers[:, number], number, params, known)
                found["buoyancy"] = lift
        still = self.stepper.projection.still
        return {cause: still(part) for cause, part in found.items()}

    def together(
        self, parts: Mapping[str, Fields], pressure: Tensor, params: Params, known: Known, solid: Immersion | None
    ) -> tuple[Fields, Fields, Tensor]:
        """What pressure and standing bodies have in the velocity's rate of change, and pressure over density."""
        density = self.physics.number(params, f"{self.physics.fluid}.density")
        free = [torch.stack(rates).sum(0) for rates in zip(*parts.values(), strict=True)]
        at_outflow = replace(known, pressure={place: p / density for place, p in known.pressure.items()})
        shares = shares_of(solid)
        slowed = free if shares is None else [share * a for share, a in zip(shares, free, strict=True)]
        whole, kinematic = self.stepper.projection(slowed, at_outflow, shares, (pressure / density).detach())
        held = [a - b for a, b in zip(slowed, free, strict=True)]
        return [a - b for a, b in zip(whole, slowed, strict=True)], held, kinematic

    # ---- energy

    def energies(
        self, u: Fields, parts: Mapping[str, Fields], pushes: Fields, held: Fields, known: Known, params: Params
    ) -> dict[str, Tensor]:
        """Work of each cause on the flow, per density [batch]."""
        found = {cause: self.inner(u, part) for cause, part in parts.items()}
        found["pressure"] = self.inner(u, pushes)
        found["obstacles"] = self.inner(u, held)
        rate = torch.stack(list(found.values())).sum(0)
        if self.physics.viscous:
            lost = params[f"{self.physics.fluid}.viscosity"] * slopes_squared(self.physics.sides, u, known)
            found["walls"] = found["viscosity"] + lost
            found["viscosity"] = -lost
        found["inflow"] = energy_carried_in(self.physics.sides, u, known)
        found["numerical"] = found["numerical"] - found["inflow"]
        return {"rate": rate} | self.told(found)

    def told(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        """Without the terms of which there is nothing here."""
        there = {"walls": self.walled, "pressure": self.walled, "inflow": self.open}
        there["obstacles"] = self.stepper.obstacles is not None
        return {cause: value for cause, value in found.items() if there.get(cause, True)}

    def weights(self, component: int) -> Tensor:
        """Volume of each face, the outermost of them having half a cell [*faces] [m^dim]."""
        grid, count = self.grid, self.grid.count(component, component)
        weight = torch.full((count,), grid.volume, device=grid.device, dtype=grid.dtype)
        if not self.grid.periodic[component]:
            weight[0] = weight[-1] = 0.5 * self.grid.volume
        return weight.view([-1 if axis == component else 1 for axis in self.grid.axes])

    def inner(self, a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
        """Integral of a . b [batch]"""
        columns = zip(self.grid.axes, a, b, strict=True)
        return torch.stack([(x * y * self.weights(c)).flatten(1).sum(1) for c, x, y in columns]).sum(0)

    # ---- enstrophy

    def spins(
        self,
        u: Fields,
        w: Fields,
        palinstrophy: Tensor,
        parts: Mapping[str, Fields],
        pushes: Fields,
        held: Fields,
        known: Known,
        faster: Known,
        params: Params,
    ) -> dict[str, Tensor]:
        """What each cause adds to half of the integral of w^2 [batch]."""
        found = {cause: self.edges.inner(w, self.edges.curl(part)) for cause, part in parts.items()}
        if "sides" in found:
            found["sides"] = self.edges.inner(w, self.edges.curl(parts["sides"], faster))
        found["pressure"] = self.edges.inner(w, self.edges.curl(pushes))
        found["obstacles"] = self.edges.inner(w, self.edges.curl(held))
        rate = torch.stack(list(found.values())).sum(0)
        if self.physics.viscous:
            lost = 2.0 * params[f"{self.physics.fluid}.viscosity"] * palinstrophy
            found["walls"] = found["viscosity"] + lost
            found["viscosity"] = -lost
        if self.grid.dim == 3:
            found["stretching"] = self.stretching(u, known)
            found["numerical"] = found["numerical"] - found["stretching"]
        return {"rate": rate} | self.told(found)

    def stretching(self, u: Fields, known: Known) -> Tensor:
        """Integral of w . S w, from slopes in the middles of the cells [batch]."""
        closed = [self.physics.sides.closed(one, axis) for axis, one in zip(self.grid.axes, u, strict=True)]
        slope = gradient(self.grid, self.physics.sides, closed, known)
        w = (slope[2][1] - slope[1][2], slope[0][2] - slope[2][0], slope[1][0] - slope[0][1])
        terms = [w[c] * slope[c][a] * w[a] for c in range(3) for a in range(3)]
        return torch.stack(terms).sum(0).flatten(1).sum(1) * self.grid.volume


def gap_and_sum(a: Sequence[Tensor], b: Sequence[Tensor]) -> tuple[Fields, Fields]:
    columns = list(zip(a, b, strict=True))
    return [y - x for x, y in columns], [x + y for x, y in columns]
