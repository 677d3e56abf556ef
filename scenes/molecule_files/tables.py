"""Molecules with their force field as JSON: atoms one by one, potentials by kind with the atoms that each acts on.

    {"units": "real",
     "atoms": [{"name": "CA", "residue": "ALA", "kind": "CT", "mass": 12.011, "charge": 0.03, "position": [0, 0, 0],
                "epsilon": 0.11, "sigma": 3.4, "radius": 1.9, "screening": 0.72}, ...],
     "bonds": {"CT-HC": {"stiffness": 680, "length": 1.09, "atoms": [[0, 1], ...]}, ...},
     "angles": {...}, "dihedrals": {...},
     "third_neighbours": {"charges": 0.8333, "pairs": 0.5, "atoms": [[0, 3], ...]},
     "box": [30, 30, 30]}

Numbers are those of the entities of scenes that they become; box, radius and screening may be left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.molecule_files.molecules import Atom, Group, Molecules, Thirds, refuse

__all__ = ["read_tables"]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class AtomRow(Table):
    kind: str
    mass: float = Field(gt=0)
    position: tuple[float, float, float]
    epsilon: float = Field(gt=0)
    sigma: float = Field(gt=0)
    charge: float = 0.0
    name: str = ""
    residue: str = ""
    radius: float | None = Field(default=None, gt=0)
    screening: float | None = Field(default=None, gt=0)


class BondRow(Table):
    stiffness: float
    length: float
    atoms: list[tuple[int, int]]


class AngleRow(Table):
    stiffness: float
    angle: float
    atoms: list[tuple[int, int, int]]


class DihedralRow(Table):
    stiffness: float
    phase: float
    multiplicity: int
    atoms: list[tuple[int, int, int, int]]


class ThirdsRow(Table):
    charges: float
    pairs: float
    atoms: list[tuple[int, int]]


class Whole(Table):
    title: str = ""
    source: str = ""
    units: str
    atoms: list[AtomRow] = Field(min_length=1)
    bonds: dict[str, BondRow] = {}
    angles: dict[str, AngleRow] = {}
    dihedrals: dict[str, DihedralRow] = {}
    third_neighbours: ThirdsRow | None = None
    box: tuple[float, float, float] | None = None


def read_tables(path: Path, lines: list[str], units: str) -> Molecules:
    try:
        found = Whole.model_validate(json.loads("\n".join(lines)))
    except json.JSONDecodeError as error:
        refuse(path, error.lineno, f"this is no JSON: {error.msg}. The file is cut off or wrong.")
    except ValidationError as error:
        first = error.errors()[0]
        raise SceneError(f"{path}, {' '.join(map(str, first['loc']))}: {first['msg']}.") from error
    if found.units != units:
        raise SceneError(f"{path} is in units of {found.units!r}; read it with units={found.units!r}, not {units!r}.")
    atoms = tuple(
        Atom(
            row.kind, row.mass, row.position, charge=row.charge, name=row.name, residue=row.residue,
            radius=row.radius, screening=row.screening,
        )
        for row in found.atoms
    )  # fmt: skip
    laws: dict[str, dict[str, Any]] = {}
    groups: dict[str, list[Group]] = {"bond": [], "angle": [], "dihedral": []}
    for what, table in (("bond", found.bonds), ("angle", found.angles), ("dihedral", found.dihedrals)):
        for name, law in table.items():
            kind = f"{what}-{name}"
            laws[kind] = law.model_dump(exclude={"atoms"})
            for ends in law.atoms:
                check_ends(path, kind, ends, len(atoms))
                groups[what].append(Group(ends, kind))
    thirds = None
    if (third := found.third_neighbours) is not None:
        for pair in third.atoms:
            check_ends(path, "third_neighbours", pair, len(atoms))
        thirds = Thirds(tuple(third.atoms), third.charges, third.pairs)
    bonds, angles, dihedrals = (tuple(groups[what]) for what in ("bond", "angle", "dihedral"))
    pairs: dict[str, tuple[float, float]] = {}
    for number, row in enumerate(found.atoms):
        if pairs.setdefault(row.kind, (row.epsilon, row.sigma)) != (row.epsilon, row.sigma):
            raise SceneError(f"{path}: atom {number} is of the kind {row.kind} and has another epsilon or sigma.")
    return Molecules(path, atoms, found.box, bonds, angles, dihedrals, laws, pairs, thirds)


def check_ends(path: Path, kind: str, ends: tuple[int, ...], atoms: int) -> None:
    for end in ends:
        if not 0 <= end < atoms:
            raise SceneError(f"{path}: {kind} names atom {end} in {ends}, and there are {atoms}, 0 to {atoms - 1}.")
    if len(set(ends)) < len(ends):
        raise SceneError(f"{path}: {kind} has the atoms {ends}, of which two are one.")
