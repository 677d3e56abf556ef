"""What to simulate: frozen, validated descriptions that round-trip through TOML and JSON."""

if (
    __name__ == "scenes"
):  # the folder would become a second module beside the real one, and every kernel would be built twice
    raise ImportError("import scenegrad.scenes: the bare name 'scenes' belongs to no package of ours")

from scenegrad.scenes.active import ActiveBrownian, EntropyProduction
from scenegrad.scenes.atom_outputs import MSD, DihedralAngles, Stress, StructureFactor, VelocityCorrelation
from scenegrad.scenes.atoms import (
    FCC,
    NVE,
    Atoms,
    Diamond,
    Hexagonal,
    Langevin,
    PointFile,
    SimpleCubic,
    Sites,
    Square,
)
from scenegrad.scenes.bonded import (
    FENE,
    Charges14,
    CosineAngle,
    HarmonicAngle,
    HarmonicBond,
    HarmonicDihedral,
    LennardJones14,
    PeriodicDihedral,
    RigidBond,
    ScaledPairs,
)
from scenegrad.scenes.colliders import Collider, Hinge, Moving, RigidBody
from scenegrad.scenes.coulomb import PME, Direct, Electrostatics, Ewald, ReactionField
from scenegrad.scenes.domain import Boundary, Coulomb, Domain, Periodic, Separate, Slip, Stick
from scenegrad.scenes.elastic import LinearElastic, Traction
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.equations import AdvectionDiffusion, Burgers, GrayScott, KuramotoSivashinsky
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.files import load_scene, save_scene
from scenegrad.scenes.fluids import Fluid, Obstacle, Smagorinsky, Tracer
from scenegrad.scenes.forcings import BandForcing, DiagonalForcing, KolmogorovForcing, UniformForcing
from scenegrad.scenes.gases import Gas, GasPatch, IsentropicVortex, ShallowWater, WaterPatch
from scenegrad.scenes.gravity import Gravity, Tree
from scenegrad.scenes.initial_fields import Conduction, FieldFile, Magnitude, PlaneWave, Spots, TaylorGreen, Waves
from scenegrad.scenes.learned import Learned
from scenegrad.scenes.many_body import LearnedPotential, StillingerWeber
from scenegrad.scenes.materials import (
    Bingham,
    CamClay,
    DruckerPrager,
    FixedCorotated,
    HerschelBulkley,
    Muscle,
    Newtonian,
    OldroydB,
    Snow,
    StVenantKirchhoffHencky,
    Viscoelastic,
    VonMises,
)
from scenegrad.scenes.mesh_file import MeshFile
from scenegrad.scenes.methods import (
    APIC,
    FLIP,
    Apart,
    Dense,
    Elliptic,
    Explicit,
    Finer,
    FiniteElement,
    FiniteVolume,
    Implicit,
    MassSpring,
    MaterialPoint,
    Method,
    MolecularDynamics,
    Multigrid,
    Sparse,
    SparseLU,
    Spectral,
    Staggered,
    Together,
)
from scenegrad.scenes.mixtures import MixedLennardJones
from scenegrad.scenes.molecule_files import read_molecules
from scenegrad.scenes.molecules import Chains
from scenegrad.scenes.motions import RESPA, ConstantPressure, Hermite, SymmetricLeapfrog
from scenegrad.scenes.outputs import (
    RDF,
    CenterOfMass,
    Diagnostics,
    Energy,
    Exchange,
    Fields,
    Force,
    Gaussians,
    Misfit,
    Momentum,
    Output,
    Particles,
    RigidPose,
    Spectrum,
    Thermo,
)
from scenegrad.scenes.own import EnergyTerm, Own
from scenegrad.scenes.pair_potentials import (
    WCA,
    BornMayerHuggins,
    Buckingham,
    LennardJones,
    Morse,
    PairPotential,
    SoftSphere,
    Yukawa,
)
from scenegrad.scenes.plugins import load_plugin
from scenegrad.scenes.porous import Darcy, LogNormalField, TwoPhases
from scenegrad.scenes.quantities import Parabolic, Samples, Through
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.schema import scene_schema
from scenegrad.scenes.shapes import Box, Capsule, Cylinder, HalfSpace, Mesh, Sphere
from scenegrad.scenes.sides import Inflow, NoSlip, Outflow
from scenegrad.scenes.signals import Signal, Sine, Table
from scenegrad.scenes.solids import Body, Material, NeoHookean, Wall, WeaklyCompressible
from scenegrad.scenes.solvents import GeneralizedBorn
from scenegrad.scenes.sources import Image, Points, Splats
from scenegrad.scenes.springs import Actuator, MeshEdges, SpringLattice, SpringList, Springs
from scenegrad.scenes.tail import TailCorrection
from scenegrad.scenes.targets import (
    Confinement,
    DistanceBias,
    DoubleWellPairs,
    HarmonicWell,
    LennardJonesPairs,
    Oscillator,
)
from scenegrad.scenes.thermostats import CSVR, Brownian, NoseHoover
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import (
    Choice,
    GaussianField,
    LogUniform,
    MaternField,
    NoiseField,
    NonNegative,
    Normal,
    Parameter,
    Positive,
    Scalar,
    Uniform,
    Vector,
)
from scenegrad.scenes.vary import Ensemble, vary

