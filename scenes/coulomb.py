"""Forces between charges, and the ways to sum them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenegrad.scenes.entity import Entity
from scenegrad.scenes.kinds import Kind

__all__ = ["PME", "ChargeMethod", "Direct", "Electrostatics", "Ewald", "ReactionField"]

Cutoff = Annotated[float, Field(gt=0)]
Tolerance = Annotated[float, Field(ge=1e-14, le=1e-2)]


class ChargeMethod(Kind):
    """How the slowly falling 1/r is summed."""

    family = "charge method"


class Direct(ChargeMethod):
    """Every pair as it is: for open space, where there are no images."""

    kind: Literal["direct"] = "direct"


class ReactionField(ChargeMethod):
    """Pairs within a cutoff, as in a cavity of a medium with the relative permittivity `epsilon`; without one, of a
    conductor: then the force ends smoothly at the cutoff. [Barker & Watts 1973, Mol. Phys. 26, 789]"""

    kind: Literal["reaction_field"] = "reaction_field"
    cutoff: Cutoff  # [length]
    epsilon: Annotated[float, Field(ge=1)] | None = None  # [1]


class Ewald(ChargeMethod):
    """All images: pairs within a cutoff, the rest as waves, within a conductor at infinity. [Ewald 1921]

    tolerance: of the forces, relative to those between two charges at the distance that charges have. cutoff: of the
    pairs; without it, the one that shares out the work evenly.
    """

    kind: Literal["ewald"] = "ewald"
    tolerance: Tolerance = 1e-6
    cutoff: Cutoff | None = None  # [length]


class PME(ChargeMethod):
    """As `Ewald`, with the waves on a mesh that charges are spread to by B-splines. [Essmann et al. 1995]

    order: number of mesh points along each axis that an atom touches. spacing: of the mesh; without it, from the
    tolerance. cutoff: of the pairs; without it, that of a sphere which holds 100 charges, or 0.45 of the shortest edge.
    """

    kind: Literal["pme"] = "pme"
    tolerance: Tolerance = 1e-4
    order: Annotated[int, Field(ge=4, le=10)] = 6
    spacing: Annotated[float, Field(gt=0)] | None = None  # [length]
    cutoff: Cutoff | None = None  # [length]


class Electrostatics(Entity):
    """Forces between the charges of all atoms, u(r) = k q_i q_j / r, see `Atoms.charge`; k is 1 in reduced units."""

    kind: Literal["electrostatics"] = "electrostatics"
    method: ChargeMethod = PME()
