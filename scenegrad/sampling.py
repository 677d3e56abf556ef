"""Sampling of molecular systems: replica exchange, swaps, population annealing, umbrellas, MBAR and reweighting."""

from scenegrad.solvers.md.sampling import (
    MBAR,
    Average,
    HeatCapacity,
    PopulationAnnealing,
    Profile,
    ReplicaExchange,
    Reweighting,
    SwapMonteCarlo,
    UmbrellaSampling,
    ergodic_measure,
    heat_capacity,
    lindemann,
    mbar,
    population_annealing,
    profile,
    replica_exchange,
    reweighting,
    swap_monte_carlo,
    umbrella_sampling,
)

__all__ = [
    "MBAR", "Average", "HeatCapacity", "PopulationAnnealing", "Profile", "ReplicaExchange", "Reweighting",
    "SwapMonteCarlo", "UmbrellaSampling", "ergodic_measure", "heat_capacity", "lindemann", "mbar",
    "population_annealing", "profile", "replica_exchange", "reweighting", "swap_monte_carlo", "umbrella_sampling",
]  # fmt: skip
