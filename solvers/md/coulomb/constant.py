"""Coulomb's constant in the units of a scene."""

from __future__ import annotations

from scenegrad.engine.errors import EngineError

__all__ = ["coulomb_constant"]

CONSTANT = {
    "lj": 1.0,  # charges in sqrt(epsilon sigma)
    "SI": 8.9875517873681764e9,  # [N m^2/C^2]
}


def coulomb_constant(units: str) -> float:
    """k of u = k q q / r [energy length / charge^2]"""
    if units not in CONSTANT:
        raise EngineError(f"Charges have no unit in units={units!r}; they have one in {', '.join(CONSTANT)}.")
    return CONSTANT[units]
