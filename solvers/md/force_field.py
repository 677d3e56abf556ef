"""Forces between atoms: the sum of terms, each with its energy, its force and the derivative of that.

A term is one contribution U(x, box, params) to the potential energy of every system of a batch: a pair potential,
bonds, charges, a network. The force field adds terms up, remembers forces, and gives autograd the energy and the force.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.weak import WeakTensorKeyDictionary

from scenegrad.engine.errors import EngineError
from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.shared.unchanged import Fingerprint

__all__ = ["ForceField", "Term", "added"]

Bars = dict[str, Tensor]  # cotangents of params, by address


class Term(Protocol):
    """One contribution U to the potential energy. Positions x [batch, atom, dim] are unwrapped; all of it is batched.

    Bars are returned for those of `addresses` that require a gradient.
    """

    @property
    def addresses(self) -> tuple[str, ...]:
        """Params that U depends on."""
        ...

    def add_force(self, x: Tensor, box: Box, params: Params, force: Tensor) -> None:
        """Adds F = -dU/dx to `force`."""
        ...

    def add_product(self, x: Tensor, box: Box, params: Params, w: Tensor, x_bar: Tensor) -> Bars:
        """Transposed derivative of the force: adds d(w.F)/dx to `x_bar`, returns d(w.F)/dp."""
        ...

    def sums(self, x: Tensor, box: Box, params: Params) -> Tensor:
        """Energy and virial, float64 [batch, 1 + dim dim]: U, then W_ab = -dU/d strain_ab, row by row.

        Of a pair potential W_ab = sum_{i<j} f_a r_b, with f the force on i from j and r = x_i - x_j.
        """
        ...

    def add_sums_adjoint(self, x: Tensor, box: Box, params: Params, bar: Tensor, x_bar: Tensor) -> Bars:
        """Transposed derivative of `sums`, for cotangents bar [batch, 1 + dim dim]."""
        ...

    def highest_frequency(self, x: Tensor, box: Box, params: Params, mass: Tensor, height: Tensor) -> Tensor:
        """Square of the highest angular frequency that atoms find in this term [batch], [1/time^2]: at these positions,
        and in encounters with the energy `height` [batch] if that is more. mass [batch, atom]."""
        ...


class ForceField:
    """The sum of terms.

    The force at a position is remembered for as long as somebody holds that very tensor, so that velocity Verlet, and
    the replay of a step on the way back, cost one force.
    """

    def __init__(self, terms: Sequence[Term]):
        self.terms = tuple(terms)
        self.addresses = tuple(dict.fromkeys(address for term in self.terms for address in term.addresses))
        self.known: Any = WeakTensorKeyDictionary()  # position -> (its version, what else it was made of, force)

    def learning(self, params: Params) -> bool:
        return any(params[address].requires_grad for address in self.addresses)

    def force(self, position: Tensor, box: Box, params: Params) -> Tensor:
        """F [batch, atom, dim]; not to be written to, since it is remembered."""
        others = [box.edges, *(params[address] for address in self.addresses)]
        found = self.known.get(position)
        if found is not None and found[0] == position._version and found[1].fits(others):
            return found[2]
        x = position.detach().contiguous()
        result = torch.zeros_like(x)
        for term in self.terms:
            term.add_force(x, box, params, result)
        self.known[position] = (position._version, Fingerprint(others), result)
        return result

    def is_also_at(self, position: Tensor, twin: Tensor) -> None:
        """A twin has the same numbers as a position, and so the same force."""
        if (found := self.known.get(position)) is not None and found[0] == position._version:
            self.known[twin] = (twin._version, *found[1:])

    def product(self, position: Tensor, box: Box, params: Params, w: Tensor) -> tuple[Tensor, Bars]:
        """Transposed derivative of the force for cotangents w: those of the position, and of params that ask."""
        x, w = position.detach().contiguous(), w.contiguous()
        x_bar = torch.zeros_like(x)
        bars = [term.add_product(x, box, params, w, x_bar) for term in self.terms]
        return x_bar, added(bars)

    def sums(self, position: Tensor, box: Box, params: Params) -> Tensor:
        """Energy and virial of each system, float64 [batch, 1 + dim dim]."""
        x = position.detach().contiguous()
        parts = [term.sums(x, box, params) for term in self.terms]
        nothing = torch.zeros(len(x), 1 + box.dim**2, dtype=torch.float64, device=x.device)
        return torch.stack(parts).sum(0) if parts else nothing

    def sums_adjoint(self, position: Tensor, box: Box, params: Params, bar: Tensor) -> tuple[Tensor, Bars]:
        x = position.detach().contiguous()
        x_bar = torch.zeros_like(x)
        bars = [term.add_sums_adjoint(x, box, params, bar, x_bar) for term in self.terms]
        return x_bar, added(bars)

    def highest_frequency(self, position: Tensor, box: Box, params: Params, mass: Tensor, height: Tensor) -> Tensor:
        """Square of the highest frequency [batch]. An atom may be in all terms at once, so that their squares add."""
        x = position.detach().contiguous()
        nothing = torch.zeros(len(x), dtype=torch.float64, device=x.device)
        return sum((term.highest_frequency(x, box, params, mass, height).double() for term in self.terms), nothing)

    def differentiable_force(self, position: Tensor, box: Box, params: Params) -> Tensor:
        """F [batch, atom, dim] as a function that autograd knows."""
        return Force.apply(self, box, params, position, *(params[address] for address in self.addresses))

    def differentiable_sums(self, position: Tensor, box: Box, params: Params) -> Tensor:
        """Energy and virial, float64 [batch, 1 + dim dim], as a function that autograd knows."""
        return Sums.apply(self, box, params, position, *(params[address] for address in self.addresses))

    def differentiable_energy(self, position: Tensor, box: Box, params: Params) -> Tensor:
        """U, float64 [batch], as a function whose derivative by positions autograd knows as well: that is the force,
        which positions and params differentiate."""
        return Energy.apply(self, box, params, position, *(params[address] for address in self.addresses))


def added(bars: Sequence[Mapping[str, Tensor]]) -> Bars:
    """Cotangents of params, summed by address."""
    total: Bars = {}
    for one in bars:
        for address, bar in one.items():
            total[address] = total[address] + bar if address in total else bar
    return total


class Force(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, field: ForceField, box: Box, params: Params, position: Tensor, *values: Tensor) -> Tensor:
        ctx.field, ctx.box, ctx.params = field, box, params
        ctx.save_for_backward(position)
        return field.force(position, box, params).clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, bar: Tensor) -> tuple[Tensor | None, ...]:
        (position,) = ctx.saved_tensors
        x_bar, bars = ctx.field.product(position, ctx.box, ctx.params, bar)
        return None, None, None, x_bar, *(bars.get(address) for address in ctx.field.addresses)


class Sums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, field: ForceField, box: Box, params: Params, position: Tensor, *values: Tensor) -> Tensor:
        ctx.field, ctx.box, ctx.params = field, box, params
        ctx.save_for_backward(position)
        return field.sums(position, box, params)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, bar: Tensor) -> tuple[Tensor | None, ...]:
        (position,) = ctx.saved_tensors
        x_bar, bars = ctx.field.sums_adjoint(position, ctx.box, ctx.params, bar)
        return None, None, None, x_bar, *(bars.get(address) for address in ctx.field.addresses)


class Energy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, field: ForceField, box: Box, params: Params, position: Tensor, *values: Tensor) -> Tensor:
        ctx.field, ctx.box, ctx.params = field, box, params
        ctx.save_for_backward(position)
        return field.sums(position, box, params)[:, 0].clone()

    @staticmethod
    def backward(ctx: Any, bar: Tensor) -> tuple[Tensor | None, ...]:
        (position,), field, params = ctx.saved_tensors, ctx.field, ctx.params
        x_bar = None
        if ctx.needs_input_grad[3]:
            x_bar = -bar.to(position)[:, None, None] * field.differentiable_force(position, ctx.box, params)
        if not any(ctx.needs_input_grad[4:]):
            return None, None, None, x_bar, *(None for _ in field.addresses)
        slopes = Slopes.apply(field, ctx.box, params, position, *(params[address] for address in field.addresses))
        bars = [bar.to(one).view(-1, *[1] * (one.ndim - 1)) * one for one in slopes]
        return None, None, None, x_bar, *bars


class Slopes(torch.autograd.Function):
    """dU/dp of every member, for those of the params that ask; their own derivatives are not to be had."""

    @staticmethod
    def forward(
        ctx: Any, field: ForceField, box: Box, params: Params, position: Tensor, *values: Tensor
    ) -> tuple[Tensor, ...]:
        bar = torch.zeros(len(position), 1 + box.dim**2, dtype=torch.float64, device=position.device)
        bar[:, 0] = 1.0
        _, found = field.sums_adjoint(position, box, params, bar)
        known = zip(field.addresses, values, strict=True)
        return tuple(found[a].clone() if a in found else torch.zeros_like(value) for a, value in known)

    @staticmethod
    def backward(ctx: Any, *bars: Tensor) -> tuple[Tensor | None, ...]:
        raise EngineError(
            "The derivative of an energy by its parameters cannot be differentiated again; that by positions can. "
            "Ask for it without create_graph, or let the loss be one of forces."
        )
