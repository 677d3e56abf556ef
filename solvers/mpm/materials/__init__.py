"""Constitutive laws by the material of the scene that names them; one of your own joins by an entry in LAWS."""

from scenegrad.scenes import materials as scene
from scenegrad.scenes.learned import Learned
from scenegrad.scenes.solids import Material, NeoHookean, WeaklyCompressible
from scenegrad.solvers.mpm.materials.cam_clay import CAM_CLAY
from scenegrad.solvers.mpm.materials.drucker_prager import DRUCKER_PRAGER
from scenegrad.solvers.mpm.materials.fixed_corotated import FIXED_COROTATED
from scenegrad.solvers.mpm.materials.hencky import ST_VENANT_KIRCHHOFF_HENCKY
from scenegrad.solvers.mpm.materials.herschel_bulkley import BINGHAM, HERSCHEL_BULKLEY
from scenegrad.solvers.mpm.materials.law import Law
from scenegrad.solvers.mpm.materials.learned import LEARNED
from scenegrad.solvers.mpm.materials.muscle import MUSCLE
from scenegrad.solvers.mpm.materials.neo_hookean import NEO_HOOKEAN
from scenegrad.solvers.mpm.materials.newtonian import NEWTONIAN
from scenegrad.solvers.mpm.materials.snow import SNOW
from scenegrad.solvers.mpm.materials.viscoelastic import OLDROYD_B, VISCOELASTIC
from scenegrad.solvers.mpm.materials.von_mises import VON_MISES
from scenegrad.solvers.mpm.materials.weakly_compressible import WEAKLY_COMPRESSIBLE

__all__ = ["LAWS", "Law"]

LAWS: dict[type[Material], Law] = {
    NeoHookean: NEO_HOOKEAN,
    WeaklyCompressible: WEAKLY_COMPRESSIBLE,
    scene.FixedCorotated: FIXED_COROTATED,
    scene.StVenantKirchhoffHencky: ST_VENANT_KIRCHHOFF_HENCKY,
    scene.VonMises: VON_MISES,
    scene.DruckerPrager: DRUCKER_PRAGER,
    scene.Snow: SNOW,
    scene.CamClay: CAM_CLAY,
    scene.Newtonian: NEWTONIAN,
    scene.HerschelBulkley: HERSCHEL_BULKLEY,
    scene.Bingham: BINGHAM,
    scene.Viscoelastic: VISCOELASTIC,
    scene.OldroydB: OLDROYD_B,
    scene.Muscle: MUSCLE,
    Learned: LEARNED,
}
