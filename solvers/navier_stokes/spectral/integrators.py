"""Exponential Runge-Kutta methods for w' = L w + N(w), L linear and diagonal in Fourier space: exact where N = 0.

A method is a table of functions of z = dt L. A stage is  w_i = e^(at_i z) w + dt sum_j weights_ij(z) N(w_j).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scenegrad.scenes.errors import SceneError, nearest
from scenegrad.solvers.navier_stokes.spectral.phi import PhiSum, phi

__all__ = ["ETDRK4", "ETDRK43", "Integrator", "Stage", "integrator"]


@dataclass(frozen=True)
class Stage:
    """e^(at z) w + dt sum over j of weights[j](z) N_j: the state at the fraction `at` of the step."""

    at: float
    weights: tuple[tuple[int, PhiSum], ...]


@dataclass(frozen=True)
class Integrator:
    """An explicit exponential Runge-Kutta method.

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
    estimate: tuple[tuple[int, PhiSum], ...] | None = None
    estimate_order: int | None = None


LAST = 4.0 * phi(3) - phi(2)
MIDDLE = 2.0 * phi(2) - 4.0 * phi(3)

ETDRK4 = Integrator(
    name="etdrk4",
    order=4,
    reach=2.8,
    # [Cox & Matthews 2002, J. Comput. Phys. 176, 430-455]; their product phi_1(z/2) (e^(z/2) - 1) / 2 written as a sum
    stages=(
        Stage(0.5, ((0, 0.5 * phi(1, at=0.5)),)),
        Stage(0.5, ((1, 0.5 * phi(1, at=0.5)),)),
        Stage(1.0, ((0, phi(1) - phi(1, at=0.5)), (2, phi(1, at=0.5)))),
    ),
    result=Stage(
        1.0,
        ((0, phi(1) - 3.0 * phi(2) + 4.0 * phi(3)), (1, MIDDLE), (2, MIDDLE), (3, LAST)),
    ),
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

INTEGRATORS: Mapping[str, Integrator] = {method.name: method for method in (ETDRK4, ETDRK43)}


def integrator(name: str) -> Integrator:
    """The method of that name."""
    if name not in INTEGRATORS:
        raise SceneError(
            f"Unknown integrator {name!r}; there are {', '.join(INTEGRATORS)}.{nearest(name, INTEGRATORS)}"
        )
    return INTEGRATORS[name]
