"""A preconditioner of incompressible flow: multigrid for the velocity, and what the pressure answers to it.

With F what the velocity does to itself and G the gradient of the pressure, [F G; G' 0] = [1 0; G' F^-1 1] [F G; 0 -S],
and S = G' F^-1 G. The second factor alone, its inverses being about right, leaves few iterations [Elman, Silvester &
Wathen 2014, Finite Elements and Fast Iterative Solvers, chapters 4 and 9]. A gradient that the velocity were to answer
with the same operator that acts on pressures, F_p = rate + wind . grad - viscosity laplace, would give

    S^-1 = M^-1 F_p A^-1 = viscosity M^-1 + (rate + M^-1 N) A^-1,

M the mass, A the stiffness and N the transport of linear functions [Kay, Loghin & Wathen 2002, SIAM J. Sci. Comput. 24,
237-256]; without wind this is the one of unsteady Stokes flow [Cahouet & Chabard 1988, Int. J. Numer. Methods Fluids 8,
869-895].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.finite_element.flow import PressureForms
from scenegrad.solvers.navier_stokes.finite_element.iterative.chebyshev import shares
from scenegrad.solvers.navier_stokes.finite_element.iterative.multigrid import Cycle, Multigrid
from scenegrad.solvers.navier_stokes.finite_element.iterative.reduction import Part
from scenegrad.solvers.navier_stokes.finite_element.iterative.sparse import Entries

__all__ = ["Answer", "PressureSide", "Saddle"]

MASS_STEPS = 4


@dataclass(frozen=True, eq=False)
class PressureSide:
    """Linear functions of the pressure. all: of every vertex whose pressure is unknown; inner: of those among them that
    are on no side through which fluid leaves, with multigrid for their stiffness; shared: their numbers among all."""

    dim: int
    all: Part
    inner: Part
    multigrid: Multigrid
    shared: Tensor

    def answer(self, forms: PressureForms) -> Answer:
        mass = self.all.entries(forms.mass)
        transport = None if forms.transport is None else self.all.entries(forms.transport)
        cycle = self.multigrid.prepare(self.inner.entries(forms.stiffness).values)
        return Answer(self, mass, transport, cycle, forms.viscosity[:, None], forms.rate[:, None])

    @cached_property
    def diagonal(self) -> Tensor:
        places = self.all.places
        rows = torch.repeat_interleave(torch.arange(places.rows, device=places.starts.device), places.starts.diff())
        return (rows == places.columns).nonzero()[:, 0]


@dataclass(frozen=True, eq=False)
class Answer:
    """About S^-1."""

    side: PressureSide
    mass: Entries
    transport: Entries | None
    stiffness: Cycle
    viscosity: Tensor
    rate: Tensor

    @cached_property
    def inverse(self) -> Tensor:
        return 1.0 / self.mass.values[:, self.side.diagonal]

    def massless(self, r: Tensor) -> Tensor:
        """M^-1 r. The spectrum of D^-1 M is within [1/2, (dim + 2) / 2] [Wathen 1987, IMA J. Numer. Anal. 7, 449]."""
        (_, share), *others = shares(MASS_STEPS, 0.5, 0.5 * (self.side.dim + 2))
        d = share * self.inverse * r
        x = d
        for going, share in others:
            d = going * d + share * self.inverse * (r - self.mass.times(x))
            x = x + d
        return x

    def spread(self, r: Tensor) -> Tensor:
        """A^-1 r"""
        shared = self.side.shared
        return torch.zeros_like(r).index_copy(1, shared, self.stiffness(r[:, shared]))

    def forward(self, r: Tensor) -> Tensor:
        wide = self.spread(r)
        out = self.viscosity * self.massless(r) + self.rate * wide
        return out if self.transport is None else out + self.massless(self.transport.times(wide))

    def backward(self, r: Tensor) -> Tensor:
        """The transposed"""
        light = self.massless(r)
        wide = self.rate * r
        wide = wide if self.transport is None else wide + self.transport.transposed.times(light)
        return self.viscosity * light + self.spread(wide)


@dataclass(frozen=True, eq=False)
class Saddle:
    """Velocity, pressure and then tracers that the flow is solved with: of what each block feels, what stands above the
    diagonal is kept."""

    velocity: Cycle
    answer: Callable[[Tensor], Tensor]
    tracers: Cycle | None
    matrix: Entries
    ends: tuple[int, int]  # where the pressure begins, and where it ends

    def __call__(self, r: Tensor) -> Tensor:
        first, last = self.ends
        x = torch.zeros_like(r)
        if self.tracers is not None:
            x[:, last:] = self.tracers(r[:, last:])
            r = r - self.matrix.times(x)
        x[:, first:last] = -self.answer(r[:, first:last])
        push = torch.zeros_like(r)
        push[:, first:last] = x[:, first:last]
        x[:, :first] = self.velocity(r[:, :first] - self.matrix.times(push)[:, :first])
        return x
