"""Solvents that are not made of atoms."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenegrad.scenes.entity import Entity

__all__ = ["GeneralizedBorn"]

Length = Annotated[float, Field(gt=0)]


class GeneralizedBorn(Entity):
    """A dielectric around molecules in open space, by the model of Onufriev, Bashford & Case (OBC II), and what its
    surface costs: 4 pi surface_tension sum_i (radius_i + probe)^2 (radius_i / R_i)^6, with R_i the Born radii.

    radius, screening: of the atoms of each species, by name. solvent, solute: permittivities.
    [Onufriev, Bashford & Case 2004, Proteins 55, 383; Schaefer, Bartels & Karplus 1998, J. Mol. Biol. 284, 835]
    """

    kind: Literal["generalized_born"] = "generalized_born"
    radius: Annotated[dict[str, Length], Field(min_length=1)]  # [length]
    screening: Annotated[dict[str, Annotated[float, Field(gt=0)]], Field(min_length=1)]
    solvent: Annotated[float, Field(ge=1)] = 78.5
    solute: Annotated[float, Field(ge=1)] = 1.0
    surface_tension: Annotated[float, Field(ge=0)] = 0.0  # [energy/length^2]
    probe: Length = 1.4  # [length]
    offset: Annotated[float, Field(ge=0)] = 0.09  # by which radii are less inside the integral [length]
