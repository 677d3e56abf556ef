"""Normalising flows for Boltzmann's distribution: densities in closed form, exact weights, annealing."""
