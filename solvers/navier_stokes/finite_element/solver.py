"""Flows on a mesh: steady by Newton's method, or marching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.solver import Program, Step, TorchAdjoint
from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.finite_element.carried import Carried
from scenegrad.solvers.navier_stokes.finite_element.convection import Convection, lifted
from scenegrad.solvers.navier_stokes.finite_element.flow import Moment
from scenegrad.solvers.navier_stokes.finite_element.marching import before_last, rates
from scenegrad.solvers.navier_stokes.finite_element.sides import Sides
from scenegrad.solvers.navier_stokes.finite_element.space import Space
from scenegrad.solvers.navier_stokes.finite_element.state import FlowState
from scenegrad.solvers.navier_stokes.finite_element.system import PICARD, System, solve
from scenegrad.solvers.navier_stokes.finite_element.transport import Carriage, Transport
from scenegrad.solvers.navier_stokes.finite_element.watches import Crossing, Watch, blown, diffused, pushed

__all__ = ["FlowSolver"]


@dataclass(frozen=True)
class FlowSolver(TorchAdjoint):
    """u_t + u.grad u = -grad p / density + viscosity laplace u - drag u + f,  div u = 0, on Taylor-Hood elements.

    Marching takes BDF2, carried by a velocity extrapolated from the last two steps [Girault & Raviart 1979; John 2016,
    Finite Element Methods for Incompressible Flow Problems, section 7.3]: linear equations, stable for any dt. Without
    inertia they have one matrix, as long as dt stays. Tracers go first, carried by the same velocity, and lift the
    fluid by what they are at the end of the step; where all is steady, they and the flow are one system. The gradient
    of a step, steady or not, is one solve with each transposed matrix.
    """

    space: Space
    equations: Convection
    system: System
    sides: Sides
    fluid: str
    force: str | None  # address of an acceleration
    tracers: tuple[Carried, ...]
    steady: bool
    inertia: bool
    watches: tuple[Watch, ...]
    crossings: tuple[Crossing, ...]
    program: Program[FlowState]

    @property
    def order(self) -> int:
        return 1 if self.steady else 2

    @property
    def closed(self) -> bool:
        """Whether no fluid can leave, so that the pressure is known up to a constant: its mean is then 0."""
        return not self.sides.open

    def max_dt(self, state: FlowState, params: Params) -> Tensor:
        """None: everything is implicit [batch, float64]."""
        return torch.full((len(state.velocity),), torch.inf, dtype=torch.float64)

    def moment(self, state: FlowState, params: Params, time: Tensor, dt: Tensor) -> Moment:
        """The equations at the end of a step, of a fluid that nothing lifts."""
        vertices = state.vertices.double()
        batch, nought = len(vertices), vertices.new_zeros(len(vertices))
        density = params[f"{self.fluid}.density"].double()
        force = vertices.new_zeros(batch, self.space.dim) if self.force is None else params[self.force].double()
        load = self.sides.load(params, time + dt, vertices) / density.view(-1, 1, 1)
        pace, memory, carrier = nought, None, None
        if not self.steady:
            u, before = state.velocity.double(), state.before.double()
            pace, memory, ahead = rates(u, before, state.pace[:, 0].double(), dt.to(u))
            carrier = ahead if self.inertia else None
        return Moment(
            self.space.shape(vertices),
            params[f"{self.fluid}.viscosity"].double(),
            params[f"{self.fluid}.drag"].double(),
            pace,
            force,
            load,
            memory,
            carrier,
        )

    def carriage(self, k: int, state: FlowState, params: Params, now: Moment, time: Tensor, dt: Tensor) -> Carriage:
        """The equation of tracer k at the end of a step, carried by the velocity that is known before it."""
        one, u = self.tracers[k], state.velocity.double()
        load = one.sides.load(params, time + dt, state.vertices.double())[..., 0]
        diffusivity = params[f"{one.name}.diffusivity"].double()
        if self.steady:
            return Carriage(now.shape, u, diffusivity, now.pace, load)
        of_last, dt = state.pace[:, 0].double(), dt.to(u)
        pace, memory, _ = rates(state.tracers[:, k].double(), state.tracers_before[:, k].double(), of_last, dt)
        ahead = rates(u, state.before.double(), of_last, dt)[2]
        return Carriage(now.shape, ahead, diffusivity, pace, load, memory)

    def step(self, state: FlowState, params: Params, time: Tensor, dt: Tensor) -> Step[FlowState]:
        later, density = time + dt, params[f"{self.fluid}.density"].double()
        now, flow = self.moment(state, params, time, dt), self.equations.flow
        told = [self.carriage(k, state, params, now, time, dt) for k in range(len(self.tracers))]
        lift = [None if one.buoyancy is None else params[one.buoyancy].double() for one in self.tracers]
        tracers: Sequence[Tensor] = [state.tracers[:, k].double() for k in range(len(self.tracers))]
        if not self.steady:
            tracers = [self.carry(k, c, params, told[k], later) for k, c in enumerate(tracers)]
            now = lifted(now, tracers, lift)
        given = flow.join(
            self.sides.values(params, later, len(state.velocity)), torch.zeros_like(state.pressure, dtype=torch.float64)
        )
        x = flow.join(state.velocity.double(), state.pressure.double() / density[:, None])
        if self.steady:
            brought = [one.sides.values(params, later, len(x))[..., 0] for one in self.tracers]
            x, given = self.equations.join(x, tracers), self.equations.join(given, brought)
            x, tracers = self.equations.split(self.settled(x, given, now, told, lift))
            told = [replace(one, wind=flow.split(x)[0]) for one in told]
            now = lifted(now, tracers, lift)
        else:
            x = self.settled(x, given, now, (), ())
        velocity, pressure = flow.split(x)
        pressure = density[:, None] * (pressure - self.mean(pressure, now)[:, None] if self.closed else pressure)
        kind, dt = state.velocity.dtype, dt.to(velocity)
        carried = torch.stack(list(tracers), dim=1).to(kind) if self.tracers else state.tracers
        return Step(
            FlowState(
                velocity.to(kind),
                pressure.to(kind),
                before_last(state.velocity, self.steady, velocity).to(kind),
                (0.0 if self.steady else 1.0) / dt[:, None].to(kind),
                self.feel(state, x, now, density, time.to(dt), dt),
                carried,
                before_last(state.tracers, self.steady, carried),
                self.count(state, tracers, told, params, time.to(dt), dt),
                state.vertices,
            )
        )

    def carry(self, k: int, c: Tensor, params: Params, told: Carriage, later: Tensor) -> Tensor:
        """Tracer k at the end of a step [batch, node]."""
        one, transport = self.tracers[k], Transport(self.space)
        given = one.sides.values(params, later, len(c))[..., 0]
        return solve(
            one.system,
            c,
            lambda x: torch.where(one.system.held, x - given, transport.left(x, told)),
            lambda x, early: transport.local(told),
        )

    def settled(
        self,
        guess: Tensor,
        given: Tensor,
        now: Moment,
        told: Sequence[Carriage],
        lift: Sequence[Tensor | None],
    ) -> Tensor:
        """The unknowns of the flow, and of tracers where all is steady [batch, unknown]."""
        held, equations, keys = self.system.held, self.equations, None
        linear = not equations.flow.advected and not equations.count
        if linear and now.carrier is None:
            keys = (now.viscosity.detach(), now.drag.detach(), now.pace, now.shape.slopes.detach())
        return solve(
            self.system,
            guess,
            lambda x: torch.where(held, x - given, equations.left(x, now, told, lift)),
            lambda x, early: equations.local(x, now, told, lift, early),
            keys=keys,
            forms=lambda x: equations.flow.pressure(equations.split(x)[0], now),
            linear=linear,
            picard=0 if equations.count else PICARD,  # where heat lifts the fluid, it goes astray
        )

    def mean(self, pressure: Tensor, now: Moment) -> Tensor:
        return (pressure[:, self.space.cells].mean(-1) * now.shape.measure).sum(1) / now.shape.measure.sum(1)

    def feel(self, state: FlowState, x: Tensor, now: Moment, density: Tensor, time: Tensor, dt: Tensor) -> Tensor:
        """Impulses of the watched tags and their moments, begun anew at each frame [batch, watch, entry]."""
        if not self.watches:
            return state.felt
        left, _ = self.equations.flow.split(self.equations.flow.left(x, now))
        places = self.space.places(state.vertices.double())
        rows = []
        for n, watch in enumerate(self.watches):
            nodes = self.space.tags[watch.tag].every
            push = pushed(-density.view(-1, 1, 1) * left[:, nodes], places[:, nodes])
            rows.append(watch.added(state.felt[:, n].double(), push, time, dt))
        return torch.stack(rows, dim=1).to(state.felt.dtype)

    def count(
        self,
        state: FlowState,
        tracers: Sequence[Tensor],
        told: Sequence[Carriage],
        params: Params,
        time: Tensor,
        dt: Tensor,
    ) -> Tensor:
        """What came in through the watched tags, begun anew at each frame [batch, crossing, 2]."""
        if not self.crossings:
            return state.crossed
        rows = []
        for n, crossing in enumerate(self.crossings):
            k, tag, vertices = crossing.tracer, crossing.watch.tag, state.vertices.double()
            if crossing.held:
                amount = diffused(self.space, tag, tracers[k], told[k])
            else:
                amount = -self.tracers[k].sides.load(params, time + dt, vertices, tag)[..., 0].sum(1)
            amount = amount + blown(self.space, tag, tracers[k], told[k], vertices)
            rows.append(crossing.watch.added(state.crossed[:, n].double(), amount[:, None], time, dt))
        return torch.stack(rows, dim=1).to(state.crossed.dtype)

    def observe(self, state: FlowState, params: Params) -> dict[str, Tensor]:
        """Kinetic energy [J], dissipation [W], momentum [kg m/s], divergence in the root mean square [1/s], integral
        of each tracer; per unit of depth in two dimensions."""
        shape, at = self.space.shape(state.vertices.double()), self.space.element
        local = self.space.gather(state.velocity.double())
        volume = shape.measure[:, :, None] * at.weights
        u = torch.einsum("qa,xeai->xeqi", at.value, local)
        grad = torch.einsum("xeqaj,xeai->xeqij", shape.gradient(at.slope), local)
        density, viscosity = (params[f"{self.fluid}.{name}"].double() for name in ("density", "viscosity"))

        def total(field: Tensor) -> Tensor:
            return (field * volume).sum((1, 2))

        return {
            "kinetic_energy": density * total(0.5 * u.square().sum(-1)),
            "dissipation": density * viscosity * total(grad.square().sum((-1, -2))),
            "momentum": density[:, None] * (u * volume[..., None]).sum((1, 2)),
            "divergence": (
                total(grad.diagonal(dim1=-2, dim2=-1).sum(-1).square()) / total(torch.ones_like(volume))
            ).sqrt(),
            **{
                f"{one.name}_content": total(
                    torch.einsum("qa,xea->xeq", at.value, self.space.gather(state.tracers[:, k].double()))
                )
                for k, one in enumerate(self.tracers)
            },
        }
