"""The material point method: matter is carried by particles, and its motion is solved on a grid that is then forgotten.

Sulsky, Chen, Schreyer 1994; with affine transfers [Jiang et al. 2015] and moving least squares [Hu et al. 2018].
Symplectic Euler: the forces of the old places give the new velocities, which give the new places; or backward Euler,
see implicit/backward_euler.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from scenegrad.engine.capture import Replays
from scenegrad.engine.solver import Program, Step
from scenegrad.engine.state import Params
from scenegrad.scenes.methods import Integrator
from scenegrad.solvers.mpm.bounds import crossing_rates, explicit_rates, limit_of, limit_of_obstacle
from scenegrad.solvers.mpm.colliders.obstacles import ObstacleTables
from scenegrad.solvers.mpm.escape import refuse_escaped, refuse_inverted, refuse_lost
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.matter import Matter
from scenegrad.solvers.mpm.measures import center_of_mass, energies, masses, momenta
from scenegrad.solvers.mpm.networks import Networks
from scenegrad.solvers.mpm.ranges import refuse_negative_friction
from scenegrad.solvers.mpm.refined.workspace import RefinedWorkspace
from scenegrad.solvers.mpm.rigid.clinging import JoinNodes
from scenegrad.solvers.mpm.rigid.measures import with_bodies, with_contact
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.solvers.mpm.tables import Tables
from scenegrad.solvers.mpm.workspace import NAMES, Workspace

__all__ = ["MaterialPointSolver"]

Known = list[tuple[Tensor, int]]  # tensors, and how often each had been written into

SAFE = 0.9  # lone drops that meet a wall were seen to be thrown out of the box above 0.93
# Nodes with less than this share of the lightest particle's mass are taken as empty: their part in any sum is rounding.
LIGHTEST = {torch.float32: 1e-9, torch.float64: 1e-15}


class MaterialPointSolver:
    """Elastic bodies and fluids on one grid of cells dx wide; the fields of ParticleState are its state."""

    order = 1

    def __init__(
        self,
        grid: Grid,
        matter: Matter,
        program: Program[ParticleState],
        networks: Networks | None = None,
        integrator: Integrator | None = None,
    ):
        self.grid, self.matter, self.program = grid, matter, program
        self.networks = networks or Networks()
        self.work = RefinedWorkspace(grid, matter) if matter.refinement else Workspace(grid, matter, integrator)
        if self.work.implicit is not None:
            self.work.implicit.takes_back = program.controller.needs_error
        self.smallest = torch.stack([matter.volume[:, body.slice].amin(1) for body in matter.bodies], dim=1)
        self.replays = None if self.asks_host else Replays()
        self.last: tuple[Known, tuple[Tables, Tensor]] | None = None
        self.last_obstacles: tuple[Known, ObstacleTables] | None = None

    @property
    def asks_host(self) -> bool:
        """Whether a step needs the host: for nodes that follow the particles, sums that are made until something is
        small, modules of which nothing is known, and factorisations."""
        work = self.work
        joins = any(isinstance(each, JoinNodes) and each.places for each in work.solves)
        return self.grid.sparse or joins or work.implicit is not None or bool(self.networks.bodies)

    @torch.no_grad()
    def max_dt(self, state: ParticleState, params: Params) -> Tensor:
        """SAFE times the longest step that every particle allows, see bounds.py; colliders do not cross a cell either,
        and rigid bodies do not swing on what they touch."""
        refuse_escaped(state.position, self.grid, self.matter.bodies)
        refuse_inverted(state.deformation, state.position, self.matter.bodies)
        self.networks.refuse_stiffer(params)
        refuse_negative_friction(params)
        rates = [self.rates(state, params).amax(1), *self.obstacle_rates(state, params).values()]
        return SAFE / torch.stack(rates).amax(dim=0).double()

    def rates(self, state: ParticleState, params: Params) -> Tensor:
        """One over the longest step that each particle allows [1/s], [batch, particle]."""
        tables = self.tables(params.detach()).map(lambda table: table.to(state.position.dtype))
        if self.work.implicit is not None:
            return crossing_rates(state, tables.gravity[:, 0], self.grid)
        return explicit_rates(state, tables.row, self.matter, self.matter.finest(self.grid))

    def limit(self, state: ParticleState, params: Params, member: int) -> str:
        """What bounds the step of a member, and what can be done about it."""
        slow = {name: float(rates[member]) for name, rates in self.obstacle_rates(state, params).items()}
        if slow and max(slow.values()) > float(self.rates(state, params)[member].max()):
            return limit_of_obstacle(max(slow, key=lambda name: slow[name]), self.matter.finest(self.grid))
        rates = self.rates(state, params)
        return limit_of(
            state, rates, self.matter, self.matter.finest(self.grid), member, self.work.implicit is not None
        )

    @torch.no_grad()
    def step(self, state: ParticleState, params: Params, time: Tensor, dt: Tensor) -> Step[ParticleState]:
        told = self.networks.before(state, params)
        after = self.networks.after(self.move(told, params, time, dt), params)
        implicit = self.work.implicit
        return Step(after, None) if implicit is None else Step(implicit.marked(after), implicit.error)

    def move(self, state: ParticleState, params: Params, time: Tensor, dt: Tensor) -> ParticleState:
        """What the kernels do in a step."""
        work = self.work
        with work.stream():
            tables, lightest = self.for_kernels(params, time)
            rub = self.rub(params.detach())
            after = work.step(state, tables, self.slot(tables), dt, lightest, self.obstacles(params, time, dt), rub)
        if work.seeks:
            refuse_lost(work.lost, state.position, self.grid, self.matter.bodies)
        return after

    def vjp(
        self, state: ParticleState, params: Params, time: Tensor, dt: Tensor, cotangent: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        if not self.networks.bodies:
            return self.transposed(state, params, time, dt, cotangent)
        return self.networks.vjp(
            state,
            params,
            cotangent,
            move=lambda told: self.move(told, params, time, dt),
            transposed=lambda told, bars: self.transposed(told, params, time, dt, bars),
        )

    def transposed(
        self, state: ParticleState, params: Params, time: Tensor, dt: Tensor, cotangent: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Of `move`. The node velocities are solved once more, then each pass is transposed, last one first.

        Constants are read by particle here, so that their cotangents gather in a place of their own for each particle
        and are then summed in double precision: a sum of millions of terms in one float loses half its digits."""
        work = self.work
        learning = {address: value for address, value in params.items() if value.requires_grad}
        with torch.enable_grad():
            tables = self.tables(params, time)
            obstacles, rub = self.obstacle_tables(params, time, dt), self.rub(params)
        learnt = {name: table for name, table in vars(tables).items() if table.requires_grad}
        with work.stream():
            slots = self.ready(tables, by_particle=True)
            work.cover(state)
            arrays = work.arrays(state, slots, work.each_particle, dt, self.lightest(tables), obstacles, rub)
            work.solve_grid(arrays)
            bars = work.transpose(arrays, {NAMES[name]: bar for name, bar in cotangent.items()}, tuple(learnt))
        found = {name: bars[letter] for name, letter in NAMES.items()}
        ends = [(table, self.summed(bars[name], tables)) for name, table in learnt.items()]
        if obstacles:
            ends += [(table, bars[name].to(table)) for name, table in vars(obstacles).items() if table.requires_grad]
        if rub is not None and rub.requires_grad:
            ends.append((rub, bars["rub"]))
        if not ends:
            return found, {}
        outputs, sums = zip(*ends, strict=True)
        gathered = torch.autograd.grad(outputs, [*learning.values()], sums, allow_unused=True)
        return found, {a: bar for a, bar in zip(learning, gathered, strict=True) if bar is not None}

    def observe(self, state: ParticleState, params: Params) -> dict[str, Tensor]:
        """Energies [J], momentum, angular momentum, mass, center of mass."""
        state = self.networks.before(state, params, energy=True)
        tables = self.tables(params).map(lambda table: table.to(self.work.dtype))
        energy = with_bodies(energies(state, tables, self.matter, self.grid), state, params, self.matter)
        energy = with_contact(energy, state, tables, params, self.matter, self.grid)
        mass = masses(tables, self.matter)
        return {
            **{f"{name}_energy": e for name, e in energy.items()},
            **with_bodies(momenta(state, tables, self.matter, self.grid), state, params, self.matter),
            "mass": mass.sum(1),
            "center_of_mass": center_of_mass(state.position, mass),
        }

    def tables(self, params: Params, time: Tensor | None = None) -> Tables:
        return Tables.of(params, self.matter.bodies, self.matter.faces, self.matter.gravity, time)

    def rub(self, params: Params) -> Tensor | None:
        """How bodies with grids of their own rub [batch]; None where there are none."""
        meeting = self.matter.meeting
        return None if meeting is None else meeting.coefficient(params).to(self.work.device, self.work.dtype)

    def obstacle_tables(self, params: Params, time: Tensor, dt: Tensor) -> ObstacleTables | None:
        """None where there are no obstacles. What is led has the velocity of the middle of the step."""
        if not self.matter.obstacles.all:
            return None
        tables = self.matter.obstacles.tables(params, time + 0.5 * dt, self.matter.gravity)
        return replace(tables, kept=self.matter.obstacles.kept(time, dt))

    def obstacles(self, params: Params, time: Tensor, dt: Tensor) -> ObstacleTables | None:
        """The same; all but prescribed velocities and `kept` made once as long as the params stay what they are."""
        known = [(value, value._version) for value in params.values()]
        if self.last_obstacles is None or not same(self.last_obstacles[0], known):
            tables = self.obstacle_tables(params.detach(), time, dt)
            if tables is None:
                return None
            self.last_obstacles = (known, tables)
        tables = self.last_obstacles[1]
        obstacles = self.matter.obstacles
        led = obstacles.led(params.detach(), time + 0.5 * dt, tables.pull)
        return replace(tables, led=led, kept=obstacles.kept(time, dt))

    def obstacle_rates(self, state: ParticleState, params: Params) -> dict[str, Tensor]:
        """Of each that moves, by name, one over the longest step that it allows [1/s], [batch]: none crosses a cell,
        and no rigid body swings faster on what it touches than symplectic steps can follow, (2 / dt)^2 = K / m_eff."""
        none = torch.zeros(len(state.position), dtype=torch.float64)
        tables, work = self.obstacles(params, none, none), self.work
        if tables is None or work.colliders is None:
            return {}
        found = {
            name: speed.to(state.position) / self.matter.finest(self.grid).dx
            for name, speed in self.matter.obstacles.speeds(params, tables, state.rigid).items()
        }
        if not self.matter.obstacles.bodies:
            return found
        with work.stream():
            work.cover(state)
            rows, lightest = self.for_kernels(params, none)
            arrays = work.arrays(state, rows, self.slot(rows), none, lightest, tables)
            # Backward Euler presses against bodies where they would be without the press: dt^2 w^2 = 4/3 is its end.
            swing = 0.5 if work.implicit is None else 0.75**0.5
            for name, frequency in work.colliders.frequencies(arrays, tables).items():
                found[name] = torch.maximum(found[name], swing * frequency.to(state.position))
        return found

    def slot(self, tables: Tables) -> Tensor:
        """Which entry of the tables serves each particle [particle]."""
        work = self.work
        return work.each_particle if tables.slots == work.particles else work.each_body

    def for_kernels(self, params: Params, time: Tensor) -> tuple[Tables, Tensor]:
        """Tables and `lightest`; made once as long as the params, and the time if it matters, stay what they are."""
        known = [(value, value._version) for value in params.values()]
        if any(body.signals for body in self.matter.bodies):
            known.append((time, time._version))
        if self.last is None or not same(self.last[0], known):
            tables = self.tables(params.detach(), time)
            self.last = (known, (self.ready(tables), self.lightest(tables)))
        return self.last[1]

    def ready(self, tables: Tables, by_particle: bool = False) -> Tables:
        """In the precision of the particles, for kernels; an entry that serves all slots is stored once."""
        slots = self.work.particles if by_particle else tables.slots

        def spread(table: Tensor) -> Tensor:
            table = table.detach()
            if table.shape[1] == 1 or table.stride(1) == 0:
                return table[:, :1].to(self.work.dtype).contiguous().expand(-1, slots, *table.shape[2:])
            table = table.to(self.work.dtype).contiguous()
            return table if table.shape[1] == slots else table.index_select(1, self.slot(tables))

        return tables.map(spread)

    def lightest(self, tables: Tables) -> Tensor:
        """Mass of a node below which it counts as empty [batch]."""
        density = tables.row[..., 0].detach()
        smallest = self.smallest if density.shape[1] == len(self.matter.bodies) else self.matter.volume
        return (LIGHTEST[self.work.dtype] * (smallest * density).amin(1)).to(self.work.dtype)

    def summed(self, bar: Tensor, tables: Tables) -> Tensor:
        """Cotangents by particle as cotangents of the tables: sums over each body in double precision."""
        if tables.slots == self.work.particles:
            return bar.double()
        return torch.stack([bar[:, body.slice].sum(1, dtype=torch.float64) for body in self.matter.bodies], dim=1)


def same(seen: Known, now: Known) -> bool:
    """Whether these are the very tensors seen before, and nobody wrote into them since."""
    return len(seen) == len(now) and all(
        value is tensor and version == then for (value, version), (tensor, then) in zip(now, seen, strict=True)
    )
