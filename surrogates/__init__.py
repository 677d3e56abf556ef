"""Learned solvers: their data, their models, their training and their evaluation."""

if __name__ == "surrogates":  # a second module beside the real one: every kernel would be built twice
    raise ImportError("import scenegrad.surrogates: the bare name 'surrogates' belongs to no package of ours")

from scenegrad.surrogates.boltzmann.annealing import Annealed, anneal, annealed_smc
from scenegrad.surrogates.boltzmann.bases import CenteredNormal, Coordinates
from scenegrad.surrogates.boltzmann.continuous import Continuous
from scenegrad.surrogates.boltzmann.energies import energy_w2, energy_w2_floor
from scenegrad.surrogates.boltzmann.learning import learn_by_energy, match_particles
from scenegrad.surrogates.boltzmann.moves import MALA, Langevin
from scenegrad.surrogates.boltzmann.normalizing_flow import NormalizingFlow
from scenegrad.surrogates.boltzmann.particle_field import ParticleField
from scenegrad.surrogates.boltzmann.spline_coupling import SplineCoupling, spline_flow
from scenegrad.surrogates.boltzmann.weights import Weighted, effective_share, forward_effective_share, importance
from scenegrad.surrogates.data.formats.gns import read_gns, write_gns
from scenegrad.surrogates.data.formats.neuraloperator import read_neuraloperator, write_neuraloperator
from scenegrad.surrogates.data.formats.particles import ParticleTrajectories
from scenegrad.surrogates.data.formats.pdebench import PDEBench, read_pdebench
from scenegrad.surrogates.data.formats.pdebench_writing import write_pdebench
from scenegrad.surrogates.data.formats.the_well import TheWell
from scenegrad.surrogates.data.formats.the_well_writing import write_the_well
from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.data.split import Split, SplitByParameter, SplitByPlace
from scenegrad.surrogates.data.windows import Windows
from scenegrad.surrogates.evaluation.cost import break_even
from scenegrad.surrogates.evaluation.metrics import (
    VRMSE,
    BreakEven,
    CorrelationTime,
    OneStepError,
    Persistence,
    RolloutError,
    SpectrumError,
)
from scenegrad.surrogates.evaluation.rollouts import compare
from scenegrad.surrogates.flows.couplings import Independent, MinibatchOT
from scenegrad.surrogates.flows.flow import Flow
from scenegrad.surrogates.flows.likelihood import log_likelihood
from scenegrad.surrogates.flows.maps import EulerianMap, LagrangianMap, MeanFlow, ProgressiveMap
from scenegrad.surrogates.flows.more_samplers import Adaptive, DPMSolver, Jumps, Noisy
from scenegrad.surrogates.flows.objectives import FlowMatching, Reflow, Score
from scenegrad.surrogates.flows.paths import Bridge, Linear, Trigonometric, VariancePreserving
from scenegrad.surrogates.flows.samplers import RK4, Euler, Heun
from scenegrad.surrogates.flows.starts import FromNoise, FromPresent
from scenegrad.surrogates.graph_network.network import GraphNetwork
from scenegrad.surrogates.graph_network.simulator import GraphSimulator
from scenegrad.surrogates.graph_network.training import train_graph_network
from scenegrad.surrogates.hybrid.checks import CoarseStep, Drift, Together
from scenegrad.surrogates.hybrid.safe_stepper import SafeStepper, calibrated
from scenegrad.surrogates.operators.deeponet import DeepONet
from scenegrad.surrogates.operators.fno import FNO
from scenegrad.surrogates.operators.grids import Bounded, Torus
from scenegrad.surrogates.operators.operator import Operator
from scenegrad.surrogates.operators.predictions import Change, Next
from scenegrad.surrogates.operators.tfno import TFNO
from scenegrad.surrogates.operators.transolver import Transolver
from scenegrad.surrogates.operators.unet import ClassicUNet, UNet
from scenegrad.surrogates.operators.uno import UNO
from scenegrad.surrogates.stepper import Stepper
from scenegrad.surrogates.surrogate import Surrogate
from scenegrad.surrogates.training.checkpoint import load_model
from scenegrad.surrogates.training.fit import Fit
from scenegrad.surrogates.training.loop import train
from scenegrad.surrogates.training.losses import MeanSquare, Plus, RelativeL2, Sobolev
from scenegrad.surrogates.training.recipe import Recipe, read_recipe
from scenegrad.surrogates.training.settings import Settings
from scenegrad.surrogates.training.solver_targets import Corrected, Correcting, MatchAdjoint, SolverInTheLoop
from scenegrad.surrogates.training.targets import Noise, OneStep, Pushforward, Unrolled

__all__ = [
    "Adaptive", "Annealed", "Bounded", "BreakEven", "Bridge", "CenteredNormal", "Change", "ClassicUNet", "CoarseStep",
    "Continuous", "Coordinates", "Corrected", "Correcting", "CorrelationTime", "DPMSolver", "DeepONet", "Drift",
    "Euler", "EulerianMap", "FNO", "Fit", "Flow", "FlowMatching", "FromNoise", "FromPresent", "GraphNetwork",
    "GraphSimulator", "Heun", "Independent", "Jumps", "LagrangianMap", "Langevin", "Linear", "MALA", "MatchAdjoint",
    "MeanFlow", "MeanSquare", "MinibatchOT", "Next", "Noise", "Noisy", "NormalizingFlow", "OneStep", "OneStepError",
    "Operator", "PDEBench", "Pairs", "ParticleField", "ParticleTrajectories", "Persistence", "Plus", "ProgressiveMap",
    "Pushforward", "RK4", "Recipe", "Reflow", "RelativeL2", "RolloutError", "SafeStepper", "Score", "Settings",
    "Sobolev", "SolverInTheLoop", "SpectrumError", "SplineCoupling", "Split", "SplitByParameter", "SplitByPlace",
    "Stepper", "Surrogate", "TFNO", "TheWell", "Together", "Torus", "Transolver", "Trigonometric", "UNO", "UNet",
    "Unrolled", "VRMSE", "VariancePreserving", "Weighted", "Windows", "anneal", "annealed_smc", "break_even",
    "calibrated", "compare", "effective_share", "energy_w2", "energy_w2_floor", "forward_effective_share", "importance",
    "learn_by_energy", "load_model", "log_likelihood", "match_particles", "read_gns", "read_neuraloperator",
    "read_pdebench", "read_recipe", "spline_flow", "train", "train_graph_network", "write_gns", "write_neuraloperator",
    "write_pdebench", "write_the_well",
]  # fmt: skip
