"""Explicit methods in time for velocities without divergence.

du/dt = N(u) - grad p / density. Since the pressure does nothing but keep the divergence at zero, a step may leave it
out and project afterwards; there is no splitting error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scenegrad.solvers.shared import dormand_prince

__all__ = ["AB2", "DP5", "INTEGRATORS", "RK3", "AdamsBashforth", "RungeKutta"]


@dataclass(frozen=True)
class AdamsBashforth:
    """u' = u + dt ((1 + r/2) N - r/2 N_before), r = dt / dt_before: one evaluation and one projection a step.

    [Hairer, Norsett & Wanner, Solving ODEs I, III.5]; r = 0 in the first step, which is Euler's.
    real, imaginary: how far its region of stability reaches along either axis. Pure waves always grow, by
    (dt omega)^4 / 4 a step, which is 1 % at the reach and 0.4 % at 0.8 of it; upwind fluxes or some viscosity outweigh
    that.
    """

    name = "ab2"
    order = 2
    estimate_order = None  # it has no embedded method
    real = 1.0
    imaginary = 0.45


@dataclass(frozen=True)
class RungeKutta:
    """Stages u_i = P(u + dt sum_j rows[i][j] N_j); the last is the result. less: weights of an embedded method, one
    more where it looks at the rates of the result; its distance from this one is of `estimate_order` in dt."""

    name: str
    order: int
    real: float
    imaginary: float
    rows: tuple[tuple[float, ...], ...]
    times: tuple[float, ...]  # of the stages, the result at 1
    less: tuple[float, ...]
    estimate_order: int


AB2 = AdamsBashforth()

# [Shu & Osher 1988, J. Comput. Phys. 77, 439-471]; Heun's method of order 2 has the same first two stages
RK3 = RungeKutta(
    name="rk3",
    order=3,
    real=2.5,
    imaginary=1.7,
    rows=((1.0,), (0.25, 0.25), (1 / 6, 1 / 6, 2 / 3)),
    times=(1.0, 0.5, 1.0),
    less=(0.5, 0.5, 0.0),
    estimate_order=3,
)

DP5 = RungeKutta(
    name="dp5",
    order=5,
    real=3.3,
    imaginary=0.99,
    rows=dormand_prince.ROWS[1:],
    times=dormand_prince.NODES[1:],
    less=dormand_prince.FOURTH,
    estimate_order=dormand_prince.ESTIMATE_ORDER,
)

INTEGRATORS: Mapping[str, AdamsBashforth | RungeKutta] = {method.name: method for method in (AB2, RK3, DP5)}
