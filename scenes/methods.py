"""Which discretisation serves a scene, where the choice is not left to the entities."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenegrad.scenes.kinds import Kind

__all__ = ["MaterialPoint", "Method", "MolecularDynamics", "Spectral"]


class Method(Kind):
    """A family of solvers and how it is set up."""

    family = "method"


class MaterialPoint(Method):
    """Moving-least-squares material point method with quadratic B-splines and affine (APIC) transfers."""

    kind: Literal["material_point"] = "material_point"


class Spectral(Method):
    """Fourier pseudo-spectral method on a periodic box.

    integrator: "etdrk4" (exponential Runge-Kutta, order 4), or an embedded pair where an error estimate is wanted.
    """

    kind: Literal["spectral"] = "spectral"
    integrator: Literal["etdrk4", "etdrk2"] = "etdrk4"


class MolecularDynamics(Method):
    """Classical mechanics of atoms with Verlet lists. skin: added to the cutoff so that a list lasts several steps."""

    kind: Literal["molecular_dynamics"] = "molecular_dynamics"
    skin: Annotated[float, Field(gt=0)] | None = None  # [length]; 0.3 sigma if left out
