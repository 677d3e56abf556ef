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
from scenegrad.solvers.navier_stokes.staggered.fourth_order import FourthOrder
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.obstacles.immersed import Immersion
from scenegrad.solvers.navier_stokes.staggered.physics import Physics
from scenegrad.solvers.navier_stokes.staggered.projection import divergence
from scenegrad.solvers.navier_stokes.staggered.sides import HI, LO, Known
from scenegrad.solvers.navier_stokes.staggered.slices import differences, first, last, means
from scenegrad.solvers.navier_stokes.staggered.state import StaggeredState
from scenegrad.solvers.navier_stokes.staggered.stepping import Stepper, shares_of
from scenegrad.solvers.navier_stokes.staggered.strain import gradient
from scenegrad.solvers.navier_stokes.staggered.vorticity import EdgeVorticity
from scenegrad.solvers.shared.roots import root
from scenegrad.solvers.shared.shells import WaveShells

__all__ = ["Budget"]

RESOLVED = ("numerical", "viscosity", "buoyancy")  # causes that a stencil of higher order sees differently
Fields = list[Tensor]  # one for each component, on its faces


@dataclass(frozen=True)
class Budget:
    """With the solver's own rates of change by each of their causes, u_t = sum_c a_c, the pressure among them,

        d/dt density/2 sum of u^2 = sum_c density sum of u . a_c,  d/dt 1/2 sum of w^2 = sum_c sum of w . curl a_c,

    sums over faces and edges of cells, each with its volume. They close to rounding with the rates of the equations in
    space; what is not a law of the fluid, but of the scheme that carries it, has a term of its own: `numerical`, zero
    for central differences in a periodic box, and otherwise what remains of transport once what comes in has been
    counted.

    Beside bodies the causes are told without their sum: what joins fluid and body is part of a step. Where sides or
    bodies change with time, what depends on them is left out: a frame does not know its time.
    """

    stepper: Stepper

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
        for cause in (*causes, "obstacles", "numerical", "stretching"):
            found |= {f"energy_{cause}": f"W{depth}", f"enstrophy_{cause}": f"m^{dim}/s^3"}
        return found

    def __call__(self, state: StaggeredState, params: Params) -> dict[str, Tensor]:
        physics, grid = self.physics, self.grid
        density = params[f"{physics.fluid}.density"]
        time = torch.zeros(len(density), dtype=torch.float64)
        known = physics.sides.at(params, time)
        solid = self.stepper.solid(params, time)
        u = list(state.velocity)
        gap = divergence(grid, physics.sides, u).flatten(1)
        found = {
            "divergence_max": gap.abs().amax(1),
            "divergence_rms": root(gap.square().mean(1)),
            "kinetic_energy": 0.5 * density * self.inner(u, u),
        }
        parts = self.parts(u, state.tracers, params, known)
        pushes, held, kinematic = self.together(parts, state.pressure, params, known, solid)
        w = self.edges.curl(u, known)
        energies = self.energies(u, parts, pushes, held, known, params)
        found |= {f"energy_{cause}": density * power for cause, power in energies.items()}
        found |= {"enstrophy": 0.5 * self.edges.inner(w, w), "palinstrophy": 0.5 * self.edges.slopes_squared(w)}
        spins = self.spins(u, w, found["palinstrophy"], parts, pushes, held, known, params)
        found |= {f"enstrophy_{cause}": power for cause, power in spins.items()}
        if self.shells.axes:
            power = self.shells.power(u, [self.weights(c) for c in grid.axes])
            found["spectrum"] = 0.5 * density[:, None] * power
        found["residual"] = self.residual(u, parts, pushes, kinematic, state.tracers, params, solid)
        if self.stepper.obstacles is not None:  # joining fluid and bodies is part of a step and has no rate
            joined = [f"{law}_{cause}" for law in ("energy", "enstrophy") for cause in ("rate", "obstacles")]
            found = {name: value for name, value in found.items() if name not in joined}
        if not self.steady:
            told = ("rate", "walls", "pressure", "inflow", "obstacles", "numerical")
            lost = {f"{law}_{cause}" for law in ("energy", "enstrophy") for cause in told} | {"residual"}
            found = {name: value for name, value in found.items() if name not in lost}
        return found

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
            lost = params[f"{self.physics.fluid}.viscosity"] * self.slopes_squared(u, known)
            found["walls"] = found["viscosity"] + lost
            found["viscosity"] = -lost
        found["inflow"] = self.inflow(u, known)
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

    def slopes_squared(self, u: Fields, known: Known) -> Tensor:
        """Integral of |grad u|^2, such that viscosity takes just so much from faces that may move, and else only passes
        on what walls do [batch] [m^dim/s^2]."""
        grid, sides, parts = self.grid, self.physics.sides, []
        for c, q in zip(grid.axes, u, strict=True):
            for axis, h in zip(grid.axes, grid.spacing, strict=True):
                steps = differences(sides.pad_velocity(q, c, axis, 1, known), axis) / h
                weight = torch.full([1] * grid.dim, grid.volume, device=grid.device, dtype=grid.dtype)
                if axis == c:
                    steps = steps.narrow(axis, 1, grid.cells[axis])
                elif grid.periodic[axis]:
                    steps = steps.narrow(axis, 0, grid.cells[axis])
                else:
                    weight = weight * self.ends(axis, steps.shape[axis], (0.5, 0.5))
                if axis != c and not grid.periodic[c]:
                    moving = [0.5 if sides[c, side].kind == "outflow" else 0.0 for side in (LO, HI)]
                    weight = weight * self.ends(c, steps.shape[c], (moving[0], moving[1]))
                parts.append((steps.square() * weight).flatten(1).sum(1))
        return torch.stack(parts).sum(0)

    def ends(self, axis: int, count: int, shares: tuple[float, float]) -> Tensor:
        weight = torch.ones(count, device=self.grid.device, dtype=self.grid.dtype)
        weight[0], weight[-1] = shares
        return weight.view([-1 if a == axis else 1 for a in self.grid.axes])

    def inflow(self, u: Fields, known: Known) -> Tensor:
        """Kinetic energy per density that the flow carries into the box [batch]."""
        grid, sides = self.grid, self.physics.sides
        closed = {c: sides.closed(q, c) for c, q in zip(grid.axes, u, strict=True)}
        total = torch.zeros(len(u[0]), device=grid.device, dtype=grid.dtype)
        for axis, h in zip(grid.axes, grid.spacing, strict=True):
            for side, pick in ((LO, first), (HI, last)):
                if sides[axis, side].kind not in ("inflow", "outflow"):
                    continue
                across = pick(closed[axis], axis)
                square = across.square()
                for c in grid.axes:
                    if c != axis:
                        ghosted = sides.pad_velocity(means(closed[c], c), c, axis, 1, self.middled(known, c))
                        square = square + pick(means(ghosted, axis), axis).square()
                sign = 1.0 if side == LO else -1.0
                total = total + 0.5 * sign * (square * across).flatten(1).sum(1) * grid.volume / h
        return total

    def middled(self, known: Known, component: int) -> Known:
        """What sides say of a component, where it has been moved to the middles of the cells."""
        n = self.grid.cells[component]
        moved = {
            place: means(value, component) if value.ndim and value.shape[component] == n + 1 else value
            for place, value in known.velocity.items()
        }
        return replace(known, velocity=moved)

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
        params: Params,
    ) -> dict[str, Tensor]:
        """What each cause adds to half of the integral of w^2 [batch]."""
        found = {cause: self.edges.inner(w, self.edges.curl(part)) for cause, part in parts.items()}
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

    # ---- what the equation leaves over

    def residual(
        self,
        u: Fields,
        parts: Mapping[str, Fields],
        pushes: Fields,
        pressure: Tensor,
        tracers: Tensor | None,
        params: Params,
        solid: Immersion | None,
    ) -> Tensor:
        """u_t + div(u u) + grad p / density - viscosity laplace u + drag u - f, with the solver's u_t and p, and every
        slope taken to fourth order: the root of the mean square over the faces whose stencils see no side and no body
        [batch]. Of the order of the solver's own error in space; large where a frame is too rough for its grid."""
        grid, physics, fine = self.grid, self.physics, FourthOrder(self.grid)
        flow = [fine.on_cells(one, c) for c, one in zip(grid.axes, u, strict=True)]
        carried = fine.carried(flow)
        squares, counts = [], []
        for place, (c, seen) in enumerate(zip(grid.axes, fine.seen(shares_of(solid)), strict=True)):
            own = [pushes[place]] + [parts[cause][place] for cause in RESOLVED if cause in parts]
            left = fine.on_cells(torch.stack(own).sum(0), c) + carried[place] + fine.slope_at_lower(pressure, c)
            if physics.viscous:
                left = left - physics.number(params, f"{physics.fluid}.viscosity") * fine.laplace(flow[place])
            for number, one in enumerate(physics.carried):
                if one.buoyant:
                    assert tracers is not None
                    pull = params[f"{one.name}.buoyancy"].to(grid.dtype)[:, place].view(-1, *[1] * grid.dim)
                    left = left - pull * fine.lower(tracers[:, number], c)
            squares.append((left.square() * seen).flatten(1).sum(1))
            counts.append(seen.expand_as(left).flatten(1).sum(1))
        return root(torch.stack(squares).sum(0) / torch.stack(counts).sum(0).clamp(min=1.0))
