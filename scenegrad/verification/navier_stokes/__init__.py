"""Cases of the solvers of fluids, from those that hold to the last digit to published benchmarks."""

from scenegrad.verification.case import Case
from scenegrad.verification.navier_stokes import elliptic, finite_volume, spectral, staggered

__all__ = ["CASES"]

CASES: tuple[Case, ...] = (*spectral.CASES, *finite_volume.CASES, *elliptic.CASES, *staggered.CASES)
