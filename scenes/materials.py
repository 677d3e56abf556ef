"""Materials beyond the neo-Hookean solid and the weakly compressible fluid.

Each names its source in the file of its law. Stresses and moduli in Pa, angles in degrees, densities in kg/m^3. Every
number may be a Parameter, and may differ from particle to particle.
"""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from scenegrad.scenes.signals import ScalarOrSignal
from scenegrad.scenes.solids import Material, PoissonRatio
from scenegrad.scenes.values import NonNegative, Positive, Scalar, check_range

__all__ = [
    "Bingham", "CamClay", "DruckerPrager", "FixedCorotated", "HerschelBulkley", "Muscle", "Newtonian", "OldroydB",
    "Snow", "StVenantKirchhoffHencky", "Viscoelastic", "VonMises",
]  # fmt: skip

FrictionAngle = Annotated[
    Scalar,
    pydantic.AfterValidator(lambda v: check_range(v, -5e-324, 90.0, "an angle of friction lies in 0 to 90 degrees")),
]
LodeAngle = Annotated[
    Scalar,
    pydantic.AfterValidator(lambda v: check_range(v, -30.0001, 30.0001, "Lode's angle lies in -30 to 30 degrees")),
]
Fraction = Annotated[Scalar, pydantic.AfterValidator(lambda v: check_range(v, -5e-324, 1.0, "it lies between 0 and 1"))]


class FixedCorotated(Material):
    """Elastic solid, linear in the stretch: W = mu |F - R|^2 + lambda/2 (J - 1)^2."""

    kind: Literal["fixed_corotated"] = "fixed_corotated"
    youngs_modulus: Positive
    poisson_ratio: PoissonRatio = 0.3
    density: Positive = 1000.0


class StVenantKirchhoffHencky(Material):
    """Elastic solid, linear in the logarithm of the stretch: W = mu E:E + lambda/2 (tr E)^2, E = log(F F') / 2."""

    kind: Literal["st_venant_kirchhoff_hencky"] = "st_venant_kirchhoff_hencky"
    youngs_modulus: Positive
    poisson_ratio: PoissonRatio = 0.3
    density: Positive = 1000.0


class VonMises(Material):
    """Metal, taffy: under tension it yields at yield_stress + hardening * (equivalent plastic strain)."""

    kind: Literal["von_mises"] = "von_mises"
    youngs_modulus: Positive
    poisson_ratio: PoissonRatio = 0.3
    yield_stress: Positive  # under uniaxial tension
    hardening: NonNegative = 0.0  # [Pa] per plastic strain
    density: Positive = 1000.0


class DruckerPrager(Material):
    """Sand: bears shear in proportion to pressure, opens under tension.

    lode_angle: where the cone meets the pyramid of Mohr and Coulomb. 0 is pure shear: the slopes and shear failures of
    plane strain have the angle of friction given. -30 is triaxial compression [Klar et al. 2016].
    """

    kind: Literal["drucker_prager"] = "drucker_prager"
    youngs_modulus: Positive
    poisson_ratio: PoissonRatio = 0.3
    friction_angle: FrictionAngle = 30.0
    cohesion: NonNegative = 0.0
    lode_angle: LodeAngle = 0.0
    density: Positive = 1600.0


class Snow(Material):
    """Snow: yields at small stretches, hardens when packed by exp(hardening (1 - J_P)), J_P its plastic volume."""

    kind: Literal["snow"] = "snow"
    youngs_modulus: Positive = 1.4e5
    poisson_ratio: PoissonRatio = 0.2
    hardening: NonNegative = 10.0
    critical_compression: Fraction = 2.5e-2
    critical_stretch: NonNegative = 7.5e-3
    density: Positive = 400.0


class CamClay(Material):
    """Clay, porous snow, foam: yields on an ellipse of pressure p and shear q that grows when it is compacted.

    critical_state_ratio: q/p where it shears at constant volume, 6 sin f / (3 - sin f) of the angle of friction f.
    preconsolidation: the pressure p0 that it bears at first; p0 = preconsolidation * exp(hardening * compaction).
    cohesion: the tension that it bears, as a fraction of p0.
    """

    kind: Literal["cam_clay"] = "cam_clay"
    youngs_modulus: Positive
    poisson_ratio: PoissonRatio = 0.3
    critical_state_ratio: Positive = 1.2
    cohesion: NonNegative = 0.0
    preconsolidation: Positive
    hardening: NonNegative = 10.0
    density: Positive = 1500.0


class Newtonian(Material):
    """Viscous fluid with a linear equation of state p = K (1 - J)."""

    kind: Literal["newtonian"] = "newtonian"
    bulk_modulus: Positive
    viscosity: NonNegative  # [Pa s]
    bulk_viscosity: NonNegative = 0.0  # [Pa s]
    density: Positive = 1000.0


class HerschelBulkley(Material):
    """Paint, foam, mud: elastic below yield_stress in shear, then yield_stress + consistency * rate^flow_index."""

    kind: Literal["herschel_bulkley"] = "herschel_bulkley"
    bulk_modulus: Positive
    shear_modulus: Positive  # of the elastic part
    yield_stress: NonNegative  # in simple shear
    consistency: NonNegative  # [Pa s^flow_index]
    flow_index: Positive = 0.5
    density: Positive = 1000.0


class Bingham(Material):
    """Fresh concrete, toothpaste: elastic up to the shear stress yield_stress, then yield_stress + viscosity * rate."""

    kind: Literal["bingham"] = "bingham"
    bulk_modulus: Positive
    shear_modulus: Positive  # of the elastic part
    yield_stress: NonNegative  # in simple shear
    viscosity: NonNegative  # plastic [Pa s]
    density: Positive = 1000.0


class Viscoelastic(Material):
    """Neo-Hookean solid with a Maxwell branch: stiffer by branch_modulus at first, which fades in relaxation_time."""

    kind: Literal["viscoelastic"] = "viscoelastic"
    youngs_modulus: Positive  # after long times
    poisson_ratio: PoissonRatio = 0.3
    branch_modulus: NonNegative  # shear modulus of the branch
    relaxation_time: Positive  # [s]
    density: Positive = 1000.0


class OldroydB(Material):
    """Polymer solution: a Newtonian solvent and elastic coils that relax; viscosity + polymer_modulus * relaxation_time
    in steady shear."""

    kind: Literal["oldroyd_b"] = "oldroyd_b"
    bulk_modulus: Positive
    viscosity: NonNegative  # of the solvent [Pa s]
    polymer_modulus: NonNegative
    relaxation_time: Positive  # [s]
    density: Positive = 1000.0


class Muscle(Material):
    """Neo-Hookean solid whose fibres pull with the stress activation * strength.

    fibre_angle: of the fibres in the undeformed body, from the x axis towards y; fibre_elevation: over the x-y plane.
    """

    kind: Literal["muscle"] = "muscle"
    youngs_modulus: Positive
    poisson_ratio: PoissonRatio = 0.3
    strength: NonNegative
    activation: ScalarOrSignal = 0.0
    fibre_angle: Scalar = 0.0
    fibre_elevation: Scalar = 0.0
    density: Positive = 1000.0
