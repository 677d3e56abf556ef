"""Gravity between every two bodies as a term of the force field."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.gravity.kernels import (
    closest,
    energy_and_virial,
    energy_and_virial_adjoint,
    pull,
    pull_adjoint,
    rates,
    rates_adjoint,
)
from scenegrad.solvers.md.numbers import launch, numbers, view
from scenegrad.solvers.md.system import PerAtom

__all__ = ["GravityTerm"]


class GravityTerm:
    """U = -G sum_{i<j} m_i m_j / sqrt(r^2 + e^2); see `Term`. name: of its entity, the first part of addresses."""

    def __init__(self, name: str, masses: PerAtom, dim: int, dtype: torch.dtype):
        self.constant, self.softening, self.masses = f"{name}.constant", f"{name}.softening", masses
        self.numbers = numbers(dim, dtype)

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.constant, self.softening, *self.masses.addresses)

    def given(self, params: Params) -> list[Any]:
        """What every kernel begins with."""
        real = self.numbers.real
        values = (params[self.constant].detach(), params[self.softening].detach(), self.masses(params))
        return [view(value.contiguous(), real) for value in values]

    def run(self, kernel: Any, x: Tensor, params: Params, *others: Any) -> None:
        n = self.numbers
        inputs = [*self.given(params), view(x, n.vec), *others]
        launch(kernel(n.dim, n.dtype), tuple(x.shape[:2]), inputs, str(x.device))

    def add_force(self, x: Tensor, box: Box, params: Params, force: Tensor) -> None:
        self.run(pull, x, params, view(force, self.numbers.vec))

    def add_product(self, x: Tensor, box: Box, params: Params, w: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        vec, shares = self.numbers.vec, self.shares(x)
        self.run(pull_adjoint, x, params, view(w, vec), view(x_bar, vec), view(shares, self.pair))
        return self.bars(shares, params)

    def sums(self, x: Tensor, box: Box, params: Params) -> Tensor:
        parts = torch.empty(*x.shape[:2], 1 + box.dim**2, dtype=torch.float64, device=x.device)
        self.run(energy_and_virial, x, params, view(parts, self.numbers.sums))
        return parts.sum(dim=1)

    def add_sums_adjoint(self, x: Tensor, box: Box, params: Params, bar: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        n, bar, shares = self.numbers, bar.to(x.dtype), self.shares(x)
        u_bar, w_bar = bar[:, 0].contiguous(), bar[:, 1:].reshape(-1, box.dim, box.dim).contiguous()
        outputs = [view(x_bar, n.vec), view(shares, self.pair)]
        self.run(energy_and_virial_adjoint, x, params, view(u_bar, n.real), view(w_bar, n.mat), *outputs)
        return self.bars(shares, params)

    def highest_frequency(self, x: Tensor, box: Box, params: Params, mass: Tensor, height: Tensor) -> Tensor:
        """Of the closest pair now: bodies without softening can come as close as they like, and a bound for every
        encounter is none."""
        square = torch.empty(x.shape[:2], dtype=x.dtype, device=x.device)
        self.run(closest, x, params, view(square, self.numbers.real))
        return square.amax(dim=1)

    def rates(self, x: Tensor, v: Tensor, params: Params) -> tuple[Tensor, Tensor]:
        """Acceleration and its rate of change, as functions that autograd knows, each [batch, atom, dim]."""
        a, jerk = Rates.apply(self, params, x, v, *(params[address] for address in self.addresses))
        return a, jerk

    @property
    def pair(self) -> Any:
        return self.numbers.theta(2)

    def shares(self, x: Tensor) -> Tensor:
        """Derivatives by masses, G and e [batch, atom, 2], see kernels.py."""
        return torch.empty(*x.shape[:2], 2, dtype=x.dtype, device=x.device)

    def bars(self, shares: Tensor, params: Params, apart: Tensor | None = None) -> dict[str, Tensor]:
        """Cotangents of those params that ask for one. apart: of the masses, from elsewhere [batch, atom]."""
        constant, (c, by_e) = params[self.constant].detach(), shares.unbind(dim=2)
        found = {}
        if params[self.constant].requires_grad:
            found[self.constant] = 0.5 * (self.masses(params) * c).sum(dim=1)
        if params[self.softening].requires_grad:
            found[self.softening] = by_e.sum(dim=1)
        if self.masses.learning(params):
            by_mass = constant[:, None] * c
            found |= self.masses.parts(by_mass if apart is None else by_mass + apart, params)
        return found


class Rates(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, term: GravityTerm, params: Params, x: Tensor, v: Tensor, *values: Tensor
    ) -> tuple[Tensor, Tensor]:
        x, v, vec = x.contiguous(), v.contiguous(), term.numbers.vec
        a, jerk = torch.empty_like(x), torch.empty_like(x)
        term.run(rates, x, params, view(v, vec), view(a, vec), view(jerk, vec))
        ctx.term, ctx.params = term, params
        ctx.save_for_backward(x, v, a, jerk)
        return a, jerk

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, a_bar: Tensor, jerk_bar: Tensor) -> tuple[Tensor | None, ...]:
        """A mass pulls others, and divides what it is pulled by: the second part is taken off again."""
        term, params, (x, v, a, jerk) = ctx.term, ctx.params, ctx.saved_tensors
        mass, vec = term.masses(params), term.numbers.vec
        p, q = (a_bar / mass[..., None]).contiguous(), (jerk_bar / mass[..., None]).contiguous()
        x_bar, v_bar, shares = torch.empty_like(x), torch.empty_like(x), term.shares(x)
        outputs = [view(x_bar, vec), view(v_bar, vec), view(shares, term.pair)]
        term.run(rates_adjoint, x, params, view(v, vec), view(p, vec), view(q, vec), *outputs)
        apart = -(p * a + q * jerk).sum(dim=2)
        found = term.bars(shares, params, apart)
        return None, None, x_bar, v_bar, *(found.get(address) for address in term.addresses)
