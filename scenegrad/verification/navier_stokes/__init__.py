"""Cases of the solvers of fluids, from those that hold to the last digit to published benchmarks."""

from scenegrad.verification.case import Case
from scenegrad.verification.navier_stokes import (
    cavity,
    elliptic,
    finite_element,
    finite_element_orders,
    finite_volume,
    finite_volume_walls,
    gradients,
    spectral,
    staggered,
)

__all__ = ["CASES"]

CASES: tuple[Case, ...] = (
    *spectral.CASES, *finite_volume.CASES, *finite_volume_walls.CASES, *elliptic.CASES, *cavity.CASES,
    *staggered.CASES, *finite_element.CASES, *finite_element_orders.CASES,
    *gradients.CASES,
)  # fmt: skip
