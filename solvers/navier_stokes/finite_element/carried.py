"""A tracer that a flow carries: where its numbers are, and what its sides do."""

from __future__ import annotations

from dataclasses import dataclass

from scenegrad.solvers.navier_stokes.finite_element.sides import Sides
from scenegrad.solvers.navier_stokes.finite_element.system import System

__all__ = ["Carried"]


@dataclass(frozen=True, eq=False)
class Carried:
    """system: of its own equation, where it marches."""

    name: str
    sides: Sides
    system: System
    buoyancy: str | None  # address of the acceleration that one unit of it gives the fluid [m/s^2]
