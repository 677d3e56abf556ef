"""Constitutive laws and return maps as torch modules, for bodies made of `Learned` material.

A law maps the deformation gradient F [..., dim, dim] to the Kirchhoff stress tau = J sigma of the same shape [Pa];
a return map maps a trial F to the elastic F that is left when the rest has flowed. Both turn with the observer.
"""

from scenegrad.surrogates.materials.energy import InvariantEnergy
from scenegrad.surrogates.materials.polar import polar_rotation
from scenegrad.surrogates.materials.stress import EquivariantStress
from scenegrad.surrogates.materials.symmetric import exp_symmetric, log_symmetric
from scenegrad.surrogates.materials.yielding import VonMisesReturn

__all__ = [
    "EquivariantStress", "InvariantEnergy", "VonMisesReturn", "exp_symmetric", "log_symmetric", "polar_rotation",
]  # fmt: skip
