"""Describe a physical scene once: simulate it, differentiate it, learn it, look at it.

    import scenegrad as sg

Everything that a program needs is here by name, and loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenegrad import control as control
    from scenegrad import sampling as sampling
    from scenegrad import statistics as statistics
    from scenegrad import surrogates as surrogates
    from scenegrad import view as view
    from scenegrad.cards import card as card
    from scenegrad.differences import Difference as Difference
    from scenegrad.differences import diff as diff
    from scenegrad.engine.controllers import CFL as CFL
    from scenegrad.engine.controllers import PI as PI
    from scenegrad.engine.controllers import PID as PID
    from scenegrad.engine.controllers import Fixed as Fixed
    from scenegrad.engine.controllers import InStep as InStep
    from scenegrad.engine.dataset import Dataset as Dataset
    from scenegrad.engine.dataset import open_dataset as open_dataset
    from scenegrad.engine.errors import DeviceError as DeviceError
    from scenegrad.engine.errors import DiskFull as DiskFull
    from scenegrad.engine.errors import Diverged as Diverged
    from scenegrad.engine.errors import EngineError as EngineError
    from scenegrad.engine.errors import FileError as FileError
    from scenegrad.engine.errors import MeshError as MeshError
    from scenegrad.engine.errors import OutputInUse as OutputInUse
    from scenegrad.engine.errors import StabilityError as StabilityError
    from scenegrad.engine.files.splats import read_splats as read_splats
    from scenegrad.engine.gradients import Reversible as Reversible
    from scenegrad.engine.gradients import Reweighted as Reweighted
    from scenegrad.engine.gradients import Stored as Stored
    from scenegrad.engine.gradients import Tape as Tape
    from scenegrad.engine.jackknife import Estimate as Estimate
    from scenegrad.engine.jackknife import jackknife as jackknife
    from scenegrad.engine.optimise import optimise as optimise
    from scenegrad.engine.reductions import Average as Average
    from scenegrad.engine.reductions import Final as Final
    from scenegrad.engine.reductions import Greatest as Greatest
    from scenegrad.engine.residual import residual as residual
    from scenegrad.engine.rollout import Rollout as Rollout
    from scenegrad.engine.rollout import rollout as rollout
    from scenegrad.engine.solver import Step as Step
    from scenegrad.engine.state import Params as Params
    from scenegrad.engine.state import with_tensors as with_tensors
    from scenegrad.engine.statistics import blocking as blocking
    from scenegrad.engine.step_adjoints import Adjoints as Adjoints
    from scenegrad.engine.step_rule import StepRule as StepRule
    from scenegrad.engine.trials import Trials as Trials
    from scenegrad.evaluating import evaluate as evaluate
    from scenegrad.evaluations import Evaluation as Evaluation
    from scenegrad.exporting.export import export as export
    from scenegrad.extxyz import write_extxyz as write_extxyz
    from scenegrad.generating import generate as generate
    from scenegrad.importing.import_file import import_file as import_file
    from scenegrad.running import run as run
    from scenegrad.runs import CheckFailed as CheckFailed
    from scenegrad.runs import Run as Run
    from scenegrad.runs import open_run as open_run
    from scenegrad.safeguarding import coarse_check as coarse_check
    from scenegrad.safeguarding import safeguarded as safeguarded
    from scenegrad.scenes import APIC as APIC
    from scenegrad.scenes import CSVR as CSVR
    from scenegrad.scenes import FCC as FCC
    from scenegrad.scenes import FENE as FENE
    from scenegrad.scenes import FLIP as FLIP
    from scenegrad.scenes import MSD as MSD
    from scenegrad.scenes import NVE as NVE
    from scenegrad.scenes import PME as PME
    from scenegrad.scenes import RDF as RDF
    from scenegrad.scenes import RESPA as RESPA
    from scenegrad.scenes import WCA as WCA
    from scenegrad.scenes import ActiveBrownian as ActiveBrownian
    from scenegrad.scenes import Actuator as Actuator
    from scenegrad.scenes import AdvectionDiffusion as AdvectionDiffusion
    from scenegrad.scenes import Apart as Apart
    from scenegrad.scenes import Atoms as Atoms
    from scenegrad.scenes import BandForcing as BandForcing
    from scenegrad.scenes import Bingham as Bingham
    from scenegrad.scenes import Body as Body
    from scenegrad.scenes import BornMayerHuggins as BornMayerHuggins
    from scenegrad.scenes import Boundary as Boundary
    from scenegrad.scenes import Box as Box
    from scenegrad.scenes import Brownian as Brownian
    from scenegrad.scenes import Buckingham as Buckingham
    from scenegrad.scenes import Burgers as Burgers
    from scenegrad.scenes import CamClay as CamClay
    from scenegrad.scenes import Capsule as Capsule
    from scenegrad.scenes import CenterOfMass as CenterOfMass
    from scenegrad.scenes import Chains as Chains
    from scenegrad.scenes import Charges14 as Charges14
    from scenegrad.scenes import Choice as Choice
    from scenegrad.scenes import Collider as Collider
    from scenegrad.scenes import Conduction as Conduction
    from scenegrad.scenes import Confinement as Confinement
    from scenegrad.scenes import ConstantPressure as ConstantPressure
    from scenegrad.scenes import CosineAngle as CosineAngle
    from scenegrad.scenes import Coulomb as Coulomb
    from scenegrad.scenes import Cylinder as Cylinder
    from scenegrad.scenes import Darcy as Darcy
    from scenegrad.scenes import Dense as Dense
    from scenegrad.scenes import Diagnostics as Diagnostics
    from scenegrad.scenes import DiagonalForcing as DiagonalForcing
    from scenegrad.scenes import Diamond as Diamond
    from scenegrad.scenes import DihedralAngles as DihedralAngles
    from scenegrad.scenes import Direct as Direct
    from scenegrad.scenes import DistanceBias as DistanceBias
    from scenegrad.scenes import Domain as Domain
    from scenegrad.scenes import DoubleWellPairs as DoubleWellPairs
    from scenegrad.scenes import DruckerPrager as DruckerPrager
    from scenegrad.scenes import Electrostatics as Electrostatics
    from scenegrad.scenes import Elliptic as Elliptic
    from scenegrad.scenes import Energy as Energy
    from scenegrad.scenes import EnergyTerm as EnergyTerm
    from scenegrad.scenes import Ensemble as Ensemble
    from scenegrad.scenes import Entity as Entity
    from scenegrad.scenes import EntropyProduction as EntropyProduction
    from scenegrad.scenes import Ewald as Ewald
    from scenegrad.scenes import Exchange as Exchange
    from scenegrad.scenes import Explicit as Explicit
    from scenegrad.scenes import FieldFile as FieldFile
    from scenegrad.scenes import Fields as Fields
    from scenegrad.scenes import Finer as Finer
    from scenegrad.scenes import FiniteElement as FiniteElement
    from scenegrad.scenes import FiniteVolume as FiniteVolume
    from scenegrad.scenes import FixedCorotated as FixedCorotated
    from scenegrad.scenes import Fluid as Fluid
    from scenegrad.scenes import Force as Force
    from scenegrad.scenes import Gas as Gas
    from scenegrad.scenes import GasPatch as GasPatch
    from scenegrad.scenes import GaussianField as GaussianField
    from scenegrad.scenes import Gaussians as Gaussians
    from scenegrad.scenes import GeneralizedBorn as GeneralizedBorn
    from scenegrad.scenes import Gravity as Gravity
    from scenegrad.scenes import GrayScott as GrayScott
    from scenegrad.scenes import HalfSpace as HalfSpace
    from scenegrad.scenes import HarmonicAngle as HarmonicAngle
    from scenegrad.scenes import HarmonicBond as HarmonicBond
    from scenegrad.scenes import HarmonicDihedral as HarmonicDihedral
    from scenegrad.scenes import HarmonicWell as HarmonicWell
    from scenegrad.scenes import Hermite as Hermite
    from scenegrad.scenes import HerschelBulkley as HerschelBulkley
    from scenegrad.scenes import Hexagonal as Hexagonal
    from scenegrad.scenes import Hinge as Hinge
    from scenegrad.scenes import Image as Image
    from scenegrad.scenes import Implicit as Implicit
    from scenegrad.scenes import Inflow as Inflow
    from scenegrad.scenes import IsentropicVortex as IsentropicVortex
    from scenegrad.scenes import KolmogorovForcing as KolmogorovForcing
    from scenegrad.scenes import KuramotoSivashinsky as KuramotoSivashinsky
    from scenegrad.scenes import Langevin as Langevin
    from scenegrad.scenes import Learned as Learned
    from scenegrad.scenes import LearnedPotential as LearnedPotential
    from scenegrad.scenes import LennardJones as LennardJones
    from scenegrad.scenes import LennardJones14 as LennardJones14
    from scenegrad.scenes import LennardJonesPairs as LennardJonesPairs
    from scenegrad.scenes import LinearElastic as LinearElastic
    from scenegrad.scenes import LogNormalField as LogNormalField
    from scenegrad.scenes import LogUniform as LogUniform
    from scenegrad.scenes import Magnitude as Magnitude
    from scenegrad.scenes import MassSpring as MassSpring
    from scenegrad.scenes import Material as Material
    from scenegrad.scenes import MaterialPoint as MaterialPoint
    from scenegrad.scenes import MaternField as MaternField
    from scenegrad.scenes import Mesh as Mesh
    from scenegrad.scenes import MeshEdges as MeshEdges
    from scenegrad.scenes import MeshFile as MeshFile
    from scenegrad.scenes import Method as Method
    from scenegrad.scenes import Misfit as Misfit
    from scenegrad.scenes import MixedLennardJones as MixedLennardJones
    from scenegrad.scenes import MolecularDynamics as MolecularDynamics
    from scenegrad.scenes import Momentum as Momentum
    from scenegrad.scenes import Morse as Morse
    from scenegrad.scenes import Moving as Moving
    from scenegrad.scenes import Multigrid as Multigrid
    from scenegrad.scenes import Muscle as Muscle
    from scenegrad.scenes import NeoHookean as NeoHookean
    from scenegrad.scenes import Newtonian as Newtonian
    from scenegrad.scenes import NoiseField as NoiseField
    from scenegrad.scenes import NonNegative as NonNegative
    from scenegrad.scenes import Normal as Normal
    from scenegrad.scenes import NoseHoover as NoseHoover
    from scenegrad.scenes import NoSlip as NoSlip
    from scenegrad.scenes import Obstacle as Obstacle
    from scenegrad.scenes import OldroydB as OldroydB
    from scenegrad.scenes import Oscillator as Oscillator
    from scenegrad.scenes import Outflow as Outflow
    from scenegrad.scenes import Output as Output
    from scenegrad.scenes import Own as Own
    from scenegrad.scenes import PairPotential as PairPotential
    from scenegrad.scenes import Parabolic as Parabolic
    from scenegrad.scenes import Parameter as Parameter
    from scenegrad.scenes import Particles as Particles
    from scenegrad.scenes import Periodic as Periodic
    from scenegrad.scenes import PeriodicDihedral as PeriodicDihedral
    from scenegrad.scenes import PlaneWave as PlaneWave
    from scenegrad.scenes import PointFile as PointFile
    from scenegrad.scenes import Points as Points
    from scenegrad.scenes import Positive as Positive
    from scenegrad.scenes import ReactionField as ReactionField
    from scenegrad.scenes import RigidBody as RigidBody
    from scenegrad.scenes import RigidBond as RigidBond
    from scenegrad.scenes import RigidPose as RigidPose
    from scenegrad.scenes import Samples as Samples
    from scenegrad.scenes import Scalar as Scalar
    from scenegrad.scenes import ScaledPairs as ScaledPairs
    from scenegrad.scenes import Scene as Scene
    from scenegrad.scenes import SceneError as SceneError
    from scenegrad.scenes import Separate as Separate
    from scenegrad.scenes import ShallowWater as ShallowWater
    from scenegrad.scenes import Signal as Signal
    from scenegrad.scenes import SimpleCubic as SimpleCubic
    from scenegrad.scenes import Sine as Sine
    from scenegrad.scenes import Sites as Sites
    from scenegrad.scenes import Slip as Slip
    from scenegrad.scenes import Smagorinsky as Smagorinsky
    from scenegrad.scenes import Snow as Snow
    from scenegrad.scenes import SoftSphere as SoftSphere
    from scenegrad.scenes import Sparse as Sparse
    from scenegrad.scenes import SparseLU as SparseLU
    from scenegrad.scenes import Spectral as Spectral
    from scenegrad.scenes import Spectrum as Spectrum
    from scenegrad.scenes import Sphere as Sphere
    from scenegrad.scenes import Splats as Splats
    from scenegrad.scenes import Spots as Spots
    from scenegrad.scenes import SpringLattice as SpringLattice
    from scenegrad.scenes import SpringList as SpringList
    from scenegrad.scenes import Springs as Springs
    from scenegrad.scenes import Square as Square
    from scenegrad.scenes import Staggered as Staggered
    from scenegrad.scenes import Stick as Stick
    from scenegrad.scenes import StillingerWeber as StillingerWeber
    from scenegrad.scenes import Stress as Stress
    from scenegrad.scenes import StructureFactor as StructureFactor
    from scenegrad.scenes import StVenantKirchhoffHencky as StVenantKirchhoffHencky
    from scenegrad.scenes import SymmetricLeapfrog as SymmetricLeapfrog
    from scenegrad.scenes import Table as Table
    from scenegrad.scenes import TailCorrection as TailCorrection
    from scenegrad.scenes import TaylorGreen as TaylorGreen
    from scenegrad.scenes import Thermo as Thermo
    from scenegrad.scenes import Through as Through
    from scenegrad.scenes import Time as Time
    from scenegrad.scenes import Together as Together
    from scenegrad.scenes import Tracer as Tracer
    from scenegrad.scenes import Traction as Traction
    from scenegrad.scenes import Tree as Tree
    from scenegrad.scenes import TwoPhases as TwoPhases
    from scenegrad.scenes import Uniform as Uniform
    from scenegrad.scenes import UniformForcing as UniformForcing
    from scenegrad.scenes import Vector as Vector
    from scenegrad.scenes import VelocityCorrelation as VelocityCorrelation
    from scenegrad.scenes import Viscoelastic as Viscoelastic
    from scenegrad.scenes import VonMises as VonMises
    from scenegrad.scenes import Wall as Wall
    from scenegrad.scenes import WaterPatch as WaterPatch
    from scenegrad.scenes import Waves as Waves
    from scenegrad.scenes import WeaklyCompressible as WeaklyCompressible
    from scenegrad.scenes import Yukawa as Yukawa
    from scenegrad.scenes import library as library
    from scenegrad.scenes import load_plugin as load_plugin
    from scenegrad.scenes import load_scene as load_scene
    from scenegrad.scenes import read_molecules as read_molecules
    from scenegrad.scenes import save_scene as save_scene
    from scenegrad.scenes import scene_schema as scene_schema
    from scenegrad.scenes import vary as vary
    from scenegrad.solvers.compile import compile_scene as compile  # noqa: F401
    from scenegrad.solvers.md.many_body.learned import register_potential as register_potential
    from scenegrad.solvers.md.many_body.learned import with_potential as with_potential
    from scenegrad.solvers.md.minimum import minimise as minimise
    from scenegrad.solvers.md.motions.pace import paced as paced
    from scenegrad.solvers.md.own import register_energy as register_energy
    from scenegrad.solvers.md.own import register_pair_potential as register_pair_potential
    from scenegrad.solvers.md.potential_energy import forces as forces
    from scenegrad.solvers.md.potential_energy import potential_energy as potential_energy
    from scenegrad.solvers.mpm.learned import read_weights as read_weights
    from scenegrad.solvers.mpm.learned import register_law as register_law
    from scenegrad.solvers.mpm.learned import with_modules as with_modules
    from scenegrad.solvers.mpm.materials.own import elastic_law as elastic_law
    from scenegrad.solvers.mpm.materials.own import register_material as register_material
    from scenegrad.solvers.own import register_output as register_output
    from scenegrad.solvers.own import register_solver as register_solver
    from scenegrad.solvers.torch_solver import TorchSolver as TorchSolver
    from scenegrad.sources import read_scene as read_scene
    from scenegrad.splats import write_splats as write_splats
    from scenegrad.surrogates import Surrogate as Surrogate
    from scenegrad.surrogates import train as train
    from scenegrad.transport import Diffusion as Diffusion
    from scenegrad.transport import diffusion as diffusion

__version__ = "0.1.0"

SCENES = (
    "APIC CSVR FCC FENE FLIP MSD NVE PME RDF RESPA WCA ActiveBrownian Actuator AdvectionDiffusion Apart Atoms "
    "BandForcing Bingham Body BornMayerHuggins Boundary Box Brownian Buckingham Burgers CamClay Capsule CenterOfMass "
    "Chains Charges14 Choice Collider Conduction Confinement ConstantPressure CosineAngle Coulomb Cylinder Darcy "
    "Dense Diagnostics DiagonalForcing Diamond DihedralAngles Direct DistanceBias Domain DoubleWellPairs "
    "DruckerPrager Electrostatics Elliptic Energy EnergyTerm Ensemble Entity EntropyProduction Ewald Exchange "
    "Explicit FieldFile Fields Finer FiniteElement FiniteVolume FixedCorotated Fluid Force Gas GasPatch "
    "GaussianField Gaussians GeneralizedBorn Gravity GrayScott HalfSpace HarmonicAngle HarmonicBond HarmonicDihedral "
    "HarmonicWell Hermite HerschelBulkley Hexagonal Hinge Image Implicit Inflow IsentropicVortex KolmogorovForcing "
    "KuramotoSivashinsky Langevin Learned LearnedPotential LennardJones LennardJones14 LennardJonesPairs "
    "LinearElastic LogNormalField LogUniform Magnitude MassSpring Material MaterialPoint MaternField Mesh MeshEdges "
    "MeshFile Method Misfit MixedLennardJones MolecularDynamics Momentum Morse Moving Multigrid Muscle NeoHookean "
    "Newtonian NoSlip NoiseField NonNegative Normal NoseHoover Obstacle OldroydB Oscillator Outflow Output Own "
    "PairPotential Parabolic Parameter Particles Periodic PeriodicDihedral PlaneWave PointFile Points Positive "
    "ReactionField RigidBody RigidBond RigidPose Samples Scalar ScaledPairs Scene SceneError Separate ShallowWater "
    "Signal SimpleCubic Sine Sites Slip Smagorinsky Snow SoftSphere Sparse SparseLU Spectral Spectrum Sphere Splats "
    "Spots SpringLattice SpringList Springs Square StVenantKirchhoffHencky Staggered Stick StillingerWeber Stress "
    "StructureFactor SymmetricLeapfrog Table TailCorrection TaylorGreen Thermo Through Time Together Tracer Traction "
    "Tree TwoPhases Uniform UniformForcing Vector VelocityCorrelation Viscoelastic VonMises Wall WaterPatch Waves "
    "WeaklyCompressible Yukawa load_plugin load_scene read_molecules save_scene scene_schema vary"
)
ERRORS = "DeviceError DiskFull Diverged EngineError FileError MeshError OutputInUse StabilityError"

# Where each name lives: "module", or "module:name" where it is called otherwise there.
HOMES: dict[str, str] = {
    **dict.fromkeys(SCENES.split(), "scenegrad.scenes"),
    **dict.fromkeys(ERRORS.split(), "scenegrad.engine.errors"),
    **dict.fromkeys(("CFL", "PI", "PID", "Fixed", "InStep"), "scenegrad.engine.controllers"),
    **dict.fromkeys(("Reversible", "Reweighted", "Stored", "Tape"), "scenegrad.engine.gradients"),
    **dict.fromkeys(("Average", "Final", "Greatest"), "scenegrad.engine.reductions"),
    "Adjoints": "scenegrad.engine.step_adjoints",
    "StepRule": "scenegrad.engine.step_rule",
    **dict.fromkeys(("Estimate", "jackknife"), "scenegrad.engine.jackknife"),
    "blocking": "scenegrad.engine.statistics",
    "Trials": "scenegrad.engine.trials",
    **dict.fromkeys(("Dataset", "open_dataset"), "scenegrad.engine.dataset"),
    **dict.fromkeys(("CheckFailed", "Run", "open_run"), "scenegrad.runs"),
    **dict.fromkeys(("coarse_check", "safeguarded"), "scenegrad.safeguarding"),
    "Surrogate": "scenegrad.surrogates",
    "card": "scenegrad.cards",
    "compile": "scenegrad.solvers.compile:compile_scene",
    **dict.fromkeys(("Difference", "diff"), "scenegrad.differences"),
    "evaluate": "scenegrad.evaluating",
    "Evaluation": "scenegrad.evaluations",
    "export": "scenegrad.exporting.export",
    "import_file": "scenegrad.importing.import_file",
    "generate": "scenegrad.generating",
    "residual": "scenegrad.engine.residual",
    **dict.fromkeys(("Rollout", "rollout"), "scenegrad.engine.rollout"),
    **dict.fromkeys(("Params", "with_tensors"), "scenegrad.engine.state"),
    "optimise": "scenegrad.engine.optimise",
    "read_scene": "scenegrad.sources",
    "read_splats": "scenegrad.engine.files.splats",
    **dict.fromkeys(("read_weights", "register_law", "with_modules"), "scenegrad.solvers.mpm.learned"),
    **dict.fromkeys(("register_potential", "with_potential"), "scenegrad.solvers.md.many_body.learned"),
    **dict.fromkeys(("forces", "potential_energy"), "scenegrad.solvers.md.potential_energy"),
    **dict.fromkeys(("elastic_law", "register_material"), "scenegrad.solvers.mpm.materials.own"),
    **dict.fromkeys(("register_energy", "register_pair_potential"), "scenegrad.solvers.md.own"),
    **dict.fromkeys(("register_output", "register_solver"), "scenegrad.solvers.own"),
    "Step": "scenegrad.engine.solver",
    "TorchSolver": "scenegrad.solvers.torch_solver",
    "minimise": "scenegrad.solvers.md.minimum",
    "paced": "scenegrad.solvers.md.motions.pace",
    "run": "scenegrad.running",
    "train": "scenegrad.surrogates",
    **dict.fromkeys(("Diffusion", "diffusion"), "scenegrad.transport"),
    "write_extxyz": "scenegrad.extxyz",
    "write_splats": "scenegrad.splats",
}
FOLDERS = {
    "control": "scenegrad.control",
    "library": "scenegrad.scenes.library",
    "sampling": "scenegrad.sampling",
    "statistics": "scenegrad.statistics",
    "surrogates": "scenegrad.surrogates",
    "view": "scenegrad.view",
}

__all__ = sorted([*HOMES, *FOLDERS])


def __getattr__(name: str) -> Any:
    if name in FOLDERS:
        found = import_module(FOLDERS[name])
    elif name in HOMES:
        home, _, there = HOMES[name].partition(":")
        found = getattr(import_module(home), there or name)
    else:
        raise AttributeError(f"scenegrad has no {name!r}.{nearest(name)}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def nearest(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, __all__, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
