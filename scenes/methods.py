"""Which discretisation serves a scene, where the choice is not left to the entities."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenegrad.scenes.kinds import Kind

__all__ = ["MassSpring", "MaterialPoint", "Method", "MolecularDynamics", "Spectral"]


class Method(Kind):
    """A family of solvers and how it is set up."""

    family = "method"


class MaterialPoint(Method):
    """Moving-least-squares material point method with quadratic B-splines and affine (APIC) transfers."""

    kind: Literal["material_point"] = "material_point"


class MassSpring(Method):
    """Point masses and springs, by semi-implicit Euler."""

    kind: Literal["mass_spring"] = "mass_spring"


class Spectral(Method):
    """Fourier pseudo-spectral method on a periodic box.

    integrator: "etdrk4" (exponential Runge-Kutta of order 4), or "etdrk43" (the same with an error estimate, for a
    quarter more work a step). Left out, it is etdrk4, or etdrk43 where time has a tolerance.
    """

    kind: Literal["spectral"] = "spectral"
    integrator: Literal["etdrk4", "etdrk43"] | None = None


class MolecularDynamics(Method):
    """Classical mechanics of atoms with Verlet lists. skin: added to the cutoff so that a list lasts several steps."""

    kind: Literal["molecular_dynamics"] = "molecular_dynamics"
    skin: Annotated[float, Field(gt=0)] | None = None  # [length]; 0.3 sigma if left out
