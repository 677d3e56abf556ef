"""Energies of atoms as torch modules, for `LearnedPotential`.

A module maps what atoms see, (apart [..., neighbour, dim], there [..., neighbour], mine [...], others
[..., neighbour]), to the energy of each of them [...]: the vectors to its neighbours, which of these are there and not
only padding, and the species of the atom and of its neighbours, as numbers from 0 in the order of the scene.
"""

from scenegrad.surrogates.potentials.radial import RadialNetwork

__all__ = ["RadialNetwork"]
