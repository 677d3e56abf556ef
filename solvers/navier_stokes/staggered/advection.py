"""What passes through the faces between samples: conservative schemes, told apart by the values they put there.

A flux is the velocity times the value upwind less what diffuses,  F = max(u, 0) left + min(u, 0) right - k dq,  with k
the diffusivity over the distance. The limited schemes have their transposes written by hand: going back through a dozen
tensor operations one by one takes longer and keeps all that they made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from scenegrad.solvers.navier_stokes.staggered.slices import but_first, but_last, differences, inner

__all__ = ["SCHEMES", "Central", "Gain", "Paused", "Scheme", "VanLeer", "Weno3"]

Transposed = tuple[Tensor, Tensor, Tensor | None]  # cotangents of q, u and k


class Scheme(Protocol):
    """q: samples along `axis` with ghosts. u: velocity at the m + 1 interfaces of the m samples within. k: None where
    nothing diffuses."""

    @property
    def width(self) -> int:
        """Ghosts that it needs on either side."""
        ...

    @property
    def upwind(self) -> float:
        """Largest damping rate in units of u/h, which bounds the step of an explicit method."""
        ...

    def flux(self, q: Tensor, u: Tensor, k: Tensor | None, axis: int) -> Tensor: ...

    def transposed(self, q: Tensor, u: Tensor, k: Tensor | None, axis: int, bar: Tensor) -> Transposed:
        """Cotangents, given that of the flux."""
        ...


class Gain(torch.autograd.Function):
    """F_i+1 - F_i as one node of the graph that keeps only its inputs.

    across: axis along which the mean of neighbours in `w` is the velocity; None where w is that velocity.
    """

    @staticmethod
    def forward(
        ctx: Any, scheme: Scheme, axis: int, across: int | None, q: Tensor, w: Tensor, k: Tensor | None
    ) -> Tensor:
        ctx.scheme, ctx.axis, ctx.across = scheme, axis, across
        ctx.save_for_backward(q, w, k)
        return differences(scheme.flux(q, speed(scheme, w, across), k, axis), axis)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, bar: Tensor) -> tuple[Tensor | None, ...]:
        (q, w, k), axis, across = ctx.saved_tensors, ctx.axis, ctx.across
        flux_bar = differences(torch.nn.functional.pad(bar, ends(axis, 1)), axis).neg_()
        q_bar, u_bar, k_bar = ctx.scheme.transposed(q, speed(ctx.scheme, w, across), k, axis, flux_bar)
        if across is not None:
            u_bar.mul_(0.5)
            w_bar = torch.zeros_like(w)
            within = inner(w_bar, across, ctx.scheme.width - 1)
            but_first(within, across).copy_(u_bar)
            but_last(within, across).add_(u_bar)
            u_bar = w_bar
        return None, None, None, q_bar, u_bar, k_bar


def speed(scheme: Scheme, w: Tensor, across: int | None) -> Tensor:
    if across is None:
        return w
    within = inner(w, across, scheme.width - 1)
    return torch.add(but_first(within, across), but_last(within, across)).mul_(0.5)


def ends(axis: int, count: int) -> list[int]:
    """The list that torch's pad wants, for both ends of one axis (negative)."""
    return [0, 0] * (-axis - 1) + [count, count]


def diffused(flux: Tensor, steps: Tensor, k: Tensor | None) -> Tensor:
    return flux if k is None else flux.addcmul_(steps, k, value=-1.0)


def conducted(steps: Tensor, k: Tensor | None, bar: Tensor) -> Tensor | None:
    """Cotangent of k."""
    return None if k is None else -(bar * steps).sum_to_size(k.shape)


@dataclass(frozen=True)
class Central:
    """left = right = mean of the neighbours: keeps kinetic energy [Harlow & Welch 1965]."""

    width = 1
    upwind = 0.0

    def flux(self, q: Tensor, u: Tensor, k: Tensor | None, axis: int) -> Tensor:
        flux = torch.add(but_first(q, axis), but_last(q, axis)).mul_(u).mul_(0.5)
        return flux if k is None else diffused(flux, differences(q, axis), k)

    def transposed(self, q: Tensor, u: Tensor, k: Tensor | None, axis: int, bar: Tensor) -> Transposed:
        u_bar = torch.add(but_first(q, axis), but_last(q, axis)).mul_(bar).mul_(0.5)
        each = torch.mul(bar, u).mul_(0.5)
        q_bar = torch.zeros_like(q)
        but_first(q_bar, axis).copy_(each)
        but_last(q_bar, axis).add_(each)
        if k is None:
            return q_bar, u_bar, None
        but_first(q_bar, axis).addcmul_(bar, k, value=-1.0)
        but_last(q_bar, axis).addcmul_(bar, k)
        return q_bar, u_bar, conducted(differences(q, axis), k, bar)


@dataclass(frozen=True)
class Paused:
    """Nothing is carried, as where paths carry the fields."""

    width = 1
    upwind = 0.0

    def flux(self, q: Tensor, u: Tensor, k: Tensor | None, axis: int) -> Tensor:
        return diffused(torch.zeros_like(u), differences(q, axis), k)

    def transposed(self, q: Tensor, u: Tensor, k: Tensor | None, axis: int, bar: Tensor) -> Transposed:
        q_bar = torch.zeros_like(q)
        if k is not None:
            but_first(q_bar, axis).addcmul_(bar, k, value=-1.0)
            but_last(q_bar, axis).addcmul_(bar, k)
        return q_bar, torch.zeros_like(u), conducted(differences(q, axis), k, bar)


