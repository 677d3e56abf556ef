"""Constitutive laws by the material of the scene that names them; one of your own joins by an entry in LAWS."""

from scenegrad.scenes.learned import Learned
from scenegrad.scenes.solids import Material, NeoHookean, WeaklyCompressible
from scenegrad.solvers.mpm.materials.law import Law
from scenegrad.solvers.mpm.materials.learned import LEARNED
from scenegrad.solvers.mpm.materials.neo_hookean import NEO_HOOKEAN
from scenegrad.solvers.mpm.materials.weakly_compressible import WEAKLY_COMPRESSIBLE

__all__ = ["LAWS", "Law"]

LAWS: dict[type[Material], Law] = {NeoHookean: NEO_HOOKEAN, WeaklyCompressible: WEAKLY_COMPRESSIBLE, Learned: LEARNED}
