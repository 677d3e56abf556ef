"""Equations of a batch, solved by iterations on the device where they are."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.finite_element.iterative.gmres import gmres
from scenegrad.solvers.navier_stokes.finite_element.iterative.multigrid import Cycle, Multigrid
from scenegrad.solvers.navier_stokes.finite_element.iterative.reduction import Part, Reduction
from scenegrad.solvers.navier_stokes.finite_element.iterative.saddle import PressureSide, Saddle
from scenegrad.solvers.navier_stokes.finite_element.iterative.sparse import Entries
from scenegrad.solvers.navier_stokes.finite_element.linear import Forms, Local, Reference
from scenegrad.solvers.shared.krylov import Operator, Solution, conjugate_gradient, norm

__all__ = ["Carried", "Definite", "Incompressible", "Iterated", "Iteration", "Report"]


class Iteration(Protocol):
    """A Krylov method with its preconditioner, made for a matrix."""

    @property
    def size(self) -> int: ...

    def run(self, b: Tensor, goal: float | Tensor, reference: Tensor, iterations: int, transposed: bool) -> Solution:
        """goal: of the error, relative to what solves the equations with the right side `reference`."""
        ...


class Way(Protocol):
    def prepare(self, matrix: Entries, local: Local, forms: Forms | None) -> Iteration: ...


@dataclass(frozen=True)
class Report:
    """Of one solve: iterations of each member, what is left, as a share of the solution, and whether that is what was
    asked for [batch]."""

    iterations: Tensor
    left: Tensor
    solved: Tensor
    transposed: bool


@dataclass(frozen=True, eq=False)
class Symmetric:
    matrix: Entries
    cycle: Cycle

    @property
    def size(self) -> int:
        return self.cycle.size

    def run(self, b: Tensor, goal: float | Tensor, reference: Tensor, iterations: int, transposed: bool) -> Solution:
        whole = norm(self.cycle(reference))
        found = conjugate_gradient(
            self.matrix.times, b, goal=goal * whole, iterations=iterations, precondition=self.cycle
        )
        return Solution(found.x, found.residual / whole, found.iterations, found.solved)


@dataclass(frozen=True, eq=False)
class Definite:
    """Symmetric and positive definite: conjugate gradients."""

    multigrid: Multigrid

    def prepare(self, matrix: Entries, local: Local, forms: Forms | None) -> Iteration:
        return Symmetric(matrix, self.multigrid.prepare(matrix.values))


@dataclass(frozen=True, eq=False)
class General:
    """Any matrix: generalised minimal residuals. blocks: where one kind of unknowns ends and the next begins."""

    matrix: Entries
    forward: Operator
    backward: Operator
    blocks: tuple[int, ...]
    size: int

    def run(self, b: Tensor, goal: float | Tensor, reference: Tensor, iterations: int, transposed: bool) -> Solution:
        precondition = self.backward if transposed else self.forward
        apply = (self.matrix.transposed if transposed else self.matrix).times
        sizes = self.sizes(precondition(reference), apply)
        scale, whole = torch.ones_like(b), b.new_zeros(len(b))
        for size, one in zip(sizes, scale.tensor_split(self.blocks, dim=1), strict=True):
            one.copy_(torch.where(size > 0.0, 1.0 / size, 1.0)[:, None].expand_as(one))
            whole = whole + (size > 0.0)
        whole = whole.sqrt()
        found = gmres(
            apply,
            b,
            goal=goal * whole,
            iterations=iterations,
            precondition=precondition,
            scale=scale,
        )
        return Solution(found.x, found.residual / whole, found.iterations, found.solved)

    def sizes(self, x: Tensor, apply: Operator) -> list[Tensor]:
        """About how large each kind of unknowns is [batch], by a first look at the solution. The pressure, which such a
        look may miss, is at least what it takes to balance the forces on the velocity."""
        found = [torch.linalg.vector_norm(part, dim=1) for part in x.tensor_split(self.blocks, dim=1)]
        if self.blocks:
            first, last = self.blocks[0], self.blocks[1] if len(self.blocks) > 1 else x.shape[1]
            flow, probe = torch.zeros_like(x), torch.zeros_like(x)
            flow[:, :first] = x[:, :first]
            probe[:, first:last:2], probe[:, first + 1 : last : 2] = 1.0, -1.0
            force, push = (torch.linalg.vector_norm(apply(v)[:, :first], dim=1) for v in (flow, probe))
            found[1] = torch.maximum(found[1], force * (last - first) ** 0.5 / push)
        return found


@dataclass(frozen=True, eq=False)
class Carried:
    """Of what a flow carries: generalised minimal residuals."""

    multigrid: Multigrid

    def prepare(self, matrix: Entries, local: Local, forms: Forms | None) -> Iteration:
        cycle = self.multigrid.prepare(matrix.values)
        return General(matrix, cycle, lambda r: cycle.transposed(r), (), cycle.size)


@dataclass(frozen=True, eq=False)
class Incompressible:
    """Velocity, pressure, and tracers that are solved for with them."""

    velocity: tuple[Part, Multigrid]
    pressure: PressureSide
    tracers: tuple[Part, Multigrid] | None
    ends: tuple[int, int]

    def spread(self, block: Tensor, like: Tensor) -> Tensor:
        """The same matrix for each component of the velocity, within those of all unknowns."""
        out, n = torch.zeros_like(like), block.shape[-1]
        for c in range(self.pressure.dim):
            out[:, :, c * n : (c + 1) * n, c * n : (c + 1) * n] = block
        return out

    def prepare(self, matrix: Entries, local: Local, forms: Forms | None) -> Iteration:
        assert forms is not None
        early = local(True)
        known = forms()
        answer, (part, multigrid) = self.pressure.answer(known), self.velocity
        streamline = None if known.streamline is None else part.entries(self.spread(known.streamline, early)).values
        velocity = multigrid.prepare(part.entries(early).values, streamline)
        tracers = None if self.tracers is None else self.tracers[1].prepare(self.tracers[0].entries(early).values)
        size = velocity.size + answer.stiffness.size + (0 if tracers is None else tracers.size)

        def backward(r: Tensor) -> Tensor:
            across = None if tracers is None else tracers.transposed
            return Saddle(velocity.transposed, answer.backward, across, matrix.transposed, self.ends)(r)

        forward = Saddle(velocity, answer.forward, tracers, matrix, self.ends)
        return General(matrix, forward, backward, self.ends if tracers is not None else self.ends[:1], size)


@dataclass(frozen=True, eq=False)
class Inverse:
    """The solutions of equations with these matrices."""

    iterated: Iterated
    iteration: Iteration
    coupling: Entries
    back: Entries
    size: int

    def solve(
        self, b: Tensor, transposed: bool = False, reference: Reference | None = None, share: Tensor | None = None
    ) -> Tensor:
        owner, rest = self.iterated, self.iterated.reduction
        free, held = rest.free, rest.held

        def inner(right: Tensor) -> Tensor:
            return right[:, free] if transposed else right[:, free] - self.coupling.times(right[:, held])

        goal = owner.tolerance if share is None else share.clamp_min(owner.tolerance)
        right = inner(b)
        found = self.iteration.run(
            right, goal, right if reference is None else inner(reference()), owner.limit, transposed
        )
        owner.reports.append(Report(found.iterations, found.residual, found.solved, transposed))
        still = b[:, held] - self.back.times(found.x) if transposed else b[:, held]
        return torch.empty_like(b).index_copy(1, free, found.x).index_copy(1, held, still)


@dataclass(frozen=True, eq=False)
class Iterated:
    """tolerance: of the error, relative to the solution, as the preconditioner sees it; limit: of iterations. reports:
    of the last solves."""

    reduction: Reduction
    way: Way
    tolerance: float
    limit: int
    reports: deque[Report] = field(default_factory=lambda: deque(maxlen=64))
    memory: list[tuple[tuple[Tensor, ...], Inverse]] = field(default_factory=list)

    @torch.no_grad()
    def inverse(self, local: Local, keys: tuple[Tensor, ...] | None, forms: Forms | None) -> Inverse:
        if keys is not None:
            for known, one in self.memory:
                if len(known[0]) == len(keys[0]) and bool(
                    torch.stack([(a == b).all() for a, b in zip(known, keys, strict=True)]).all()
                ):
                    return one
        whole = local(False)
        matrix = self.reduction.inner.entries(whole)
        iteration = self.way.prepare(matrix, local, forms)
        coupling, back = (part.entries(whole) for part in (self.reduction.coupling, self.reduction.back))
        size = iteration.size + matrix.values.numel() * matrix.values.element_size()
        made = Inverse(self, iteration, coupling, back, size)
        if keys is not None:
            self.memory.insert(0, (tuple(one.clone() for one in keys), made))
            del self.memory[2:]
        return made
