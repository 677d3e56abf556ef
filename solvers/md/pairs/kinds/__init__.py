"""Pair potentials, each with its derivatives written out; they are known once this is imported."""

from scenegrad.solvers.md.pairs.kinds import born_mayer_huggins, buckingham, lennard_jones, morse, soft_sphere, yukawa

__all__ = ["born_mayer_huggins", "buckingham", "lennard_jones", "morse", "soft_sphere", "yukawa"]
