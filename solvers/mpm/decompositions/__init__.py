"""Factorisations of the deformation gradient as functions for kernels, with adjoints written by hand.

Every function is made for the numbers (dimension, precision) of a solver. Derivatives are those of the function, not of
the factors: they are finite and right where singular values are equal, as at rest and for rotations, where the factors
themselves have none.
"""

from scenegrad.solvers.mpm.decompositions.exponential import exp_symmetric
from scenegrad.solvers.mpm.decompositions.logarithm import log_stretch
from scenegrad.solvers.mpm.decompositions.polar import polar_rotation
from scenegrad.solvers.mpm.decompositions.singular_values import singular_value_map, singular_values

__all__ = ["exp_symmetric", "log_stretch", "polar_rotation", "singular_value_map", "singular_values"]
