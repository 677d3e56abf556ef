"""The forces between atoms as a function of positions and parameters: lists, kernels and what is remembered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import warp as wp
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.weak import WeakTensorKeyDictionary

from scenegrad.engine.errors import EngineError
from scenegrad.solvers.md.cuts import measure_edges
from scenegrad.solvers.md.neighbours import Neighbours
from scenegrad.solvers.md.numbers import launch, numbers, view
from scenegrad.solvers.md.pair import PairLaw, force, force_adjoint, stiffest, sums, sums_adjoint
from scenegrad.solvers.md.potentials import potential
from scenegrad.solvers.md.stability import stiffness

__all__ = ["Interactions", "PairTable"]


@dataclass(frozen=True)
class PairTable:
    """Which pairs of species a potential acts on. All of them share its kind and its cut.

    names: of the pairs, the first part of the addresses of their parameters. pair_of: row of each two species
    [species, species] int32. cutoff: float64 [batch, pair].
    """

    kind: str
    cut: str
    names: tuple[str, ...]
    pair_of: Tensor
    cutoff: Tensor

    @property
    def addresses(self) -> tuple[tuple[str, ...], ...]:
        """Address of every parameter, pair by pair."""
        return tuple(
            tuple(f"{name}.{parameter}" for parameter in potential(self.kind).parameters) for name in self.names
        )


class Interactions:
    """Forces, energies and virials of all systems of the batch, with their derivatives.

    theta [batch, pair, parameter] are the parameters of the potential. The force at a position is remembered for as
    long as somebody holds that very tensor, so that velocity Verlet, and the replay of a step on the way back, cost one
    force.
    """

    def __init__(self, table: PairTable, species: Tensor, box: Tensor, skin: float, dtype: torch.dtype):
        self.table, self.box, self.dtype = table, box.to(dtype), dtype
        self.device, self.batch, self.atoms = str(box.device), box.shape[0], species.shape[0]
        self.numbers = numbers(box.shape[1], dtype)
        self.theta_type = self.numbers.theta(len(potential(table.kind).parameters))
        self.law = PairLaw(table.kind, table.cut, box.shape[1], dtype, mixed=len(table.names) > 1)
        self.species, self.pair_of = species.to(torch.int32), table.pair_of
        self.cutoff = table.cutoff.to(dtype)
        self.neighbours = Neighbours(box, table.cutoff.max(dim=1).values, skin, self.atoms, dtype)
        self.edges = torch.zeros(self.batch, len(table.names), 4, dtype=dtype, device=box.device)
        n = self.numbers
        self.fixed = [view(self.box, n.vec), view(self.edges, n.edge)]
        self.kinds = [view(self.pair_of, wp.int32), view(self.species, wp.int32)]
        self.edges_of: tuple[Tensor, int, Any] | None = None  # theta, its version, Warp's view of it
        self.known: Any = WeakTensorKeyDictionary()  # position -> (its version, theta, version of theta, force)

    def system(self, position: Tensor, theta: Tensor) -> list[Any]:
        """What every pair kernel begins with; brings list and edges up to date."""
        self.neighbours.update(position)
        n = self.numbers
        if self.edges_of is None or not same(theta, *self.edges_of[:2]):
            seen = view(theta, self.theta_type)
            edges = [view(self.cutoff, n.real), seen, view(self.edges, n.edge)]
            launch(measure_edges(self.law.kind, self.dtype), tuple(self.cutoff.shape), edges, self.device)
            self.edges_of = (theta, theta._version, seen)
        box, edge = self.fixed
        return [box, self.edges_of[2], edge, *self.kinds, *self.neighbours.table, view(position, n.vec)]

    def force(self, position: Tensor, theta: Tensor) -> Tensor:
        """F [batch, atom, dim]; not to be written to, since it is remembered."""
        found = self.known.get(position)
        if found is not None and found[0] == position._version and same(theta, found[1], found[2]):
            return found[3]
        x, p = position.detach().contiguous(), theta.detach().contiguous()
        result = torch.empty_like(x)
        inputs = [*self.system(x, p), view(result, self.numbers.vec)]
        launch(force(self.law), (self.batch, self.atoms), inputs, self.device)
        self.known[position] = (position._version, theta.detach(), theta._version, result)
        return result

    def force_adjoint(self, position: Tensor, theta: Tensor, w: Tensor, learning: bool) -> tuple[Tensor, Tensor | None]:
        """Cotangents of position and of theta, for cotangents w of the force."""
        self.refuse_jumps()
        x, p, w = position.detach().contiguous(), theta.detach().contiguous(), w.contiguous()
        x_bar = torch.empty_like(x)
        p_bar = self.by_atom(p) if learning else p.new_zeros(1, 1, 1, p.shape[2])
        outputs = [view(w, self.numbers.vec), view(x_bar, self.numbers.vec), view(p_bar, self.theta_type)]
        inputs = [*self.system(x, p), *outputs]
        launch(force_adjoint(self.law, learning), (self.batch, self.atoms), inputs, self.device)
        return x_bar, self.added(p_bar) if learning else None

    def sums(self, position: Tensor, theta: Tensor) -> Tensor:
        """Potential energy and virial sum_{i<j} f.r of each system, float64 [batch, 2]."""
        x, p = position.detach().contiguous(), theta.detach().contiguous()
        parts = torch.empty(self.batch, self.atoms, 2, dtype=torch.float64, device=x.device)
        inputs = [*self.system(x, p), view(parts, wp.vec2d)]
        launch(sums(self.law), (self.batch, self.atoms), inputs, self.device)
        return parts.sum(dim=1)

    def sums_adjoint(self, position: Tensor, theta: Tensor, bar: Tensor) -> tuple[Tensor, Tensor]:
        self.refuse_jumps()
        x, p = position.detach().contiguous(), theta.detach().contiguous()
        u_bar, v_bar = bar.to(self.dtype).T.contiguous()
        x_bar, p_bar, real = torch.empty_like(x), self.by_atom(p), self.numbers.real
        outputs = [view(x_bar, self.numbers.vec), view(p_bar, self.theta_type)]
        inputs = [*self.system(x, p), view(u_bar, real), view(v_bar, real), *outputs]
        launch(sums_adjoint(self.law), (self.batch, self.atoms), inputs, self.device)
        return x_bar, self.added(p_bar)

    def highest_frequency(self, position: Tensor, theta: Tensor, mass: Tensor, height: Tensor) -> Tensor:
        """Square of the highest frequency of a pair [batch]: of those that are close now, and of those that meet with
        the energy `height` [batch]. mass [batch, species]."""
        x, p, real = position.detach().contiguous(), theta.detach().contiguous(), self.numbers.real
        now = torch.empty(self.batch, self.atoms, dtype=self.dtype, device=x.device)
        system = self.system(x, p)
        launch(stiffest(self.law), (self.batch, self.atoms), [*system, view(mass, real), view(now, real)], self.device)
        met = torch.empty_like(self.cutoff)
        height = height.to(self.dtype).contiguous()
        law = [view(p, self.theta_type), view(self.edges, self.numbers.edge), view(height, real), view(met, real)]
        launch(stiffness(self.law.kind, self.law.cut, self.dtype), tuple(met.shape), law, self.device)
        both = 1.0 / mass[:, :, None] + 1.0 / mass[:, None, :]  # of every two species
        return torch.maximum(now.amax(dim=1), (met[:, self.pair_of.long()] * both).flatten(1).amax(dim=1))

    def by_atom(self, theta: Tensor) -> Tensor:
        return theta.new_zeros(self.batch, self.atoms, *theta.shape[1:])

    def added(self, p_bar: Tensor) -> Tensor:
        return p_bar.sum(dim=1, dtype=torch.float64).to(self.dtype)

    def refuse_jumps(self) -> None:
        if self.table.cut == "plain":
            raise EngineError(
                f"{', '.join(self.table.names)} has cut='plain': energy and force jump at the cutoff, which no "
                f"derivative sees, so that the gradient would be wrong. Take cut='force-shift' or cut='switch'."
            )

    def differentiable_force(self, position: Tensor, theta: Tensor) -> Tensor:
        """F [batch, atom, dim] as a function that autograd knows."""
        return Force.apply(self, position, theta)

    def differentiable_sums(self, position: Tensor, theta: Tensor) -> Tensor:
        """Energy and virial, float64 [batch, 2], as a function that autograd knows."""
        return Sums.apply(self, position, theta)


def same(tensor: Tensor, known: Tensor, version: int) -> bool:
    """Whether a tensor is the very one that is held, or a detached twin of it, and was not written to since."""
    return tensor.data_ptr() == known.data_ptr() and tensor.shape == known.shape and tensor._version == version


class Force(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, interactions: Interactions, position: Tensor, theta: Tensor) -> Tensor:
        ctx.interactions = interactions
        ctx.save_for_backward(position, theta)
        return interactions.force(position.detach(), theta.detach()).clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, bar: Tensor) -> tuple[None, Tensor, Tensor | None]:
        position, theta = ctx.saved_tensors
        return None, *ctx.interactions.force_adjoint(position, theta, bar, learning=ctx.needs_input_grad[2])


class Sums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, interactions: Interactions, position: Tensor, theta: Tensor) -> Tensor:
        ctx.interactions = interactions
        ctx.save_for_backward(position, theta)
        return interactions.sums(position, theta)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, bar: Tensor) -> tuple[None, Tensor, Tensor]:
        position, theta = ctx.saved_tensors
        return None, *ctx.interactions.sums_adjoint(position, theta, bar)
