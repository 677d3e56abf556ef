"""Sampling of molecular systems: replica exchange, swap Monte Carlo, population annealing, umbrellas and MBAR."""

from scenegrad.solvers.md.sampling import (
    MBAR,
    Average,
    HeatCapacity,
    PopulationAnnealing,
    Profile,
    ReplicaExchange,
    SwapMonteCarlo,
    UmbrellaSampling,
    ergodic_measure,
    heat_capacity,
    mbar,
    population_annealing,
    profile,
    replica_exchange,
    swap_monte_carlo,
    umbrella_sampling,
)

__all__ = [
    "MBAR", "Average", "HeatCapacity", "PopulationAnnealing", "Profile", "ReplicaExchange", "SwapMonteCarlo",
    "UmbrellaSampling", "ergodic_measure", "heat_capacity", "mbar", "population_annealing", "profile",
    "replica_exchange", "swap_monte_carlo", "umbrella_sampling",
]  # fmt: skip
