"""How a gas or shallow water in finite volumes keeps its laws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.domain import AXES
from scenegrad.solvers.navier_stokes.finite_volume.solver import FiniteVolumeSolver
from scenegrad.solvers.navier_stokes.finite_volume.state import FlowState
from scenegrad.solvers.shared.roots import root
from scenegrad.solvers.shared.shells import WaveShells
from scenegrad.solvers.shared.units import MOMENTUM

__all__ = ["Budget"]

MARGIN = 3  # cells that differences of sixth order look at on either side
SIXTH = (45.0 / 60.0, -9.0 / 60.0, 1.0 / 60.0)


@dataclass(frozen=True)
class Budget:
    """Sums over the box, and what the solver's own fluxes carry into it through each side that is not periodic,

        d/dt sum of (density, momentum, energy) = sum over sides of what comes in + what obstacles push,

    exact to rounding at the instant of the frame, for the solver changes its cells by these fluxes and nothing else.
    The solver sums them, stage by stage, as `entered`; what is there less what has entered is `kept` for ever.
    The rates are not differentiated, the sums are. time: of the frame [batch]; where sides change with time and it is
    not told, the rates are left out.
    """

    solver: FiniteVolumeSolver

    @cached_property
    def shells(self) -> WaveShells:
        grid = self.solver.grid
        return WaveShells(grid.cells, grid.size, self.solver.wraps, self.solver.work.device)

    @property
    def gas(self) -> bool:
        return self.solver.law.name == "gas"

    @property
    def laws(self) -> dict[str, slice]:
        """Conserved quantities, by where they stand."""
        dim = self.solver.grid.dim
        found = {"mass": slice(0, 1), "momentum": slice(1, 1 + dim)}
        return found | ({"energy": slice(1 + dim, 2 + dim)} if self.gas else {})

    @property
    def units(self) -> Mapping[str, str]:
        dim = self.solver.grid.dim
        per = {1: "/m^2", 2: "/m", 3: ""}[dim]
        mass, joule = (f"kg{per}", f"J{per}") if self.gas else (f"m^{dim + 1}", f"m^{dim + 3}/s^2")
        volume = "kg/m^3" if self.gas else "m"
        momentum = MOMENTUM[dim] if self.gas else f"m^{dim + 2}/s"
        flux = {"mass": f"{mass}/s", "momentum": f"N{per}" if self.gas else f"m^{dim + 2}/s^2", "energy": f"W{per}"}
        found = {"mass": mass, "momentum": momentum, "wavenumber": "1/m", "enstrophy": f"m^{dim}/s^2"}
        found |= dict.fromkeys(("kinetic_energy", "internal_energy", "potential_energy", "energy", "spectrum"), joule)
        found |= {"entropy": f"J/K{per}", "density_min": "kg/m^3", "pressure_min": "Pa", "depth_min": "m"}
        found |= {"mass_residual": f"{volume}/s", "momentum_residual": "N/m^3" if self.gas else "m^2/s^2"}
        found["energy_residual"] = "W/m^3"
        for law in self.laws:
            sides = [f"{AXES[axis]}_{end}" for axis in range(dim) for end in ("lo", "hi")]
            found |= {f"{law}_{cause}": flux[law] for cause in ("rate", "obstacles", *sides)}
            found |= {f"{law}_{name}": found[law] for name in ("entered", "kept")}
            found |= {f"{law}_entered_{cause}": found[law] for cause in ("obstacles", *sides)}
        return found

    def __call__(self, state: FlowState, params: Params, time: Tensor | None = None) -> dict[str, Tensor]:
        measures, dim = self.solver.measures, self.solver.grid.dim
        totals = measures.totals(state, params)
        w = measures.law.primitive(state.conserved, measures.constant(params))
        found = {"mass": totals["mass"], "momentum": totals["momentum"], "energy": totals["total_energy"]}
        found |= {name: value for name, value in totals.items() if name.endswith("_energy") and name != "total_energy"}
        if self.gas:
            found["entropy"] = self.entropy(w, params)
            found["density_min"], found["pressure_min"] = (w[:, n].flatten(1).amin(1) for n in (0, -1))
        else:
            found["depth_min"] = w[:, 0].flatten(1).amin(1)
        if dim > 1:
            spin = measures.vorticity(w[:, 1 : 1 + dim])
            found["enstrophy"] = self.whole(0.5 * (spin.square() if dim == 2 else spin.square().sum(-1)), params)
        if self.shells.axes:
            heavy = (0.5 * w[:, :1]).sqrt() * w[:, 1 : 1 + dim] * self.free(w, params).sqrt().unsqueeze(1)
            found["spectrum"] = self.shells.power(heavy.unbind(1), [self.solver.grid.volume] * dim)
        if state.entered is not None:
            found |= self.since_the_start(found, state.entered)
        if time is not None or not self.solver.changes:
            with torch.no_grad():
                found |= self.through(state, params, time)
        return found

    def since_the_start(self, now: Mapping[str, Tensor], entered: Tensor) -> dict[str, Tensor]:
        """What came in by each cause, by all, and what is there without it."""
        found: dict[str, Tensor] = {}
        for law, fields in self.laws.items():
            each = entered[:, :, fields] if law == "momentum" else entered[:, :, fields.start]
            whole = each.sum(1)
            found |= {f"{law}_entered": whole, f"{law}_kept": now[law] - whole}
            causes = zip(self.solver.work.entering.causes, each.unbind(1), strict=True)
            found |= {f"{law}_entered_{cause}": one for cause, one in causes}
        return found

    def free(self, w: Tensor, params: Params) -> Tensor:
        """Share of each cell that is free [batch, *cells]."""
        obstacles = self.solver.measures.obstacles
        if obstacles is None:
            return torch.ones_like(w[:, 0])
        return obstacles.free(obstacles.open(params)).view_as(w[:, 0]).to(w.dtype)

    def whole(self, field: Tensor, params: Params) -> Tensor:
        return (field * self.free(field.unsqueeze(1), params)).double().flatten(1).sum(1) * self.solver.grid.volume

    def entropy(self, w: Tensor, params: Params) -> Tensor:
        """density R / (gamma - 1) log(p / density^gamma), up to a multiple of the mass; it never falls by itself."""
        gamma = self.solver.measures.constant(params).to(w.dtype).view(-1, *[1] * self.solver.grid.dim)
        gas = params[f"{self.solver.measures.name}.gas_constant"].to(w.dtype).view_as(gamma)
        each = w[:, 0] * gas / (gamma - 1.0) * (w[:, -1].log() - gamma * w[:, 0].log())
        return self.whole(each, params)

    # ---- what the solver's fluxes do

    def through(self, state: FlowState, params: Params, time: Tensor | None) -> dict[str, Tensor]:
        work, batch = self.solver.work, len(state.conserved)
        now = torch.zeros(batch, dtype=torch.float64) if time is None else time
        rooms = self.fluxes(state, params, now)
        causes = work.entering.causes
        rates = state.conserved.new_zeros(batch, 0, work.fields, dtype=torch.float64)
        if causes:
            rates = work.entering.rates(rooms["flux rubbed"], rooms["push"])
        found: dict[str, Tensor] = {}
        for law, fields in self.laws.items():
            each = rates[:, :, fields] if law == "momentum" else rates[:, :, fields.start]
            found |= {f"{law}_{cause}": one for cause, one in zip(causes, each.unbind(1), strict=True)}
            found[f"{law}_rate"] = each.sum(1)
        shape = (batch, self.solver.grid.dim, work.fields, *self.solver.grid.padded[: self.solver.grid.dim])
        return found | self.residuals(state, params, rooms["flux"].view(shape))

    def fluxes(self, state: FlowState, params: Params, now: Tensor) -> dict[str, Tensor]:
        """Of the solver's own passes: fluxes, the same with friction, and what obstacles push."""
        work, dim, batch = self.solver.work, self.solver.grid.dim, len(state.conserved)
        u = state.conserved.detach().contiguous().view(batch, work.fields, -1)
        padded, dt = prod(self.solver.grid.padded), torch.zeros(batch, dtype=torch.float64)
        rooms = {"w": u.new_zeros(batch, work.fields, padded), "flux": u.new_zeros(batch, dim, work.fields, padded)}
        rooms["flux rubbed"] = torch.zeros_like(rooms["flux"]) if work.viscous else rooms["flux"]
        rooms["push"] = torch.zeros_like(u)
        with work.stream():
            arguments = work.arguments(self.solver.make(params.detach(), now), dt) | {"u": work.view(u)}
            arguments |= {name: work.view(room) for name, room in rooms.items()}
            work.fill.run(arguments)
            work.rate(arguments)
        return rooms

    def residuals(self, state: FlowState, params: Params, flux: Tensor) -> dict[str, Tensor]:
        """u_t + div F(u) - (friction and conduction), with the solver's own u_t and div F from differences of sixth
        order: the root of the mean square over the cells whose stencils see no side and no obstacle. Of the order of
        the solver's own error in space where the flow is smooth; of the size 1 / dx at a shock."""
        solver, grid, dim = self.solver, self.solver.grid, self.solver.grid.dim
        k = solver.measures.constant(params)
        w = solver.law.primitive(state.conserved, k)
        left = torch.zeros_like(state.conserved)
        seen = (self.free(w, params) == 1.0).to(w.dtype)
        for axis, h in enumerate(grid.spacing):
            low, high = self.layers(flux, axis)
            f = self.exact(state.conserved, w, k, axis)
            left = left - (high - low) / h
            near = seen
            for step, weight in enumerate(SIXTH, start=1):
                left = left + weight / h * (f.roll(-step, axis - dim) - f.roll(step, axis - dim))
                near = near * seen.roll(-step, axis - dim) * seen.roll(step, axis - dim)
            seen = near
        for axis, n in enumerate(grid.cells):
            if not solver.wraps[axis]:
                place = torch.arange(n, device=seen.device)
                kept = ((place >= MARGIN) & (place < n - MARGIN)).to(seen.dtype)
                seen = seen * kept.view([-1 if a == axis else 1 for a in range(dim)])
        count = seen.flatten(1).sum(1).clamp(min=1.0)
        mean = (left.square() * seen.unsqueeze(1)).flatten(2).sum(2) / count[:, None]
        return {f"{law}_residual": root(mean[:, fields].sum(1)) for law, fields in self.laws.items()}

    def layers(self, flux: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        """Fluxes through the lower and the upper faces of all cells along an axis [batch, field, *cells]."""
        grid = self.solver.grid
        where = [slice(grid.ghosts, grid.ghosts + n) for n in grid.cells]
        low = flux[:, axis][(slice(None), slice(None), *where)]
        where[axis] = slice(grid.ghosts + 1, grid.ghosts + 1 + grid.cells[axis])
        return low, flux[:, axis][(slice(None), slice(None), *where)]

    def exact(self, u: Tensor, w: Tensor, k: Tensor, axis: int) -> Tensor:
        """F(u) along an axis in each cell [batch, field, *cells]."""
        speed = w[:, 1 + axis].unsqueeze(1)
        flux = u * speed
        push = w[:, -1] if self.gas else 0.5 * k.to(w.dtype).view(-1, *[1] * self.solver.grid.dim) * u[:, 0].square()
        columns = list(flux.unbind(1))
        columns[1 + axis] = columns[1 + axis] + push
        if self.gas:
            columns[-1] = columns[-1] + w[:, -1] * speed[:, 0]
        return torch.stack(columns, dim=1)
