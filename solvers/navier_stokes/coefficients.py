"""The numbers of an exponential Runge-Kutta step for given dt, viscosity and drag, kept while these stay the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.integrators import Stage
from scenegrad.solvers.navier_stokes.modes import Modes
from scenegrad.solvers.navier_stokes.phi import PhiSum, phi_functions

__all__ = ["CoefficientCache", "Coefficients", "combine"]


@dataclass(frozen=True)
class Coefficients:
    """Values of the functions of a method at z = dt L, L = -(viscosity |k|^2 + drag), for each member and mode.

    value: [batch, nx, K_y + 1, 2], twice the same number, to multiply real and imaginary part in one pass.
    slope: derivative with respect to L, times weights that make the sum over modes of slope * Re(conj(a) b) the mean
    over the box [batch, nx, K_y + 1].
    """

    dt: Tensor  # float64 on the device [batch, 1, 1]
    modes: Modes
    phis: Callable[[float], list[Tensor]]
    values: dict[tuple[PhiSum, int], Tensor]
    slopes: dict[tuple[PhiSum, int], Tensor]

    def value(self, function: PhiSum, power: int) -> Tensor:
        """dt**power * function(z); power is 0 for what carries the state, 1 for what weighs its rate of change."""
        key = (function, power)
        if key not in self.values:
            number = self.dt**power * function.at(self.phis)
            self.values[key] = torch.stack([number, number], dim=-1).to(self.modes.dtype)
        return self.values[key]

    def slope(self, function: PhiSum, power: int) -> Tensor:
        key = (function, power)
        if key not in self.slopes:
            number = self.dt ** (power + 1) * function.derivative().at(self.phis)
            self.slopes[key] = number.to(self.modes.dtype) * self.modes.parseval
        return self.slopes[key]


def coefficients(modes: Modes, dt: Tensor, viscosity: Tensor, drag: Tensor) -> Coefficients:
    """All in float64: the cancellations happen before the result is rounded to the precision of the solver."""
    device = modes.device
    dt = dt.to(device, torch.float64).view(-1, 1, 1)
    nu, mu = viscosity.detach().double().view(-1, 1, 1), drag.detach().double().view(-1, 1, 1)
    # Rows n_x and -n_x have the same |k|, so half of them is computed.
    half = modes.cells[0] // 2 + 1
    z = -dt * (nu * modes.k_squared[:half] + mu)
    known: dict[float, list[Tensor]] = {}

    def phis(at: float) -> list[Tensor]:
        if at not in known:
            rows = modes.mirrored_rows
            known[at] = [value[:, rows] for value in phi_functions(at * z)]
        return known[at]

    return Coefficients(dt, modes, phis, {}, {})


class CoefficientCache:
    """The last few sets of coefficients; with a fixed dt they are computed once."""

    def __init__(self, modes: Modes, size: int = 4):
        self.modes, self.size = modes, size
        self.sets: OrderedDict[tuple, tuple[Coefficients, Tensor, Tensor]] = OrderedDict()

    def __call__(self, dt: Tensor, viscosity: Tensor, drag: Tensor) -> Coefficients:
        # A tensor is known by its place in memory and its version, so that nothing is copied from a device to ask for
        # its value; the cache keeps a reference, or the place could be given to another tensor.
        key = (tuple(dt.tolist()), fingerprint(viscosity), fingerprint(drag))
        if key not in self.sets:
            self.sets[key] = (coefficients(self.modes, dt, viscosity, drag), viscosity.detach(), drag.detach())
            if len(self.sets) > self.size:
                self.sets.popitem(last=False)
        self.sets.move_to_end(key)
        return self.sets[key][0]


def fingerprint(tensor: Tensor) -> tuple:
    return tensor.data_ptr(), tensor._version, tuple(tensor.shape), tensor.stride(), tensor.dtype


def combine(numbers: Coefficients, stage: Stage, state: Tensor, rates: list[Tensor]) -> Tensor:
    """carry(z) w + dt sum_j weights_j(z) N_j, all as pairs of real numbers [batch, nx, K_y + 1, 2]."""
    total = state * numbers.value(stage.carry, 0)
    for index, weight in stage.weights:
        total.addcmul_(rates[index], numbers.value(weight, 1))
    return total