@dataclass(frozen=True)
class VanLeer:
    """Straight lines in the cells, their slopes the harmonic mean of the differences to both sides, zero at extrema
    [van Leer 1974, J. Comput. Phys. 14, 361-370]: no new extrema, second order elsewhere."""

    width = 2
    upwind = 2.0

    def flux(self, q: Tensor, u: Tensor, k: Tensor | None, axis: int) -> Tensor:
        steps = differences(q, axis)
        half = self.halves(steps, axis)[0]
        middle = inner(q, axis)
        flux = torch.add(but_last(middle, axis), but_last(half, axis)).mul_(u.clamp(min=0.0))
        flux.addcmul_(torch.sub(but_first(middle, axis), but_first(half, axis)), u.clamp(max=0.0))
        return diffused(flux, inner(steps, axis), k)

    def halves(self, steps: Tensor, axis: int) -> tuple[Tensor, Tensor, Tensor]:
        """Half the slope in each cell, max(ab, 0) / (a + b), with ab and a + b."""
        a, b = but_last(steps, axis), but_first(steps, axis)
        product = torch.mul(a, b)
        # a + b = 0 with ab > 0 cannot be: the tiny number only keeps 0/0 away, also from the square in a derivative
        total = torch.add(a, b).add_(torch.finfo(steps.dtype).tiny ** 0.5)
        return product.clamp(min=0.0).div_(total), product, total

    def transposed(self, q: Tensor, u: Tensor, k: Tensor | None, axis: int, bar: Tensor) -> Transposed:
        steps = differences(q, axis)
        half, product, total = self.halves(steps, axis)
        middle = inner(q, axis)
        left = torch.add(but_last(middle, axis), but_last(half, axis))
        right = torch.sub(but_first(middle, axis), but_first(half, axis))
        forward = torch.sign(u).clamp_(min=0.0)  # 1 where the flow goes up the axis
        u_bar = left.sub_(right).mul_(forward).add_(right).mul_(bar)
        left_bar, right_bar = torch.mul(bar, u.clamp(min=0.0)), torch.mul(bar, u.clamp(max=0.0))
        q_bar = torch.zeros_like(q)
        middle_bar = inner(q_bar, axis)
        but_last(middle_bar, axis).copy_(left_bar)
        but_first(middle_bar, axis).add_(right_bar)
        half_bar = torch.zeros_like(half)
        but_last(half_bar, axis).copy_(left_bar)
        but_first(half_bar, axis).sub_(right_bar)
        # d half / da = (b / (a + b))^2 where ab > 0
        half_bar.mul_(torch.sign(product).clamp_(min=0.0)).div_(total.square_())
        steps_bar = torch.zeros_like(steps)
        but_last(steps_bar, axis).addcmul_(half_bar, but_first(steps, axis).square())
        but_first(steps_bar, axis).addcmul_(half_bar, but_last(steps, axis).square())
        if k is not None:
            inner(steps_bar, axis).addcmul_(bar, k, value=-1.0)
        but_first(q_bar, axis).add_(steps_bar)
        but_last(q_bar, axis).sub_(steps_bar)
        return q_bar, u_bar, conducted(inner(steps, axis), k, bar)


@dataclass(frozen=True)
class Weno3:
    """Two straight lines for each end of a cell, weighed by how smooth they are [Jiang & Shu 1996, J. Comput. Phys.
    126, 202-228]: third order where the flow is smooth."""

    width = 2
    upwind = 2.0

    def flux(self, q: Tensor, u: Tensor, k: Tensor | None, axis: int) -> Tensor:
        steps = differences(q, axis)
        a, b = but_last(steps, axis), but_first(steps, axis)
        # relative to the largest step, so that the result scales with the field
        small = 1e-6 * steps.square().amax(tuple(range(1, steps.ndim)), keepdim=True) + 1e-30
        # weights 1/3 of the line from behind and 2/3 of the one ahead, divided by the squares of their roughness
        ratio = torch.div(a.square() + small, b.square() + small).square()
        ahead = 0.5 * (2.0 * ratio * b + a) / (2.0 * ratio + 1.0)
        behind = 0.5 * (2.0 * a + ratio * b) / (2.0 + ratio)
        middle = inner(q, axis)
        left, right = but_last(middle + ahead, axis), but_first(middle - behind, axis)
        flux = left * u.clamp(min=0.0) + right * u.clamp(max=0.0)
        return flux if k is None else torch.addcmul(flux, inner(steps, axis), k, value=-1.0)

    def transposed(self, q: Tensor, u: Tensor, k: Tensor | None, axis: int, bar: Tensor) -> Transposed:
        inputs = [value.detach().requires_grad_() for value in (q, u, k) if value is not None]
        with torch.enable_grad():
            flux = self.flux(inputs[0], inputs[1], None if k is None else inputs[2], axis)
        found = torch.autograd.grad(flux, inputs, bar)
        return found[0], found[1], None if k is None else found[2]


SCHEMES: Mapping[str, Scheme] = {
    "central": Central(),
    "van_leer": VanLeer(),
    "weno3": Weno3(),
    "maccormack": Paused(),  # see maccormack.py
}
