"""Learned solvers: their data, their models, their training and their evaluation."""

if __name__ == "surrogates":  # a second module beside the real one: every kernel would be built twice
    raise ImportError("import scenegrad.surrogates: the bare name 'surrogates' belongs to no package of ours")

from scenegrad.surrogates.boltzmann.annealing import Annealed, anneal, annealed_smc
from scenegrad.surrogates.boltzmann.bases import CenteredNormal, Coordinates
from scenegrad.surrogates.boltzmann.continuous import Continuous
from scenegrad.surrogates.boltzmann.energies import energy_w2, energy_w2_floor
from scenegrad.surrogates.boltzmann.generator import ByEnergy, EquivariantMatching, ParticleGenerator
from scenegrad.surrogates.boltzmann.learning import learn_by_energy, match_particles
from scenegrad.surrogates.boltzmann.moves import MALA, Langevin
from scenegrad.surrogates.boltzmann.normalizing_flow import NormalizingFlow
from scenegrad.surrogates.boltzmann.particle_field import ParticleField
from scenegrad.surrogates.boltzmann.perturbed import Perturbed
from scenegrad.surrogates.boltzmann.spline_coupling import SplineCoupling, spline_flow
from scenegrad.surrogates.boltzmann.weights import Weighted, effective_share, forward_effective_share, importance
from scenegrad.surrogates.constraints import DivergenceFree, DivergenceFreeBox, Keeping
from scenegrad.surrogates.data.formats.gns import read_gns, write_gns
from scenegrad.surrogates.data.formats.neuraloperator import read_neuraloperator, write_neuraloperator
from scenegrad.surrogates.data.formats.particles import ParticleTrajectories
from scenegrad.surrogates.data.formats.pdebench import PDEBench, read_pdebench
from scenegrad.surrogates.data.formats.pdebench_writing import write_pdebench
from scenegrad.surrogates.data.formats.the_well import TheWell
from scenegrad.surrogates.data.formats.the_well_writing import write_the_well
from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.data.responses import Responses
from scenegrad.surrogates.data.split import Split, SplitByParameter, SplitByPlace
from scenegrad.surrogates.data.windows import Windows
from scenegrad.surrogates.data.with_adjoints import WithAdjoints
from scenegrad.surrogates.evaluation.conserved import (
    Enstrophy,
    GasEnergy,
    KineticEnergy,
    Mass,
    Mean,
    Momentum,
    VortexEnergy,
)
from scenegrad.surrogates.evaluation.cost import Spent, break_even
from scenegrad.surrogates.evaluation.ensembles import crps, rank_distance, ranks, spread_skill
from scenegrad.surrogates.evaluation.examination import Examination, examine
from scenegrad.surrogates.evaluation.metrics import (
    VRMSE,
    BreakEven,
    Calibration,
    ConservedError,
    CorrelationTime,
    LargestError,
    OneStepError,
    Persistence,
    RolloutError,
    SpectrumError,
)
from scenegrad.surrogates.evaluation.rollouts import compare
from scenegrad.surrogates.evaluation.samplers import judge_sampler
from scenegrad.surrogates.evaluation.sliced import sliced_wasserstein
from scenegrad.surrogates.flows.acceleration import Accelerated, ConstantAcceleration
from scenegrad.surrogates.flows.couplings import Independent, MinibatchOT
from scenegrad.surrogates.flows.energy import EnergyConsistent
from scenegrad.surrogates.flows.flow import Flow
from scenegrad.surrogates.flows.guidance import Guided
from scenegrad.surrogates.flows.light_bridge import LightBridge
from scenegrad.surrogates.flows.likelihood import log_likelihood
from scenegrad.surrogates.flows.maps import EulerianMap, LagrangianMap, MeanFlow, ProgressiveMap
from scenegrad.surrogates.flows.more_samplers import Adaptive, DPMSolver, Jumps, Noisy
from scenegrad.surrogates.flows.objectives import FlowMatching, Reflow, Score
from scenegrad.surrogates.flows.paths import Bridge, Linear, Trigonometric, VariancePreserving
from scenegrad.surrogates.flows.poisson import FromPoissonField
from scenegrad.surrogates.flows.refiner import Refiner
from scenegrad.surrogates.flows.samplers import RK4, Euler, Heun
from scenegrad.surrogates.flows.schedules import best_times, schedule
from scenegrad.surrogates.flows.starts import FromNoise, FromPresent
from scenegrad.surrogates.flows.teachers import Remembered, remember
from scenegrad.surrogates.foresight import Foresight
from scenegrad.surrogates.hybrid.active_learning import Extended, extended
from scenegrad.surrogates.hybrid.checks import CoarseStep, Drift, Together
from scenegrad.surrogates.hybrid.residual import Residual
from scenegrad.surrogates.hybrid.safe_stepper import SafeStepper, calibrated
from scenegrad.surrogates.hybrid.speculating import Speculating
from scenegrad.surrogates.hybrid.unfamiliar import Unfamiliar
from scenegrad.surrogates.hybrid.warm_start import WarmStart
from scenegrad.surrogates.operators.cno import CNO
from scenegrad.surrogates.operators.deeponet import DeepONet
from scenegrad.surrogates.operators.fno import FNO
from scenegrad.surrogates.operators.grids import Bounded, Torus
from scenegrad.surrogates.operators.known import register_operator
from scenegrad.surrogates.operators.local_kernels import Differential, Integral
from scenegrad.surrogates.operators.mlp import MLP
from scenegrad.surrogates.operators.operator import Operator
from scenegrad.surrogates.operators.predictions import Acceleration, Change, Next
from scenegrad.surrogates.operators.scot import ScOT
from scenegrad.surrogates.operators.space_time import SpaceTimeFNO
from scenegrad.surrogates.operators.staggered import AsChannels, AsMembers, Staggered
from scenegrad.surrogates.operators.tfno import TFNO
from scenegrad.surrogates.operators.transolver import Transolver
from scenegrad.surrogates.operators.unet import ClassicUNet, UNet
from scenegrad.surrogates.operators.uno import UNO
from scenegrad.surrogates.particles.carried import Carried
from scenegrad.surrogates.particles.decoding import Free, PairForces
from scenegrad.surrogates.particles.gns import GNS
from scenegrad.surrogates.particles.interpolation import farthest_points
from scenegrad.surrogates.particles.mesh_graph_net import MeshGraphNet, mesh_between, mesh_of
from scenegrad.surrogates.particles.neighbours import close_pairs
from scenegrad.surrogates.particles.surrogate import ParticleSurrogate
from scenegrad.surrogates.particles.targets import RandomWalk
from scenegrad.surrogates.stepper import Stepper
from scenegrad.surrogates.surrogate import Surrogate
from scenegrad.surrogates.tokens.model import Reconstruction, TokenModel, WhatFollows
from scenegrad.surrogates.training.checkpoint import load_model
from scenegrad.surrogates.training.curricula import Growing, Mastery, Stages
from scenegrad.surrogates.training.fit import Fit
from scenegrad.surrogates.training.gradient_targets import WithGradients
from scenegrad.surrogates.training.loop import train
from scenegrad.surrogates.training.losses import Conserved, LogSpectrum, MeanSquare, Plus, RelativeL2, Sobolev
from scenegrad.surrogates.training.optimisers import SGD, Adam, AdamW
from scenegrad.surrogates.training.recipe import Recipe, read_recipe
from scenegrad.surrogates.training.residual_target import PhysicsResidual
from scenegrad.surrogates.training.schedules import Constant, Cosine, Exponential, OneCycle, Steps
from scenegrad.surrogates.training.settings import Settings
from scenegrad.surrogates.training.solver_targets import Corrected, Correcting, MatchAdjoint, SolverInTheLoop
from scenegrad.surrogates.training.stopping import Patience
from scenegrad.surrogates.training.targets import Noise, OneStep, Pushforward, Regression, Unrolled
from scenegrad.surrogates.training.watching import TensorBoard

