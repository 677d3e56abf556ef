"""Conservation laws, each a small file: what is conserved, how it flows, and how fast its waves are."""

from scenegrad.solvers.navier_stokes.finite_volume.laws.gas import IDEAL_GAS
from scenegrad.solvers.navier_stokes.finite_volume.laws.law import Law, LawKernels
from scenegrad.solvers.navier_stokes.finite_volume.laws.water import SHALLOW_WATER

__all__ = ["IDEAL_GAS", "SHALLOW_WATER", "Law", "LawKernels"]
