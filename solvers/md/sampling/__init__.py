"""Sampling with many systems at once: ladders of temperatures, populations, swaps, umbrellas, and averages of them."""

from scenegrad.solvers.md.sampling.annealing import PopulationAnnealing, population_annealing
from scenegrad.solvers.md.sampling.exchange import ReplicaExchange, replica_exchange
from scenegrad.solvers.md.sampling.heat_capacity import HeatCapacity, heat_capacity
from scenegrad.solvers.md.sampling.mbar import MBAR, Average, mbar
from scenegrad.solvers.md.sampling.melting import lindemann
from scenegrad.solvers.md.sampling.profiles import Profile, profile
from scenegrad.solvers.md.sampling.reweighting import Reweighting, reweighting
from scenegrad.solvers.md.sampling.swaps import SwapMonteCarlo, ergodic_measure, swap_monte_carlo
from scenegrad.solvers.md.sampling.umbrella import UmbrellaSampling, umbrella_sampling

__all__ = [
    "MBAR", "Average", "HeatCapacity", "PopulationAnnealing", "Profile", "ReplicaExchange", "Reweighting",
    "SwapMonteCarlo", "UmbrellaSampling", "ergodic_measure", "heat_capacity", "lindemann", "mbar",
    "population_annealing", "profile", "replica_exchange", "reweighting", "swap_monte_carlo", "umbrella_sampling",
]  # fmt: skip
