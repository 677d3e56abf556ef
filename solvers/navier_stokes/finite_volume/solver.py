"""Godunov's method: fluxes of Riemann problems at the faces of cells, of order 2 or 5 where the flow is smooth.

In time the third-order strong-stability-preserving Runge-Kutta method, with the second-order one inside it as an
estimate of the error [Shu & Osher 1988, J. Comput. Phys. 77, 439-471], or the 5(4) pair of dormand.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from scenegrad.engine.capture import Replays
from scenegrad.engine.errors import Diverged
from scenegrad.engine.keeping import keeps
from scenegrad.engine.solver import Program, Pull, Step
from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.finite_volume.dormand import DormandPrince
from scenegrad.solvers.navier_stokes.finite_volume.limits import limit_of
from scenegrad.solvers.navier_stokes.finite_volume.measures import Measures
from scenegrad.solvers.navier_stokes.finite_volume.rooms import Rooms
from scenegrad.solvers.navier_stokes.finite_volume.state import FlowState
from scenegrad.solvers.navier_stokes.finite_volume.tables import Tables
from scenegrad.solvers.navier_stokes.finite_volume.workspace import Workspace

__all__ = ["FiniteVolumeSolver"]

Known = list[tuple[Tensor, int]]  # tensors, and how often each had been written into


class FiniteVolumeSolver:
    """Values at the middles of cells; what leaves one cell enters the next, so that sums are kept to rounding."""

    def __init__(
        self,
        work: Workspace,
        measures: Measures,
        tables: Callable[[Params, Tensor], Tables],
        fastest: Callable[[Params], Tensor] | None,
        program: Program[FlowState],
        steps: Workspace | DormandPrince | None = None,
    ):
        """tables: of params at a time. fastest: where they change with time, what the sides hold when the waves that
        come in are fastest [batch, side, field]. steps: in the place of those of the workspace."""
        self.steps = work if steps is None else steps
        self.work, self.measures, self.grid, self.law = work, measures, work.grid, work.law
        self.make, self.fastest, self.program = tables, fastest, program
        self.last: tuple[Known, Tables] | None = None
        self.replays = Replays()

    @property
    def order(self) -> int:
        return self.steps.order

    @property
    def changes(self) -> bool:
        """Whether the tables change with time."""
        return self.fastest is not None

    @property
    def wraps(self) -> tuple[bool, ...]:
        return self.work.wraps

    def tables(self, params: Params, time: Tensor) -> Tables:
        """Made once as long as the params stay what they are."""
        known = [(value, value._version) for value in params.values()]
        if self.changes or self.last is None or not same(self.last[0], known):
            with torch.no_grad():
                self.last = (known, self.make(params.detach(), time))
        return self.last[1]

    @torch.no_grad()
    def max_dt(self, state: FlowState, params: Params) -> Tensor:
        """1 / sum_axes (|u| + c + 2 nu / dx) / dx of the fastest cell; at the sides too, where something comes in, now
        or at any other time.

        Where one axis is by far the fastest, 1 / dim of what it allows: so at half of this bound no axis alone has a
        Courant number above 1 / (2 dim), up to which fluxes of first order keep what must be positive so, see
        positivity.py.

        nu: of momentum 4/3 mu / rho, of heat gamma mu / (Pr rho), whichever is larger, for each axis. The third-order
        method is stable up to this step with both reconstructions. [batch, float64]
        """
        u = state.conserved.detach()
        now = torch.zeros(len(u), dtype=torch.float64)
        tables = self.tables(params, now)
        k = tables.constant
        w = self.law.primitive(u, k)
        self.refuse_impossible(w)
        inverse = torch.tensor([1.0 / h for h in self.grid.spacing], dtype=u.dtype, device=u.device)
        along = inverse.view(1, -1, *[1] * self.grid.dim)
        rates = (w[:, 1 : 1 + self.grid.dim].abs() + self.law.sound(w, k)[:, None]) * along
        rate = torch.maximum(rates.sum(1), self.grid.dim * rates.amax(1))
        fastest = rate.flatten(1).amax(1).double()
        if self.work.viscous:
            thin = w[:, 0].flatten(1).amin(1).double()
            fastest = fastest + 2.0 * self.spread(tables) / thin * inverse.double().square().sum()
        held = tables.held if self.fastest is None else self.fastest(params.detach())
        return (self.steps.reach / torch.maximum(fastest, self.at_the_sides(held, k, inverse.double()))).cpu()

    @torch.no_grad()
    def limit(self, state: FlowState, params: Params, member: int) -> str:
        """What bounds the step of a member, and where."""
        u = state.conserved.detach()
        tables = self.tables(params, torch.zeros(len(u), dtype=torch.float64))
        k = tables.constant
        w = self.law.primitive(u, k)
        inverse = torch.tensor([1.0 / h for h in self.grid.spacing], dtype=torch.float64, device=u.device)
        held = tables.held if self.fastest is None else self.fastest(params.detach())
        return limit_of(
            self.measures.name,
            self.grid,
            w[member],
            self.law.sound(w, k)[member],
            float(self.spread(tables)[member]) if self.work.viscous else 0.0,
            float(self.at_the_sides(held, k, inverse)[member]),
        )

    def spread(self, tables: Tables) -> Tensor:
        """Of momentum and of heat, whichever is larger, times the density [batch]."""
        return torch.maximum(4.0 / 3.0 * tables.viscosity, tables.conduction * (tables.constant - 1.0))

    def at_the_sides(self, held: Tensor, constant: Tensor, inverse: Tensor) -> Tensor:
        held, dim = held.movedim(1, 2), self.grid.dim  # [batch, field, side]
        sound = self.law.sound(held.clamp(min=0.0), constant)
        sound = torch.where(torch.isfinite(sound), sound, 0.0)
        speed = (held[:, 1 : 1 + dim].abs() * inverse.view(1, -1, 1)).sum(1)
        return (speed + sound * inverse.sum()).amax(1).clamp(min=torch.finfo(torch.float64).tiny)

    def refuse_impossible(self, w: Tensor) -> None:
        """A density, pressure or depth that is not positive is the end of a run; the message names the cell."""
        for name, place in zip(self.law.positive, (0, -1), strict=False):
            value = w[:, place].flatten(1)
            wrong = ~(value > 0.0) if len(self.law.positive) > 1 else ~(value >= 0.0)
            if bool(wrong.any()):
                member, cell = (int(i) for i in wrong.nonzero()[0])
                where = torch.unravel_index(torch.tensor(cell), self.grid.cells)
                index = ", ".join(str(int(i)) for i in where)
                raise Diverged(
                    f"The {name} of cell ({index}) of member {member} has become {float(value[member, cell]):.3g}: the "
                    f"flow has run away there. A smaller cfl or dt, more cells, or a start with smaller jumps is the "
                    f"usual cure.",
                    tuple(int(i) for i in wrong.any(dim=1).nonzero().flatten()),
                )

    @torch.no_grad()
    def step(self, state: FlowState, params: Params, time: Tensor, dt: Tensor) -> Step[FlowState]:
        u = state.conserved.detach().contiguous().view(self.work.batch, self.work.fields, -1)
        entered = counting(state)
        with self.work.stream():
            after, gap = self.steps.step(u, self.tables(params, time), dt, entered)
        return Step(FlowState(after.view_as(state.conserved), entered), self.error(u, gap))

    def error(self, before: Tensor, gap: Tensor) -> Tensor:
        """Distance to the embedded method, relative to the state [batch]."""
        size, gap = before.norm(dim=2).double(), gap.norm(dim=2).double()
        dim = self.grid.dim
        first, last = size[:, 0], size[:, -1] if self.law.extra == 2 else size[:, 0]
        momentum = (first * last).sqrt() if self.law.extra == 2 else first.clone()
        momentum = torch.maximum(momentum, size[:, 1 : 1 + dim].norm(dim=1))
        parts = [
            gap[:, 0] / first,
            gap[:, 1 : 1 + dim].norm(dim=1) / momentum,
            gap[:, -1] / torch.maximum(last, size[:, -1]),
        ]
        return torch.stack(parts).square().mean(0).sqrt()

    def vjp(
        self, state: FlowState, params: Params, time: Tensor, dt: Tensor, cotangent: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The stages are made again, then each pass is transposed, last one first."""
        return self.ahead(state, params, time, dt, self.work.scratch, whole=False)[1](cotangent)

    def linearize(self, state: FlowState, params: Params, time: Tensor, dt: Tensor) -> tuple[FlowState, Pull]:
        """Keeps the three stages and their primitive variables; fluxes and pushes too where there are obstacles."""
        kept = self.work.new_rooms()
        entered = counting(state)
        after, pull = self.ahead(state, params, time, dt, kept, whole=True, entered=entered)
        keeps(state.conserved, *kept.made.values())
        return FlowState(after.view_as(state.conserved), entered), pull

    def ahead(
        self,
        state: FlowState,
        params: Params,
        time: Tensor,
        dt: Tensor,
        kept: Rooms,
        whole: bool,
        entered: Tensor | None = None,
    ) -> tuple[Tensor, Pull]:
        work, tables = self.work, self.tables(params, time)
        u = state.conserved.detach().contiguous().view(work.batch, work.fields, -1)
        with work.stream(), torch.no_grad():
            after = self.steps.ahead(u, tables, dt, kept, whole, entered)

        def pull(cotangent: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
            bar, came = cotangent["conserved"].contiguous().view_as(u), cotangent.get("entered")
            with work.stream(), torch.no_grad():
                start, bars = self.steps.back(u, tables, dt, kept, bar, came)
            before = {"conserved": start.view_as(state.conserved)} | ({} if came is None else {"entered": came})
            return before, self.of_params(params, time, bars)

        return after, pull

    def of_params(self, params: Params, time: Tensor, bars: dict[str, Tensor]) -> dict[str, Tensor]:
        """Cotangents of the params from those of the tables."""
        learning = {address: value for address, value in params.items() if value.requires_grad}
        if not learning:
            return {}
        with torch.enable_grad():
            live = self.make(params, time)
        ends = [
            (value, self.work.summed(name, bars[name]))
            for name, value in vars(live).items()
            if value.requires_grad and name in bars
        ]
        if not ends:
            return {}
        outputs, sums = zip(*ends, strict=True)
        gathered = torch.autograd.grad(outputs, [*learning.values()], sums, allow_unused=True)
        return {a: bar for a, bar in zip(learning, gathered, strict=True) if bar is not None}

    def fields(self, state: FlowState, params: Params) -> dict[str, Tensor]:
        """Density, velocity and pressure of a gas; depth and velocity of water."""
        return self.measures.carried(state.conserved, params)

    def with_fields(self, state: FlowState, params: Params, fields: Mapping[str, Tensor], time: Tensor) -> FlowState:
        here = self.measures.carried(state.conserved, params)
        told = {name: value for name, value in fields.items() if name in here}
        return replace(state, conserved=self.measures.conserved({**here, **told}, params))

    def observe(self, state: FlowState, params: Params) -> dict[str, Tensor]:
        """Mass, momentum, kinetic, internal (of water: potential) and total energy."""
        return self.measures.totals(state, params)


def counting(state: FlowState) -> Tensor | None:
    """A copy of what has entered, to add to."""
    return None if state.entered is None else state.entered.detach().clone()


def same(known: Known, now: Known) -> bool:
    """Whether these are the numbers seen before, and nobody wrote into them since."""
    return len(known) == len(now) and all(
        a.data_ptr() == b.data_ptr() and a.shape == b.shape and v == w
        for (a, v), (b, w) in zip(known, now, strict=True)
    )
