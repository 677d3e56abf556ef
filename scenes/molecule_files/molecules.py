"""What a molecule file holds, and the parts of a scene that it becomes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn

from scenegrad.scenes.atoms import Atoms, Sites
from scenegrad.scenes.bonded import HarmonicAngle, HarmonicBond, PeriodicDihedral, ScaledPairs
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.mixtures import MixedLennardJones
from scenegrad.scenes.pair_potentials import LennardJones
from scenegrad.scenes.solvents import GeneralizedBorn
from scenegrad.scenes.values import Scalar

__all__ = ["Atom", "Group", "Molecules", "Thirds", "finite", "refuse"]

Row = tuple[float, ...]
Cut = Literal["force-shift", "switch", "plain"]


def refuse(path: Path, line: int, reason: str) -> NoReturn:
    """line: its number, counted from 1."""
    raise SceneError(f"{path}, line {line}: {reason}")


def finite(path: Path, line: int, words: Iterable[str]) -> Row:
    """The numbers that words are."""
    found = []
    for word in words:
        try:
            found.append(float(word))
        except ValueError:
            found.append(math.nan)
        if not math.isfinite(found[-1]):
            refuse(path, line, f"{word.strip()!r} is no finite number.")
    return tuple(found)


@dataclass(frozen=True)
class Atom:
    """kind: what atoms of one mass and of one pair potential share."""

    kind: str
    mass: float
    position: Row
    velocity: Row | None = None
    charge: float = 0.0
    name: str = ""  # within its residue
    residue: str = ""
    radius: float | None = None  # of the sphere that a solvent does not enter
    screening: float | None = None


@dataclass(frozen=True)
class Group:
    """Atoms by number, from 0, and the name of the numbers of their potential in the tables of `Molecules`."""

    atoms: tuple[int, ...]
    kind: str


@dataclass(frozen=True)
class Thirds:
    """Pairs of atoms that act on each other in part: on these shares of their charges and of their pair potential."""

    atoms: tuple[tuple[int, int], ...]
    charges: float
    pairs: float


@dataclass(frozen=True)
class Molecules:
    """Atoms in the order of their file. size: of the box, None in open space.

    bonds, angles, dihedrals with the tables of their potentials (as keyword arguments of the scene entities), and
    epsilon, sigma of the kinds of atoms in `pairs`: empty where the file has none. With `thirds`, kinds mix.
    """

    path: Path
    atoms: tuple[Atom, ...]
    size: Row | None
    bonds: tuple[Group, ...] = ()
    angles: tuple[Group, ...] = ()
    dihedrals: tuple[Group, ...] = ()
    laws: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pairs: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    thirds: Thirds | None = None

    def domain(self) -> Domain:
        return Domain.unbounded(dim=3) if self.size is None else Domain.periodic(size=self.size)

    def species(self) -> dict[str, list[int]]:
        """Numbers of the atoms of one kind, mass, charge and radius, by a name for them."""
        found: dict[tuple[object, ...], list[int]] = {}
        for number, atom in enumerate(self.atoms):
            alike = (atom.kind, atom.mass, atom.charge, atom.radius, atom.screening)
            found.setdefault(alike, []).append(number)
        several: dict[str, int] = {}
        named: dict[str, list[int]] = {}
        for numbers in found.values():
            kind = self.atoms[numbers[0]].kind
            base = kind if kind[0].isalpha() else f"type{kind}"
            several[base] = several.get(base, 0) + 1
            named[base if several[base] == 1 else f"{base}-{several[base]}"] = numbers
        return named

    def places(self) -> dict[int, int]:
        """Of every atom of the file, its number in the scene, where those of one species stand together."""
        return {old: new for new, old in enumerate(itertools.chain(*self.species().values()))}

    def atom(self, name: str, residue: str = "") -> int:
        """The number in the scene of the one atom of this name."""
        found = [
            number for number, atom in enumerate(self.atoms) if atom.name == name and residue in ("", atom.residue)
        ]
        if len(found) != 1:
            known = ", ".join(f"{atom.residue} {atom.name}".strip() for atom in self.atoms[:40])
            raise SceneError(f"{self.path} has {len(found)} atoms {residue} {name}; there are {known}.")
        return self.places()[found[0]]

    def entities(
        self, temperature: Scalar = 0.0, cutoff: float | None = None, cut: Cut = "force-shift"
    ) -> dict[str, Entity]:
        """The parts of a scene: atoms by species, bonded potentials by kind and, with a cutoff, Lennard-Jones by mean
        sigma and geometric mean epsilon between every two species; where third neighbours act in part, as one entity
        for every kind of atoms.

        temperature: of first velocities, where the file gives none.
        """
        species = self.species()
        place = self.places()
        parts: dict[str, Entity] = {}
        for name, numbers in species.items():
            chosen = [self.atoms[n] for n in numbers]
            moving = tuple(a.velocity for a in chosen if a.velocity is not None)
            parts[name] = Atoms(
                lattice=Sites(
                    tuple(a.position for a in chosen), velocities=moving if len(moving) == len(chosen) else None
                ),
                mass=chosen[0].mass,
                charge=chosen[0].charge,
                temperature=temperature,
            )
        for made, groups in (
            (HarmonicBond, self.bonds),
            (HarmonicAngle, self.angles),
            (PeriodicDihedral, self.dihedrals),
        ):
            for kind, members in by_kind(groups).items():
                moved = tuple(tuple(place[n] for n in group.atoms) for group in members)
                parts[kind] = made(groups=moved, **self.law(kind, members[0]))
        if self.thirds is not None:
            parts["third-neighbours"] = ScaledPairs(
                groups=tuple((place[a], place[b]) for a, b in self.thirds.atoms),
                charges=self.thirds.charges,
                pairs=self.thirds.pairs,
            )
        if cutoff is not None and self.thirds is not None:
            of: dict[str, list[str]] = {}
            for name, numbers in species.items():
                of.setdefault(self.atoms[numbers[0]].kind, []).append(name)
            for kind, names in of.items():
                epsilon, sigma = self.pair(species[names[0]][0])
                parts[f"pairs-{kind}"] = MixedLennardJones(
                    of=tuple(names), epsilon=epsilon, sigma=sigma, cutoff=cutoff, cut=cut
                )
        elif cutoff is not None:
            for a, b in itertools.combinations_with_replacement(species, 2):
                (e1, s1), (e2, s2) = (self.pair(species[name][0]) for name in (a, b))
                parts[f"pair-{a}-{b}"] = LennardJones(
                    epsilon=(e1 * e2) ** 0.5, sigma=0.5 * (s1 + s2), cutoff=cutoff, cut=cut, between=(a, b)
                )
        return parts

    def solvent(self, **numbers: Any) -> GeneralizedBorn:
        """Around the molecules, with the radii of the file; numbers as in `GeneralizedBorn`."""
        given: dict[str, dict[str, float]] = {"radius": {}, "screening": {}}
        for name, members in self.species().items():
            for what, values in given.items():
                value = getattr(self.atoms[members[0]], what)
                if value is None:
                    raise SceneError(f"{self.path} gives no {what} for {name}, which a solvent has to know.")
                values[name] = value
        return GeneralizedBorn(radius=given["radius"], screening=given["screening"], **numbers)

    def law(self, kind: str, example: Group) -> Mapping[str, Any]:
        if kind not in self.laws:
            atoms = "-".join(str(n + 1) for n in example.atoms)
            raise SceneError(
                f"{self.path} gives no numbers for {kind}, of atoms {atoms}, so that it would be left without a force. "
                f"Write them into the file, or add the potential to the scene and read the file without its bonds."
            )
        return self.laws[kind]

    def pair(self, number: int) -> tuple[float, float]:
        kind = self.atoms[number].kind
        if kind not in self.pairs:
            raise SceneError(f"{self.path} gives no epsilon and sigma for {kind}; leave cutoff out and add potentials.")
        return self.pairs[kind]


def by_kind(groups: Sequence[Group] | Iterable[Group]) -> dict[str, list[Group]]:
    found: dict[str, list[Group]] = {}
    for group in groups:
        found.setdefault(group.kind, []).append(group)
    return found
