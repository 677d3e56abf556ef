"""The numbers of an exponential Runge-Kutta step for given dt, viscosity and drag, kept while these stay the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.spectral.integrators import Stage
from scenegrad.solvers.navier_stokes.spectral.modes import Modes
from scenegrad.solvers.navier_stokes.spectral.phi import Arguments, Function

__all__ = ["CoefficientCache", "Coefficients"]

C = TypeVar("C")


class Coefficients:
    """Values of the functions of a method at z = dt L, L = -(viscosity |k|^2 + drag), for each member and mode.

    All of them are [batch, K_y + 1, nx, 2], twice the same number, to multiply real and imaginary part in one pass.
    They are computed in float64: cancellations happen before the result is rounded to the precision of the solver.
    """

    def __init__(self, modes: Modes, dt: Tensor, viscosity: Tensor, drag: Tensor):
        self.modes = modes
        self.dt = dt.to(modes.device, torch.float64).view(-1, 1, 1)
        nu, mu = viscosity.detach().double().view(-1, 1, 1), drag.detach().double().view(-1, 1, 1)
        # Columns n_x and -n_x have the same |k|, so half of them is computed and mirrored at the end.
        self.arguments = Arguments(-self.dt * (nu * modes.k_squared[:, : modes.cells[0] // 2 + 1] + mu))
        self.known: dict[tuple, Tensor] = {}

    def growth(self, function: Function) -> Tensor:
        """function(z)"""
        return self.kept(("growth", function), lambda: function.at(self.arguments))

    def weight(self, function: Function) -> Tensor:
        """dt * function(z)."""
        return self.kept(("weight", function), lambda: self.dt * function.at(self.arguments))

    def growth_slope(self, function: Function) -> Tensor:
        """Derivative of the growth with respect to L."""
        return self.kept(("growth slope", function), lambda: self.dt * function.derivative().at(self.arguments))

    def weight_slope(self, function: Function) -> Tensor:
        """Derivative of the weight with respect to L."""
        return self.kept(("weight slope", function), lambda: self.dt**2 * function.derivative().at(self.arguments))

    def kept(self, key: tuple, compute: Callable[[], Tensor]) -> Tensor:
        if key not in self.known:
            number = compute()[..., self.modes.mirrored].to(self.modes.dtype)
            self.known[key] = torch.stack([number, number], dim=-1)
        return self.known[key]

    def combine(self, stage: Stage, begin: Tensor, rates: Sequence[Tensor]) -> Tensor:
        """(1 + growth(z)) w + dt sum_j weights_j(z) N_j, all as pairs [batch, K_y + 1, nx, 2]."""
        total = begin * self.growth(stage.growth)
        for index, weight in stage.weights:
            total.addcmul_(rates[index], self.weight(weight))
        return total.add_(begin)

    def slope(self, stage: Stage, begin: Tensor, rates: Sequence[Tensor]) -> Tensor:
        """Derivative of `combine` with respect to L."""
        total = begin * self.growth_slope(stage.growth)
        for index, weight in stage.weights:
            total.addcmul_(rates[index], self.weight_slope(weight))
        return total


class CoefficientCache(Generic[C]):
    """The last few sets of coefficients of dt and some numbers; with a fixed dt they are computed once."""

    def __init__(self, make: Callable[..., C], size: int = 4):
        self.make, self.size = make, size
        self.sets: OrderedDict[tuple, tuple[C, list[Tensor]]] = OrderedDict()

    def __call__(self, dt: Tensor, *numbers: Tensor) -> C:
        # A tensor is known by its place in memory and its version, so that nothing is copied from a device to ask for
        # its value; the cache keeps a reference, or the place could be given to another tensor.
        key = (known_by(dt), *map(fingerprint, numbers))
        if key not in self.sets:
            given = [dt.detach(), *(number.detach() for number in numbers)]
            with torch.no_grad():
                self.sets[key] = (self.make(*given), given)
            if len(self.sets) > self.size:
                self.sets.popitem(last=False)
        self.sets.move_to_end(key)
        return self.sets[key][0]


def known_by(dt: Tensor) -> tuple:
    """By its value on the host, where it comes in a new tensor now and then."""
    return tuple(dt.tolist()) if dt.device.type == "cpu" else fingerprint(dt)


def fingerprint(tensor: Tensor) -> tuple:
    return tensor.data_ptr(), tensor._version, tuple(tensor.shape), tensor.stride(), tensor.dtype