__all__ = [
    "Accelerated", "Acceleration", "Adam", "AdamW", "Adaptive", "Annealed", "AsChannels", "AsMembers", "Bounded",
    "BreakEven", "Bridge", "ByEnergy", "CNO", "Calibration", "Carried", "CenteredNormal", "Change", "ClassicUNet",
    "CoarseStep", "Conserved", "ConservedError", "Constant", "ConstantAcceleration", "Continuous", "Coordinates",
    "Corrected", "Correcting", "CorrelationTime", "Cosine", "DPMSolver", "DeepONet", "Differential", "DivergenceFree",
    "DivergenceFreeBox", "Drift", "EnergyConsistent", "Enstrophy", "EquivariantMatching", "Euler", "EulerianMap",
    "Examination", "Exponential", "Extended", "FNO", "Fit", "Flow", "FlowMatching", "Foresight", "Free", "FromNoise",
    "FromPoissonField", "FromPresent", "GNS", "GasEnergy", "Growing", "Guided", "Heun", "Independent", "Integral",
    "Jumps", "Keeping", "KineticEnergy", "LagrangianMap", "Langevin", "LargestError", "LightBridge", "Linear",
    "LogSpectrum", "MALA", "MLP", "Mass", "Mastery", "MatchAdjoint", "Mean", "MeanFlow", "MeanSquare", "MeshGraphNet",
    "MinibatchOT", "Momentum", "Next", "Noise", "Noisy", "NormalizingFlow", "OneCycle", "OneStep", "OneStepError",
    "Operator", "PDEBench", "PairForces", "Pairs", "ParticleField", "ParticleGenerator", "ParticleSurrogate",
    "ParticleTrajectories", "Patience", "Persistence", "Perturbed", "PhysicsResidual", "Plus", "ProgressiveMap",
    "Pushforward", "RK4", "RandomWalk", "Recipe", "Reconstruction", "Refiner", "Reflow", "Regression", "RelativeL2",
    "Remembered", "Residual", "Responses", "RolloutError", "SGD", "SafeStepper", "ScOT", "Score", "Settings", "Sobolev",
    "SolverInTheLoop", "SpaceTimeFNO", "SpectrumError", "Speculating", "Spent", "SplineCoupling", "Split",
    "SplitByParameter", "SplitByPlace", "Stages", "Staggered", "Stepper", "Steps", "Surrogate", "TFNO", "TensorBoard",
    "TheWell", "Together", "TokenModel", "Torus", "Transolver", "Trigonometric", "UNO", "UNet", "Unfamiliar",
    "Unrolled", "VRMSE", "VariancePreserving", "VortexEnergy", "WarmStart", "Weighted", "WhatFollows", "Windows",
    "WithAdjoints", "WithGradients", "anneal", "annealed_smc", "best_times", "break_even", "calibrated", "close_pairs",
    "compare", "crps", "effective_share", "energy_w2", "energy_w2_floor", "examine", "extended", "farthest_points",
    "forward_effective_share", "importance", "judge_sampler", "learn_by_energy", "load_model", "log_likelihood",
    "match_particles", "mesh_between", "mesh_of", "rank_distance", "ranks", "read_gns", "read_neuraloperator",
    "read_pdebench", "read_recipe", "register_operator", "remember", "schedule", "sliced_wasserstein", "spline_flow",
    "spread_skill", "train", "write_gns", "write_neuraloperator", "write_pdebench", "write_the_well",
]  # fmt: skip
