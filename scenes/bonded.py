"""Forces within molecules: springs between atoms that are bonded, that make an angle, that are twisted."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from scenegrad.scenes.entity import Entity
from scenegrad.scenes.model import Model
from scenegrad.scenes.values import Positive, Scalar

__all__ = [
    "FENE",
    "Bonded",
    "Charges14",
    "CosineAngle",
    "HarmonicAngle",
    "HarmonicBond",
    "HarmonicDihedral",
    "LennardJones14",
    "PeriodicDihedral",
    "RigidBond",
    "ScaledPairs",
]

Number = Annotated[int, Field(ge=0)]


class Bonded(Model):
    """What every bonded potential has; mixed into the entity that names its parameters.

    of: the Atoms it acts in; without it, all atoms of the scene. groups: the atoms of each bond, angle or dihedral by
    number, counted from 0 in `of`, or through the whole scene, species after species; without it, every such group of
    neighbours along the chains there, see `Chains`.
    excludes: the two ends of a group feel none of the pair potentials.
    """

    together: ClassVar[int]  # atoms of a group
    of: str | None = None
    groups: Annotated[tuple[tuple[Number, ...], ...], Field(min_length=1)] | None = None
    excludes: bool = True

    @model_validator(mode="after")
    def groups_are_complete(self) -> Bonded:
        for group in self.groups or ():
            if len(group) != self.together or len(set(group)) != len(group):
                raise ValueError(
                    f"{type(self).__name__} got the group {group}; each has {self.together} different atoms, such as "
                    f"{tuple(range(self.together))}."
                )
        return self


class HarmonicBond(Bonded, Entity):
    """u = stiffness (r - length)^2 / 2 between two atoms, which feel no pair potential."""

    together: ClassVar[int] = 2
    kind: Literal["harmonic_bond"] = "harmonic_bond"
    stiffness: Positive  # [energy/length^2]
    length: Positive  # [length]


class FENE(Bonded, Entity):
    """u = -stiffness extent^2 ln(1 - r^2/extent^2) / 2 between two atoms: a spring that no force draws out to `extent`.

    It only pulls; what keeps the two apart is their pair potential. With WCA and the numbers given here it is the bond
    of the bead-spring polymer [Kremer & Grest 1990, J. Chem. Phys. 92, 5057].
    """

    together: ClassVar[int] = 2
    kind: Literal["fene"] = "fene"
    stiffness: Positive = 30.0  # [energy/length^2]
    extent: Positive = 1.5  # [length]
    excludes: bool = False


class HarmonicAngle(Bonded, Entity):
    """u = stiffness (a - angle)^2 / 2, a the angle that three atoms make at the middle one, in radians. The outer two
    feel no pair potential."""

    together: ClassVar[int] = 3
    kind: Literal["harmonic_angle"] = "harmonic_angle"
    stiffness: Positive  # [energy/radian^2]
    angle: Positive  # [radian]


class CosineAngle(Bonded, Entity):
    """u = stiffness (1 + cos a), a the angle that three atoms make at the middle one: it straightens chains."""

    together: ClassVar[int] = 3
    kind: Literal["cosine_angle"] = "cosine_angle"
    stiffness: Positive  # [energy]
    excludes: bool = False


class PeriodicDihedral(Bonded, Entity):
    """u = stiffness (1 + cos(multiplicity f - phase)), f the angle by which four atoms twist about the middle two.

    It is pi where the ends are far from each other. Of an improper dihedral, it keeps four atoms in a plane.
    """

    together: ClassVar[int] = 4
    kind: Literal["periodic_dihedral"] = "periodic_dihedral"
    stiffness: Scalar  # [energy]
    phase: Scalar = 0.0  # [radian]
    multiplicity: Annotated[int, Field(ge=1, le=12)] = 1
    excludes: bool = False


class HarmonicDihedral(Bonded, Entity):
    """u = stiffness (f - angle)^2 / 2 with the difference taken the shorter way round, f as of `PeriodicDihedral`."""

    together: ClassVar[int] = 4
    kind: Literal["harmonic_dihedral"] = "harmonic_dihedral"
    stiffness: Positive  # [energy/radian^2]
    angle: Scalar  # [radian]
    excludes: bool = False


class LennardJones14(Bonded, Entity):
    """u = 4 epsilon [(sigma/r)^12 - (sigma/r)^6] between the two atoms of each group alone, in place of their pair
    potential and without a cutoff: such as the weaker one between the ends of a dihedral."""

    together: ClassVar[int] = 2
    kind: Literal["lennard_jones_14"] = "lennard_jones_14"
    groups: Annotated[tuple[tuple[Number, ...], ...], Field(min_length=1)]
    epsilon: Positive  # [energy]
    sigma: Positive  # [length]


class Charges14(Bonded, Entity):
    """u = strength / r between the two atoms of each group alone, in place of what their charges do to each other."""

    together: ClassVar[int] = 2
    kind: Literal["charges_14"] = "charges_14"
    groups: Annotated[tuple[tuple[Number, ...], ...], Field(min_length=1)]
    strength: Scalar  # [energy length]


class ScaledPairs(Bonded, Entity):
    """Pairs of atoms that act on each other in part: on the share `charges` of what their charges do, and on the share
    `pairs` of what `MixedLennardJones` does, without a cutoff; and feel nothing else of both. Of the ends of dihedrals,
    Amber's force fields have 1/1.2 and 1/2."""

    together: ClassVar[int] = 2
    kind: Literal["scaled_pairs"] = "scaled_pairs"
    groups: Annotated[tuple[tuple[Number, ...], ...], Field(min_length=1)]
    charges: Annotated[float, Field(ge=0, le=1)] = 1.0 / 1.2
    pairs: Annotated[float, Field(ge=0, le=1)] = 0.5

    @model_validator(mode="after")
    def pairs_stand_once(self) -> ScaledPairs:
        """In a ring, two dihedrals may have the same ends."""
        seen: set[frozenset[int]] = set()
        for group in self.groups:
            if frozenset(group) in seen:
                raise ValueError(f"ScaledPairs got the pair {group} twice, which would count its share twice.")
            seen.add(frozenset(group))
        return self


class RigidBond(Bonded, Entity):
    """Two atoms that stay at one distance: the one given, or that at the start. For NVE and Langevin dynamics."""

    together: ClassVar[int] = 2
    kind: Literal["rigid_bond"] = "rigid_bond"
    length: Annotated[float, Field(gt=0)] | None = None  # [length]
