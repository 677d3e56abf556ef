"""Runge-Kutta methods for w' = L w + N(w), L linear and diagonal in Fourier space.

A method is a table of functions of z = dt L. A stage is  w_i = (1 + growth_i(z)) w + dt sum_j weights_ij(z) N(w_j).
Exponential methods are exact where N = 0; those that take L implicitly and N explicitly have rational functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scenegrad.scenes.errors import SceneError, nearest
from scenegrad.solvers.navier_stokes.spectral.phi import Decay, Expm1, Function, phi
from scenegrad.solvers.navier_stokes.spectral.rational import Rational
from scenegrad.solvers.shared import dormand_prince

__all__ = ["ARS443", "ETDRK2", "ETDRK4", "ETDRK43", "IFDP5", "Integrator", "Stage", "integrator"]


@dataclass(frozen=True)
class Stage:
    """(1 + growth(z)) w + dt sum over j of weights[j](z) N_j: an approximation of w on the way, or after dt."""

    growth: Function
    weights: tuple[tuple[int, Function], ...]


def exponential(at: float, *weights: tuple[int, Function]) -> Stage:
    """A stage of an exponential method, at the fraction `at` of the step."""
    return Stage(Expm1(at), weights)


@dataclass(frozen=True)
class Integrator:
    """One method.

    stages: all but the first, which is the state itself. result: the state after dt.
    order: of the global error. reach: largest stable dt * (frequency of pure advection), with or without damping.
    estimate: difference from an embedded method, a combination of the N_j and of N at the result, which comes after
    those of the stages; its size is of order `estimate_order` in dt. None where there is no such method.
    """

    name: str
    order: int
    reach: float
    stages: tuple[Stage, ...]
    result: Stage
    estimate: tuple[tuple[int, Function], ...] | None = None
    estimate_order: int | None = None


# [Cox & Matthews 2002, J. Comput. Phys. 176, 430-455, eqs. 20-22]. With L = 0 it is Heun's method, which lets pure
# oscillations grow by 1 + (dt omega)^4 / 8 a step: 1 % at 0.5.
ETDRK2 = Integrator(
    name="etdrk2",
    order=2,
    reach=1.0,
    stages=(exponential(1.0, (0, phi(1))),),
    result=exponential(1.0, (0, phi(1) - phi(2)), (1, phi(2))),
)

LAST = 4.0 * phi(3) - phi(2)
MIDDLE = 2.0 * phi(2) - 4.0 * phi(3)

ETDRK4 = Integrator(
    name="etdrk4",
    order=4,
    reach=2.8,
    # [Cox & Matthews 2002, J. Comput. Phys. 176, 430-455]; their product phi_1(z/2) (e^(z/2) - 1) / 2 written as a sum
    stages=(
        exponential(0.5, (0, 0.5 * phi(1, at=0.5))),
        exponential(0.5, (1, 0.5 * phi(1, at=0.5))),
        exponential(1.0, (0, phi(1) - phi(1, at=0.5)), (2, phi(1, at=0.5))),
    ),
    result=exponential(1.0, (0, phi(1) - 3.0 * phi(2) + 4.0 * phi(3)), (1, MIDDLE), (2, MIDDLE), (3, LAST)),
)

# The four stages of ETDRK4 hold no second method: at z = 0 the conditions of order 3 on their nodes 0, 1/2, 1/2, 1 have
# the weights of order 4 as their only solution. With N at the result as a fifth node, the last weight may move there
# without loss of order 3; the difference is the estimate [for interaction pictures: Balac & Mahe 2013, Comput. Phys.
# Commun. 184, 1211-1219].
ETDRK43 = Integrator(
    name="etdrk43",
    order=4,
    reach=ETDRK4.reach,
    stages=ETDRK4.stages,
    result=ETDRK4.result,
    estimate=((3, -1.0 * LAST), (4, LAST)),
    estimate_order=4,
)


def implicit_explicit(explicit: tuple[tuple[float, ...], ...], implicit: tuple[tuple[float, ...], ...]) -> list[Stage]:
    """Stages 1 ... of  w_i = w + dt sum_j (explicit_ij N_j + implicit_ij L w_j), the first being w itself.

    explicit[i - 1], implicit[i - 1]: coefficients of the stages before (0 ... i - 1), and for the implicit part of the
    stage itself too. Solved one after another, each is a combination of w and the N_j with rational functions of z.
    """
    one, z = Rational((1.0,)), Rational((0.0, 1.0))
    growths: list[Rational] = [one]  # of the stages, as factors of w
    weights: list[list[Rational]] = [[]]  # and of the N_j before
    for i, (a, b) in enumerate(zip(explicit, implicit, strict=True), start=1):
        solve = Rational((1.0,), (1.0, -b[i]))
        total, own = one, [Rational((a[j],)) for j in range(i)]
        for j in range(i):
            total = total + b[j] * z * growths[j]
            for k, weight in enumerate(weights[j]):
                own[k] = own[k] + b[j] * z * weight
        growths.append(solve * total)
        weights.append([solve * weight for weight in own])
    minus_one = Rational((-1.0,))
    return [
        Stage(growth + minus_one, tuple((j, weight) for j, weight in enumerate(own) if not weight.vanishes))
        for growth, own in zip(growths[1:], weights[1:], strict=True)
    ]


# Four implicit and four explicit stages, order 3, L-stable: the last one is the result [Ascher, Ruuth & Spiteri 1997,
# Appl. Numer. Math. 25, 151-167, section 2.8].
*ON_THE_WAY, END = implicit_explicit(
    explicit=((1 / 2,), (11 / 18, 1 / 18), (5 / 6, -5 / 6, 1 / 2), (1 / 4, 7 / 4, 3 / 4, -7 / 4)),
    implicit=(
        (0.0, 1 / 2),
        (0.0, 1 / 6, 1 / 2),
        (0.0, -1 / 2, 1 / 2, 1 / 2),
        (0.0, 3 / 2, -3 / 2, 1 / 2, 1 / 2),
    ),
)
ARS443 = Integrator(name="ars443", order=3, reach=1.5, stages=tuple(ON_THE_WAY), result=END)


def decaying(at: float, row: tuple[float, ...]) -> tuple[tuple[int, Function], ...]:
    """Weights of an explicit method for e^(-L t) w, seen at the fraction `at` of the step."""
    nodes = dormand_prince.NODES
    return tuple((j, Decay(a, at - nodes[j])) for j, a in enumerate(row) if a != 0.0)


# The pair of Dormand and Prince for the integrating factor e^(-L t) w [Lawson 1967, SIAM J. Numer. Anal. 4, 372-380]:
# exact where N = 0, and of order 5 where L is not stiff; where dt |L| is large its error is far above that of ETDRK4,
# and the estimate sees it.
IFDP5 = Integrator(
    name="ifdp5",
    order=5,
    reach=0.99,
    stages=tuple(
        exponential(at, *decaying(at, row))
        for at, row in zip(dormand_prince.NODES[1:-1], dormand_prince.ROWS[1:-1], strict=True)
    ),
    result=exponential(1.0, *decaying(1.0, dormand_prince.ROWS[-1])),
    estimate=decaying(1.0, dormand_prince.ESTIMATE),
    estimate_order=dormand_prince.ESTIMATE_ORDER,
)

INTEGRATORS: Mapping[str, Integrator] = {method.name: method for method in (ETDRK2, ETDRK4, ETDRK43, ARS443, IFDP5)}


def integrator(name: str) -> Integrator:
    """The method of that name."""
    if name not in INTEGRATORS:
        raise SceneError(
            f"Unknown integrator {name!r}; there are {', '.join(INTEGRATORS)}.{nearest(name, INTEGRATORS)}"
        )
    return INTEGRATORS[name]
