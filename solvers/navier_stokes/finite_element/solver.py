"""Flows on a mesh: steady by Newton's method, or marching."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.solver import Program, Step, TorchAdjoint
from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.finite_element.flow import FlowEquations, Moment
from scenegrad.solvers.navier_stokes.finite_element.marching import before_last, rates
from scenegrad.solvers.navier_stokes.finite_element.sides import Sides
from scenegrad.solvers.navier_stokes.finite_element.space import Space
from scenegrad.solvers.navier_stokes.finite_element.state import FlowState
from scenegrad.solvers.navier_stokes.finite_element.system import System, solve

__all__ = ["FlowSolver", "Watch"]


@dataclass(frozen=True)
class Watch:
    """A tag whose force somebody wants to know, and when the frames are."""

    tag: str
    every: float  # [s]
    start: float

    def kept(self, time: Tensor, dt: Tensor) -> Tensor:
        """0 where a frame lies at the beginning of the step, 1 elsewhere [batch]."""
        frame = self.start + self.every * ((time - self.start) / self.every).round()
        return ((time - frame).abs() >= 0.5 * dt).double()


@dataclass(frozen=True)
class FlowSolver(TorchAdjoint):
    """u_t + u.grad u = -grad p / density + viscosity laplace u - drag u + f,  div u = 0, on Taylor-Hood elements.

    Marching takes BDF2, carried by a velocity extrapolated from the last two steps [Girault & Raviart 1979; John 2016,
    Finite Element Methods for Incompressible Flow Problems, section 7.3]: linear equations, stable for any dt. Without
    inertia they have one matrix, as long as dt stays. The gradient of a step, steady or not, is one solve with the
    transposed matrix.
    """

    space: Space
    equations: FlowEquations
    system: System
    sides: Sides
    fluid: str
    force: str | None  # address of an acceleration
    steady: bool
    inertia: bool
    watches: tuple[Watch, ...]
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
        """The equations at the end of a step."""
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

    def step(self, state: FlowState, params: Params, time: Tensor, dt: Tensor) -> Step[FlowState]:
        now = self.moment(state, params, time, dt)
        batch, density = len(state.velocity), params[f"{self.fluid}.density"].double()
        given = self.sides.values(params, time + dt, batch)
        given = self.equations.join(given, torch.zeros_like(state.pressure, dtype=torch.float64))
        held = self.system.held
        guess = self.equations.join(state.velocity.double(), state.pressure.double() / density[:, None])
        keys = None
        if now.carrier is None and not self.equations.advected:
            parts = (now.viscosity.detach(), now.drag.detach(), now.pace, state.vertices.detach())
            keys = [tuple(part[b].clone() for part in parts) for b in range(batch)]
        x = solve(
            self.system,
            guess,
            lambda x: torch.where(held, x - given, self.equations.left(x, now)),
            lambda x, early: self.equations.local(x, now, early),
            keys=keys,
            linear=not self.equations.advected,
        )
        velocity, pressure = self.equations.split(x)
        pressure = density[:, None] * (pressure - self.mean(pressure, now)[:, None] if self.closed else pressure)
        kind = state.velocity.dtype
        dt = dt.to(velocity)
        return Step(
            FlowState(
                velocity.to(kind),
                pressure.to(kind),
                before_last(state.velocity, self.steady, velocity).to(kind),
                (0.0 if self.steady else 1.0) / dt[:, None].to(kind),
                self.feel(state.felt, x, now, density, time.to(dt), dt),
                state.vertices,
            )
        )

    def mean(self, pressure: Tensor, now: Moment) -> Tensor:
        return (pressure[:, self.space.cells].mean(-1) * now.shape.measure).sum(1) / now.shape.measure.sum(1)

    def feel(self, felt: Tensor, x: Tensor, now: Moment, density: Tensor, time: Tensor, dt: Tensor) -> Tensor:
        """Impulses of the watched tags, begun anew at each frame [batch, watch, dim + 1].

        The force is what holds the nodes there: what is left of their momentum, which is far more accurate than the sum
        of stresses along the wall [Babuska & Miller 1984, Int. J. Numer. Methods Eng. 20, 1085-1109].
        """
        if not self.watches:
            return felt
        left, _ = self.equations.split(self.equations.left(x, now))
        rows = []
        for n, watch in enumerate(self.watches):
            nodes = torch.from_numpy(self.space.tags[watch.tag].all_nodes).to(x.device)
            force = -density[:, None] * left[:, nodes].sum(1)
            taken = torch.cat([force * dt[:, None], dt[:, None]], dim=1)
            rows.append(watch.kept(time, dt)[:, None] * felt[:, n].double() + taken)
        return torch.stack(rows, dim=1).to(felt.dtype)

    def observe(self, state: FlowState, params: Params) -> dict[str, Tensor]:
        """Kinetic energy [J], dissipation [W], momentum [kg m/s], divergence in the root mean square [1/s]; per unit of
        depth in two dimensions."""
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
        }
