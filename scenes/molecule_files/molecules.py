"""What a molecule file holds, and the parts of a scene that it becomes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from scenegrad.scenes.atoms import Atoms, Sites
from scenegrad.scenes.bonded import HarmonicAngle, HarmonicBond, PeriodicDihedral
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.pair_potentials import LennardJones

__all__ = ["Atom", "Group", "Molecules", "refuse"]

Row = tuple[float, ...]


def refuse(path: Path, line: int, reason: str) -> NoReturn:
    """line: its number, counted from 1."""
    raise SceneError(f"{path}, line {line}: {reason}")


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


@dataclass(frozen=True)
class Group:
    """Atoms by number, from 0, and the name of the numbers of their potential in the tables of `Molecules`."""

    atoms: tuple[int, ...]
    kind: str


@dataclass(frozen=True)
class Molecules:
    """Atoms in the order of their file. size: of the box, None in open space.

    bonds, angles, dihedrals with the tables of their potentials (as keyword arguments of the scene entities), and
    epsilon, sigma of the kinds of atoms in `pairs`: empty where the file has none.
    """

    path: Path
    atoms: tuple[Atom, ...]
    size: Row | None
    bonds: tuple[Group, ...] = ()
    angles: tuple[Group, ...] = ()
    dihedrals: tuple[Group, ...] = ()
    laws: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pairs: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def domain(self) -> Domain:
        return Domain.unbounded(dim=3) if self.size is None else Domain.periodic(size=self.size)

    def species(self) -> dict[str, list[int]]:
        """Numbers of the atoms of one kind, mass and charge, by a name for them."""
        found: dict[tuple[str, float, float], list[int]] = {}
        for number, atom in enumerate(self.atoms):
            found.setdefault((atom.kind, atom.mass, atom.charge), []).append(number)
        several: dict[str, int] = {}
        named: dict[str, list[int]] = {}
        for (kind, _, _), numbers in found.items():
            base = kind if kind[0].isalpha() else f"type{kind}"
            several[base] = several.get(base, 0) + 1
            named[base if several[base] == 1 else f"{base}-{several[base]}"] = numbers
        return named

    def entities(self, temperature: float = 0.0, cutoff: float | None = None) -> dict[str, Entity]:
        """The parts of a scene: atoms by species, bonded potentials by kind and, with a cutoff, Lennard-Jones by mean
        sigma and geometric mean epsilon between every two species.

        temperature: of first velocities, where the file gives none.
        """
        species = self.species()
        place = {old: new for new, old in enumerate(itertools.chain(*species.values()))}
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
        if cutoff is not None:
            for a, b in itertools.combinations_with_replacement(species, 2):
                (e1, s1), (e2, s2) = (self.pair(species[name][0]) for name in (a, b))
                parts[f"pair-{a}-{b}"] = LennardJones(
                    epsilon=(e1 * e2) ** 0.5, sigma=0.5 * (s1 + s2), cutoff=cutoff, between=(a, b)
                )
        return parts

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
