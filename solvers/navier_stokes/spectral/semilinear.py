"""Pseudo-spectral solver of  w_t = L w + N(w)  in a periodic box, L a symbol and N computed on the grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from scenegrad.engine.capture import Replays
from scenegrad.engine.solver import Program, Step, TorchAdjoint
from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.spectral.coefficients import CoefficientCache
from scenegrad.solvers.navier_stokes.spectral.integrators import Integrator, Stage
from scenegrad.solvers.navier_stokes.spectral.lattice import Lattice
from scenegrad.solvers.navier_stokes.spectral.phi import Arguments, Function
from scenegrad.solvers.navier_stokes.spectral.quantity import Quantity
from scenegrad.solvers.navier_stokes.spectral.state import FieldState

__all__ = ["Equation", "SemilinearSolver", "coefficients_of"]


class Equation(Protocol):
    """What a partial differential equation must say to be solved here. Fields are [batch, channel, *cells], spectra
    [batch, channel, *modes]."""

    @property
    def lattice(self) -> Lattice: ...

    @property
    def addresses(self) -> tuple[str, ...]:
        """Of the numbers that it can be differentiated by."""
        ...

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        """What can be seen of a field, by name."""
        ...

    @property
    def carried(self) -> tuple[str, ...]:
        """The quantities that the channels hold, in their order."""
        ...

    @property
    def groups(self) -> tuple[int, ...]:
        """How many channels, one after the other, are parts of one quantity: their error is judged by its size."""
        ...

    def symbol(self, params: Params) -> Tensor:
        """L, real or complex, float64; to broadcast over [batch, channel, *modes]."""
        ...

    def rate(self, spectrum: Tensor, params: Params) -> Tensor:
        """Spectrum of N(w), free of aliases, made of differentiable operations of torch."""
        ...

    def frequency(self, field: Tensor, params: Params) -> Tensor:
        """Of the fastest change that N can cause, which bounds the step [batch] (1/time)."""
        ...

    def summary(self, field: Tensor, params: Params) -> dict[str, Tensor]:
        """Energies, masses, ... of each member."""
        ...

    @property
    def units(self) -> Mapping[str, str]:
        """Of what the summary holds; d is the number of dimensions."""
        ...


@dataclass(frozen=True)
class SemilinearSolver(TorchAdjoint):
    """Fourier collocation with the 2/3 rule and a Runge-Kutta method that knows L exactly or takes it implicitly."""

    equation: Equation
    method: Integrator
    cache: CoefficientCache[Coefficients]
    program: Program[FieldState]
    replays: Replays = field(default_factory=Replays, init=False, repr=False, compare=False)

    @property
    def order(self) -> int:
        return self.method.order

    @property
    def lattice(self) -> Lattice:
        return self.equation.lattice

    def max_dt(self, state: FieldState, params: Params) -> Tensor:
        """dt * frequency of the explicit part <= reach of the method [batch, float64]."""
        with torch.no_grad():
            return self.method.reach / self.equation.frequency(state.field.detach(), params.detach()).double()

    def limit(self, state: FieldState, params: Params, member: int) -> str:
        """Where a quantity of a member is largest."""
        size = torch.nan_to_num(state.field[member].detach().abs(), nan=torch.inf, posinf=torch.inf)
        name, *cell = (int(i) for i in torch.unravel_index(size.argmax(), size.shape))
        return f"Quantity {name} is largest, {float(size.max()):.3g}, in cell ({', '.join(map(str, cell))})."

    def step(self, state: FieldState, params: Params, time: Tensor, dt: Tensor) -> Step[FieldState]:
        numbers = self.cache(dt, *(params[name] for name in self.equation.addresses))
        learning = torch.is_grad_enabled() and any(params[name].requires_grad for name in self.equation.addresses)
        symbol = self.equation.symbol(params) if learning else numbers.symbol
        begin = self.lattice.forward(state.field)
        rates = [self.equation.rate(begin, params)]
        for stage in self.method.stages:
            rates.append(self.equation.rate(combine(numbers, stage, symbol, begin, rates), params))
        after = combine(numbers, self.method.result, symbol, begin, rates)
        field = self.lattice.inverse(after)
        error = None
        if self.method.estimate is not None:
            with torch.no_grad():
                rates.append(self.equation.rate(after, params))
                terms = [rates[index] * numbers.weight(weight) for index, weight in self.method.estimate]
                error = self.relative(torch.stack(terms).sum(0), after)
        return Step(replace(state, field=field), error)

    def relative(self, gap: Tensor, spectrum: Tensor) -> Tensor:
        """The largest share of a quantity that a gap is, so that none hides behind another in other units [batch].
        What has rounded away beside the others does not count."""
        gaps, sizes = self.norm(gap), self.norm(spectrum)
        least = 1e-12 * sizes.amax(1, keepdim=True).clamp(min=1e-18)
        return (gaps / torch.maximum(sizes, least)).amax(1)

    def norm(self, spectrum: Tensor) -> Tensor:
        """Root mean square over the samples of each quantity [batch, group]."""
        size = torch.view_as_real(spectrum).square().sum(-1) * self.lattice.weight
        parts = size.flatten(2).sum(2).split(self.equation.groups, dim=1)
        return torch.stack([part.sum(1) for part in parts], dim=1).sqrt()

    def fields(self, state: FieldState, params: Params) -> dict[str, Tensor]:
        """The quantities that the channels hold, by name."""
        known = self.equation.quantities
        return {name: known[name].measure(state.field, params) for name in self.equation.carried}

    def with_fields(self, state: FieldState, params: Params, fields: Mapping[str, Tensor], time: Tensor) -> FieldState:
        parts = dict(zip(self.equation.carried, state.field.split(self.equation.groups, dim=1), strict=True))
        vectors = 1 + self.lattice.dim  # axes of a field that has components
        told = {n: v.movedim(-1, 1) if v.ndim > vectors else v[:, None] for n, v in fields.items() if n in parts}
        return replace(state, field=torch.cat([{**parts, **told}[name] for name in parts], dim=1))

    def observe(self, state: FieldState, params: Params) -> dict[str, Tensor]:
        return self.equation.summary(state.field, params)


def coefficients_of(equation: Equation) -> CoefficientCache[Coefficients]:
    """By dt and the numbers of an equation."""

    def make(dt: Tensor, *numbers: Tensor) -> Coefficients:
        params = Params(dict(zip(equation.addresses, numbers, strict=True)))
        return Coefficients(dt, equation.symbol(params), equation.lattice.dtype)

    return CoefficientCache(make)


class Coefficients:
    """Values of the functions of a method at z = dt L, computed in float64 and then rounded."""

    def __init__(self, dt: Tensor, symbol: Tensor, dtype: torch.dtype):
        self.dt = dt.to(symbol.device, torch.float64).view(-1, *[1] * (symbol.ndim - 1))
        self.symbol, self.dtype = symbol, dtype
        self.arguments = Arguments(self.dt * symbol)
        self.known: dict[tuple[str, Function], Tensor] = {}

    def growth(self, function: Function) -> Tensor:
        return self.kept("growth", function, 0, function)

    def weight(self, function: Function) -> Tensor:
        return self.kept("weight", function, 1, function)

    def growth_slope(self, function: Function) -> Tensor:
        return self.kept("growth slope", function, 1, function.derivative())

    def weight_slope(self, function: Function) -> Tensor:
        return self.kept("weight slope", function, 2, function.derivative())

    def kept(self, use: str, function: Function, power: int, wanted: Function) -> Tensor:
        """dt^power * wanted(z)"""
        if (use, function) not in self.known:
            value = self.dt**power * wanted.at(self.arguments)
            complex_dtype = torch.complex64 if self.dtype == torch.float32 else torch.complex128
            self.known[use, function] = value.to(complex_dtype if value.is_complex() else self.dtype)
        return self.known[use, function]


def combine(numbers: Coefficients, stage: Stage, symbol: Tensor, begin: Tensor, rates: Sequence[Tensor]) -> Tensor:
    """(1 + growth(z)) w + dt sum_j weights_j(z) N_j."""
    return Combination.apply(numbers, stage, symbol, begin, *(rates[index] for index, _ in stage.weights))


class Combination(torch.autograd.Function):
    """The sum of a stage as one node, with the derivative by L from the functions' own derivatives."""

    @staticmethod
    def forward(ctx: Any, numbers: Coefficients, stage: Stage, symbol: Tensor, begin: Tensor, *rates: Tensor) -> Tensor:
        ctx.numbers, ctx.stage = numbers, stage
        ctx.save_for_backward(symbol, begin, *rates)
        total = begin.clone()
        add_product(total, begin, numbers.growth(stage.growth))
        for rate, (_, weight) in zip(rates, stage.weights, strict=True):
            add_product(total, rate, numbers.weight(weight))
        return total

    @staticmethod
    def backward(ctx: Any, bar: Tensor) -> tuple[Tensor | None, ...]:
        numbers, stage = ctx.numbers, ctx.stage
        symbol, begin, *rates = ctx.saved_tensors
        begin_bar = bar.clone()
        add_product(begin_bar, bar, numbers.growth(stage.growth).conj())
        rate_bars = [product(bar, numbers.weight(weight).conj()) for _, weight in stage.weights]
        symbol_bar = None
        if ctx.needs_input_grad[2]:
            slope = product(begin, numbers.growth_slope(stage.growth))
            for rate, (_, weight) in zip(rates, stage.weights, strict=True):
                add_product(slope, rate, numbers.weight_slope(weight))
            if symbol.is_complex():
                symbol_bar = (bar * slope.conj()).to(torch.complex128).sum_to_size(symbol.shape)
            else:
                both = torch.view_as_real(bar) * torch.view_as_real(slope)
                symbol_bar = (both[..., 0] + both[..., 1]).sum_to_size(symbol.shape).double()
        return None, None, symbol_bar, begin_bar, *rate_bars


def add_product(total: Tensor, spectrum: Tensor, factor: Tensor) -> None:
    """total += factor * spectrum; a real factor multiplies real and imaginary part without becoming complex."""
    if factor.is_complex():
        total.addcmul_(spectrum, factor)
    else:
        torch.view_as_real(total).addcmul_(torch.view_as_real(spectrum), factor[..., None])


def product(spectrum: Tensor, factor: Tensor) -> Tensor:
    """factor * spectrum"""
    if factor.is_complex():
        return spectrum * factor
    return torch.view_as_complex(torch.view_as_real(spectrum) * factor[..., None])
