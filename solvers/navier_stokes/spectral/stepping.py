"""One exponential Runge-Kutta step of the vorticity equation, and its transpose written by hand.

The transpose replays the stages, which needs two fields each, and walks them backwards: 34 transforms beside the 18 of
the step. Autograd through the same operations keeps every intermediate and takes longer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from scenegrad.solvers.navier_stokes.spectral.advection import Advection, as_complex, as_pairs
from scenegrad.solvers.navier_stokes.spectral.coefficients import CoefficientCache, Coefficients
from scenegrad.solvers.navier_stokes.spectral.integrators import Integrator, Stage
from scenegrad.solvers.navier_stokes.spectral.modes import Modes

__all__ = ["Flow", "SpectralStep", "Stepper"]


@dataclass(frozen=True)
class Kept:
    """What the transpose of a step needs of it."""

    numbers: Coefficients
    begin: Tensor
    velocities: list[Tensor]
    rates: list[Tensor]
    damping: bool  # whether viscosity and drag want their cotangents

    @property
    def tensors(self) -> list[Tensor]:
        return [self.begin, *self.velocities, *self.rates] if self.damping else self.velocities


@dataclass(frozen=True)
class Flow:
    """The numbers that a step may be differentiated by."""

    vorticity: Tensor  # [batch, nx, ny]
    viscosity: Tensor  # [batch]
    drag: Tensor  # [batch]
    stirring: Tensor  # amplitude of the forcing [batch]


class Stepper:
    """w' = -u.grad w + viscosity laplace w - drag w + stirring * pattern.

    pattern: spectrum of the curl of the force at amplitude 1, as pairs [batch, K_y + 1, nx, 2]; None without forcing.
    """

    def __init__(self, modes: Modes, method: Integrator, pattern: Tensor | None):
        self.modes, self.method, self.pattern = modes, method, pattern
        self.advection = Advection(modes)
        self.cache = CoefficientCache(partial(Coefficients, modes))

    def force(self, stirring: Tensor) -> Tensor | None:
        return None if self.pattern is None else stirring.view(-1, 1, 1, 1) * self.pattern

    def rate(self, velocity: Tensor, force: Tensor | None) -> Tensor:
        rate = self.advection.rate(velocity)
        return rate if force is None else rate.add_(force)

    def spectrum(self, field: Tensor) -> Tensor:
        return as_pairs(self.modes.spectrum(field))

    def stages(self, flow: Flow, numbers: Coefficients, rates_wanted: int) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The spectrum at the beginning, the velocity of each stage and as many rates of change as are wanted."""
        begin = self.spectrum(flow.vorticity)
        force = self.force(flow.stirring)
        velocities: list[Tensor] = []
        rates: list[Tensor] = []
        for index in range(1 + len(self.method.stages)):
            stage = begin if index == 0 else numbers.combine(self.method.stages[index - 1], begin, rates)
            velocities.append(self.advection.velocity(as_complex(stage)))
            if index < rates_wanted:
                rates.append(self.rate(velocities[-1], force))
        return begin, velocities, rates

    def step(self, flow: Flow, dt: Tensor) -> tuple[Tensor, Tensor | None]:
        """Vorticity after dt, and the relative size of the local error where the method estimates it."""
        numbers = self.cache(dt, flow.viscosity, flow.drag)
        method = self.method
        begin, _, rates = self.stages(flow, numbers, 1 + len(method.stages))
        after = numbers.combine(method.result, begin, rates)
        error = None
        if method.estimate is not None:
            rates.append(self.rate(self.advection.velocity(as_complex(after)), self.force(flow.stirring)))
            terms = [rates[index] * numbers.weight(weight) for index, weight in method.estimate]
            error = self.size(torch.stack(terms).sum(0)) / self.size(after).clamp(min=torch.finfo(after.dtype).tiny)
        return self.modes.inverse(as_complex(after)), error

    def size(self, pairs: Tensor) -> Tensor:
        """Square root of the sum over the samples of f^2, from the spectrum of f [batch]."""
        return self.summed(pairs.square()).sqrt()

    def kept(self, flow: Flow, dt: Tensor, damping: bool) -> Kept:
        numbers = self.cache(dt, flow.viscosity, flow.drag)
        count = 1 + len(self.method.stages)
        return Kept(numbers, *self.stages(flow, numbers, count if damping else count - 1), damping)

    def linearised(self, flow: Flow, dt: Tensor, damping: bool) -> tuple[Tensor, Kept]:
        """The vorticity after dt, and what the transpose needs."""
        numbers = self.cache(dt, flow.viscosity, flow.drag)
        kept = Kept(numbers, *self.stages(flow, numbers, 1 + len(self.method.stages)), damping)
        after = numbers.combine(self.method.result, kept.begin, kept.rates)
        if not damping:
            kept = replace(kept, begin=kept.begin.new_empty(0), rates=[])
        return self.modes.inverse(as_complex(after)), kept

    def transposed(
        self, flow: Flow, dt: Tensor, cotangent: Tensor, damping: bool
    ) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor | None]:
        """Cotangents of vorticity, viscosity, drag and stirring; damping: whether viscosity and drag want theirs."""
        return self.back(self.kept(flow, dt, damping), cotangent)

    def back(self, kept: Kept, cotangent: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor | None]:
        numbers, begin, rates, damping, method = kept.numbers, kept.begin, kept.rates, kept.damping, self.method
        count = 1 + len(method.stages)
        result_bar = self.spectrum(cotangent)
        begin_bar = torch.zeros_like(result_bar)
        rate_bars = [torch.zeros_like(result_bar) for _ in range(count)]
        damping_bar = torch.zeros_like(result_bar) if damping else None  # of L, mode by mode

        def back_through(stage: Stage, bar: Tensor) -> None:
            """Hands the cotangent of a combination to its parts."""
            begin_bar.add_(bar).addcmul_(bar, numbers.growth(stage.growth))
            for index, weight in stage.weights:
                rate_bars[index].addcmul_(bar, numbers.weight(weight))
            if damping_bar is not None:
                damping_bar.addcmul_(bar, numbers.slope(stage, begin, rates))

        back_through(method.result, result_bar)
        for index in reversed(range(count)):
            bar = self.advection.transposed(kept.velocities[index], rate_bars[index])
            if index == 0:
                begin_bar.add_(bar)
            else:
                back_through(method.stages[index - 1], bar)
        stirring_bar = None
        if self.pattern is not None:
            stirring_bar = self.summed(torch.stack(rate_bars).sum(0) * self.pattern)
        viscosity_bar, drag_bar = None, None
        if damping_bar is not None:
            viscosity_bar = -self.summed(damping_bar * self.modes.k_squared.to(damping_bar.dtype)[..., None])
            drag_bar = -self.summed(damping_bar)
        return self.modes.inverse(as_complex(begin_bar)), viscosity_bar, drag_bar, stirring_bar

    def summed(self, products: Tensor) -> Tensor:
        """Sum over the samples of f g, from the products of the parts of their spectra [batch]."""
        samples = self.modes.cells[0] * self.modes.cells[1]
        return (products.sum(-1) * self.modes.parseval).sum((-2, -1)) * samples


class SpectralStep(torch.autograd.Function):
    """A step as one node of torch's graph that keeps only its inputs."""

    @staticmethod
    def forward(
        ctx: Any, stepper: Stepper, dt: Tensor, vorticity: Tensor, viscosity: Tensor, drag: Tensor, stirring: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        ctx.stepper, ctx.dt = stepper, dt
        ctx.save_for_backward(vorticity, viscosity, drag, stirring)
        after, error = stepper.step(Flow(vorticity, viscosity, drag, stirring), dt)
        if error is not None:
            ctx.mark_non_differentiable(error)
        return after, error

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, after_bar: Tensor, _: Tensor | None) -> tuple[Tensor | None, ...]:
        flow = Flow(*ctx.saved_tensors)
        damping = any(ctx.needs_input_grad[3:5])
        return None, None, *ctx.stepper.transposed(flow, ctx.dt, after_bar, damping)
