"""LAMMPS data files: a header of counts and box, then sections of numbers.

Harmonic bonds and angles have k, not k/2, in front of the square, and angles in degrees; dihedrals are k (1 + cos(n f -
d)) in the style charmm, k (1 + d cos(n f)) with d = 1 or -1 in the style harmonic.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenegrad.scenes.errors import nearest
from scenegrad.scenes.molecule_files.molecules import Atom, Group, Molecules, finite, refuse

__all__ = ["read_lammps"]

SECTIONS = (
    "Masses", "Atoms", "Velocities", "Bonds", "Angles", "Dihedrals", "Impropers", "Pair Coeffs", "Bond Coeffs",
    "Angle Coeffs", "Dihedral Coeffs", "Improper Coeffs",
)  # fmt: skip
STYLES = {  # columns of the kind, the charge and the position
    "full": (2, 3, 4), "charge": (1, 2, 3), "molecular": (2, None, 3), "bond": (2, None, 3), "angle": (2, None, 3),
    "atomic": (1, None, 2),
}  # fmt: skip
LENNARD_JONES = ("lj/cut", "lj/charmm", "lj/long")  # whose first two numbers are epsilon and sigma
COUNTS = re.compile(r"^\s*(\d+)\s+(atoms|bonds|angles|dihedrals|impropers|\w+ types)\b")
EDGES = re.compile(r"^\s*(\S+)\s+(\S+)\s+([xyz])lo\s+[xyz]hi")


@dataclass(frozen=True)
class Section:
    """style: what the comment behind its name says. rows: words of a line, by the number of the line."""

    line: int
    style: str
    rows: dict[int, list[str]]


def read_lammps(path: Path, lines: list[str], units: str) -> Molecules:
    counts, edges, sections = parts(path, lines)
    if "Atoms" not in sections:
        refuse(path, len(lines), "the file ends without a section Atoms.")
    for name in ("Atoms", "Velocities", "Bonds", "Angles", "Dihedrals", "Impropers"):
        if name == "Velocities" and name not in sections:
            continue
        of = "atoms" if name == "Velocities" else name.lower()
        have, want = len(sections[name].rows) if name in sections else 0, counts.get(of, 0)
        if have != want:
            last = max(sections[name].rows, default=sections[name].line) if name in sections else len(lines)
            refuse(
                path, last, f"{name} has {have} rows here, and the header says {want}: the file is cut off or wrong."
            )
    if "Impropers" in sections:
        refuse(path, sections["Impropers"].line, "impropers are not read; write them as dihedrals, or leave them out.")
    low = [edges[axis][0] if axis in edges else 0.0 for axis in "xyz"]
    size = tuple(edges[axis][1] - edges[axis][0] for axis in "xyz") if len(edges) == 3 else None
    masses = {row[0]: mass(path, line, row) for line, row in entries(path, sections, "Masses", 2)}
    speeds = {row[0]: (line, row[1:]) for line, row in entries(path, sections, "Velocities", 4)}
    atoms, number_of = read_atoms(path, sections["Atoms"], masses, speeds, low, size)
    laws: dict[str, Mapping[str, Any]] = {}
    for name, table in (("Bond", bond), ("Angle", angle), ("Dihedral", dihedral)):
        for line, row in rows(sections, f"{name} Coeffs").items():
            laws[f"{name.lower()}-{row[0]}"] = table(path, line, sections[f"{name} Coeffs"].style, row[1:])
    if "Pair Coeffs" in sections and (style := sections["Pair Coeffs"].style) and not style.startswith(LENNARD_JONES):
        refuse(path, sections["Pair Coeffs"].line, f"pair coefficients of the style {style!r} are not read; lj/cut is.")
    pairs = {
        row[0]: (number(path, line, row[1]), number(path, line, row[2]))
        for line, row in entries(path, sections, "Pair Coeffs", 3)
    }
    groups = {
        name: tuple(
            group(path, line, row, name, size_of, number_of, laws) for line, row in rows(sections, f"{name}s").items()
        )
        for name, size_of in (("Bond", 2), ("Angle", 3), ("Dihedral", 4))
    }
    return Molecules(path, atoms, size, groups["Bond"], groups["Angle"], groups["Dihedral"], laws, pairs)


def parts(path: Path, lines: list[str]) -> tuple[dict[str, int], dict[str, tuple[float, float]], dict[str, Section]]:
    counts: dict[str, int] = {}
    edges: dict[str, tuple[float, float]] = {}
    sections: dict[str, Section] = {}
    current: Section | None = None
    for line, text in enumerate(lines[1:], start=2):  # the first is a title
        body, _, comment = text.partition("#")
        name = body.strip()
        if not name:
            continue
        if name in SECTIONS:
            current = sections[name] = Section(line, comment.strip().split(" ")[0], {})
        elif name[0].isalpha():
            refuse(path, line, f"{name!r} is no section that is read.{nearest(name, SECTIONS)}")
        elif current is not None:
            current.rows[line] = name.split()
        elif (found := COUNTS.match(name)) is not None:
            counts[found[2]] = int(found[1])
        elif (found := EDGES.match(name)) is not None:
            low, high = finite(path, line, (found[1], found[2]))
            if low >= high:
                refuse(path, line, f"the box reaches from {low:g} to {high:g}.")
            edges[found[3]] = (low, high)
        elif "xy xz yz" in name and any(number(path, line, word) for word in name.split()[:3]):
            refuse(path, line, "the box leans; this reader takes boxes with right angles.")
    return counts, edges, sections


def rows(sections: Mapping[str, Section], name: str) -> dict[int, list[str]]:
    return sections[name].rows if name in sections else {}


def entries(path: Path, sections: Mapping[str, Section], name: str, width: int) -> Iterator[tuple[int, list[str]]]:
    """Rows that begin with the number of what they are about, which is there once."""
    told: set[str] = set()
    for line, row in rows(sections, name).items():
        if len(row) < width:
            refuse(path, line, f"a row of {name} has {width} numbers; found {len(row)}.")
        if row[0] in told:
            refuse(path, line, f"{name} has {row[0]} a second time.")
        told.add(row[0])
        yield line, row[:width]


def mass(path: Path, line: int, row: list[str]) -> float:
    if (value := number(path, line, row[1])) <= 0.0:
        refuse(path, line, f"the mass {value:g} of type {row[0]} is not positive.")
    return value


def number(path: Path, line: int, word: str) -> float:
    return finite(path, line, (word,))[0]


def read_atoms(
    path: Path,
    section: Section,
    masses: Mapping[str, float],
    speeds: Mapping[str, tuple[int, list[str]]],
    low: list[float],
    size: tuple[float, ...] | None,
) -> tuple[tuple[Atom, ...], dict[str, int]]:
    style = section.style or "full"
    if style not in STYLES:
        refuse(path, section.line, f"atoms of the style {style!r} are not read; there are {', '.join(STYLES)}.")
    kind, charge, first = STYLES[style]
    atoms: list[Atom] = []
    number_of: dict[str, int] = {}
    for line, row in section.rows.items():
        if len(row) not in (first + 3, first + 6):
            refuse(
                path, line, f"an atom of the style {style} has {first + 3} numbers, or {first + 6}; found {len(row)}."
            )
        if row[0] in number_of:
            refuse(path, line, f"there is an atom {row[0]} already.")
        if row[kind] not in masses:
            refuse(path, line, f"atom {row[0]} is of the type {row[kind]}, which Masses does not have.")
        turns = [number(path, line, word) for word in row[first + 3 :]] or [0.0] * 3
        place = [number(path, line, word) - o for word, o in zip(row[first : first + 3], low, strict=True)]
        whole = [p + t * e for p, t, e in zip(place, turns, size or (0.0,) * 3, strict=True)]
        moving = speeds.get(row[0])
        velocity = tuple(number(path, moving[0], word) for word in moving[1]) if moving else None
        q = number(path, line, row[charge]) if charge is not None else 0.0
        number_of[row[0]] = len(atoms)
        atoms.append(Atom(row[kind], masses[row[kind]], tuple(whole), velocity, q))
    for name, (line, _) in speeds.items():
        if name not in number_of:
            refuse(path, line, f"Velocities names atom {name}, and there is none.")
    return tuple(atoms), number_of


def group(
    path: Path,
    line: int,
    row: list[str],
    name: str,
    size: int,
    number_of: Mapping[str, int],
    laws: Mapping[str, Mapping[str, Any]],
) -> Group:
    kind = f"{name.lower()}-{row[1]}" if len(row) > 1 else ""
    if len(row) != size + 2:
        refuse(path, line, f"a row of {name}s has {size + 2} numbers; found {len(row)}.")
    for word in row[2:]:
        if word not in number_of:
            refuse(path, line, f"{name.lower()} {row[0]} names atom {word}, and there is none.")
    if laws and kind not in laws:
        refuse(path, line, f"{name.lower()} {row[0]} is of the type {row[1]}, for which {name} Coeffs has no numbers.")
    return Group(tuple(number_of[word] for word in row[2:]), kind)


def bond(path: Path, line: int, style: str, row: list[str]) -> dict[str, Any]:
    k, length = coefficients(path, line, style or "harmonic", {"harmonic": 2}, row)
    return {"stiffness": 2.0 * k, "length": length}


def angle(path: Path, line: int, style: str, row: list[str]) -> dict[str, Any]:
    k, degrees, *ends = coefficients(path, line, style or "harmonic", {"harmonic": 2, "charmm": 4}, row)
    if ends and ends[0] != 0.0:
        refuse(path, line, f"the spring {ends[0]:g} between the ends of the angle (Urey & Bradley) is not read.")
    return {"stiffness": 2.0 * k, "angle": math.radians(degrees)}


def dihedral(path: Path, line: int, style: str, row: list[str]) -> dict[str, Any]:
    style = style or "charmm"
    numbers = coefficients(path, line, style, {"charmm": 4, "harmonic": 3}, row)
    if style == "harmonic":
        k, sign, n = numbers
        return {"stiffness": k, "phase": 0.0 if sign > 0 else math.pi, "multiplicity": int(n)}
    k, n, degrees, _ = numbers
    return {"stiffness": k, "phase": math.radians(degrees), "multiplicity": int(n)}


def coefficients(path: Path, line: int, style: str, known: Mapping[str, int], row: list[str]) -> list[float]:
    if style not in known:
        refuse(path, line, f"coefficients of the style {style!r} are not read; there are {', '.join(known)}.")
    if len(row) != known[style]:
        refuse(path, line, f"the style {style} has {known[style]} coefficients; found {len(row)}.")
    return [number(path, line, word) for word in row]
