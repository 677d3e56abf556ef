"""Sampling of molecular systems: replica exchange, swap Monte Carlo, population annealing, umbrellas and MBAR."""

from scenegrad.solvers.md.sampling import (
    MBAR,
    Average,
    PopulationAnnealing,
    Profile,
    ReplicaExchange,
    SwapMonteCarlo,
    UmbrellaSampling,
    ergodic_measure,
    mbar,
    population_annealing,
    profile,
    replica_exchange,
    swap_monte_carlo,
    umbrella_sampling,
)

__all__ = [
    "MBAR", "Average", "PopulationAnnealing", "Profile", "ReplicaExchange", "SwapMonteCarlo", "UmbrellaSampling",
    "ergodic_measure", "mbar", "population_annealing", "profile", "replica_exchange", "swap_monte_carlo",
    "umbrella_sampling",
]  # fmt: skip