__all__ = [
    "APIC", "CSVR", "FCC", "FENE", "FLIP", "MSD", "NVE", "PME", "RDF", "RESPA", "WCA", "ActiveBrownian", "Actuator",
    "AdvectionDiffusion", "Apart", "Atoms", "BandForcing", "Bingham", "Body", "BornMayerHuggins", "Boundary", "Box",
    "Brownian", "Buckingham", "Burgers", "CamClay", "Capsule", "CenterOfMass", "Chains", "Charges14", "Choice",
    "Collider", "Conduction", "Confinement", "ConstantPressure", "CosineAngle", "Coulomb", "Cylinder", "Darcy",
    "Dense", "Diagnostics", "DiagonalForcing", "Diamond", "DihedralAngles", "Direct", "DistanceBias", "Domain",
    "DoubleWellPairs", "DruckerPrager", "Electrostatics", "Elliptic", "Energy", "EnergyTerm", "Ensemble", "Entity",
    "EntropyProduction", "Ewald", "Exchange", "Explicit", "FieldFile", "Fields", "Finer", "FiniteElement",
    "FiniteVolume", "FixedCorotated", "Fluid", "Force", "Gas", "GasPatch", "GaussianField", "Gaussians",
    "GeneralizedBorn", "Gravity", "GrayScott", "HalfSpace", "HarmonicAngle", "HarmonicBond", "HarmonicDihedral",
    "HarmonicWell", "Hermite", "HerschelBulkley", "Hexagonal", "Hinge", "Image", "Implicit", "Inflow",
    "IsentropicVortex", "KolmogorovForcing", "KuramotoSivashinsky", "Langevin", "Learned", "LearnedPotential",
    "LennardJones", "LennardJones14", "LennardJonesPairs", "LinearElastic", "LogNormalField", "LogUniform",
    "Magnitude", "MassSpring", "Material", "MaterialPoint", "MaternField", "Mesh", "MeshEdges", "MeshFile", "Method",
    "Misfit", "MixedLennardJones", "MolecularDynamics", "Momentum", "Morse", "Moving", "Multigrid", "Muscle",
    "NeoHookean", "Newtonian", "NoSlip", "NoiseField", "NonNegative", "Normal", "NoseHoover", "Obstacle", "OldroydB",
    "Oscillator", "Outflow", "Output", "Own", "PairPotential", "Parabolic", "Parameter", "Particles", "Periodic",
    "PeriodicDihedral", "PlaneWave", "PointFile", "Points", "Positive", "ReactionField", "RigidBody", "RigidBond",
    "RigidPose", "Samples", "Scalar", "ScaledPairs", "Scene", "SceneError", "Separate", "ShallowWater", "Signal",
    "SimpleCubic", "Sine", "Sites", "Slip", "Smagorinsky", "Snow", "SoftSphere", "Sparse", "SparseLU", "Spectral",
    "Spectrum", "Sphere", "Splats", "Spots", "SpringLattice", "SpringList", "Springs", "Square",
    "StVenantKirchhoffHencky", "Staggered", "Stick", "StillingerWeber", "Stress", "StructureFactor",
    "SymmetricLeapfrog", "Table", "TailCorrection", "TaylorGreen", "Thermo", "Through", "Time", "Together", "Tracer",
    "Traction", "Tree", "TwoPhases", "Uniform", "UniformForcing", "Vector", "VelocityCorrelation", "Viscoelastic",
    "VonMises", "Wall", "WaterPatch", "Waves", "WeaklyCompressible", "Yukawa", "load_plugin", "load_scene",
    "read_molecules", "save_scene", "scene_schema", "vary",
]  # fmt: skip
