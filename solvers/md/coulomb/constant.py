"""Coulomb's constant in the units of a scene."""

from __future__ import annotations

from scenegrad.solvers.md.units import UNITS

__all__ = ["coulomb_constant"]


def coulomb_constant(units: str) -> float:
    """k of u = k q q / r [energy length / charge^2]"""
    return UNITS[units].coulomb
