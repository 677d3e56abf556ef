"""GRO files: names, positions in nm, velocities in nm/ps, the box at the end; by columns."""

from __future__ import annotations

from pathlib import Path

from scenegrad.scenes.molecule_files.elements import MASSES, element
from scenegrad.scenes.molecule_files.molecules import Atom, Molecules, finite, refuse

__all__ = ["read_gro"]

NANOMETRE = 10.0  # [Angstrom]
SPEED = {"metal": 10.0, "real": 0.01}  # of 1 nm/ps, in Angstrom/ps and Angstrom/fs


def read_gro(path: Path, lines: list[str], units: str) -> Molecules:
    if len(lines) < 3 or not lines[1].strip().isdigit():
        refuse(path, 2, f"the number of atoms is missing; found {lines[1] if len(lines) > 1 else 'the end'!r}.")
    count = int(lines[1])
    if len(lines) < count + 3:
        refuse(path, len(lines), f"the file ends here; {count} atoms and the box take {count + 3} lines.")
    atoms = [atom(path, number, line, units) for number, line in enumerate(lines[2 : count + 2], start=3)]
    size = box(path, count + 3, lines[count + 2])
    return Molecules(path, tuple(atoms), size)


def atom(path: Path, number: int, line: str, units: str) -> Atom:
    residue, name = line[5:10].strip(), line[10:15].strip()
    dots = [place for place, letter in enumerate(line[20:], start=20) if letter == "."]
    if len(dots) < 3:
        refuse(path, number, f"an atom has three coordinates from column 21 on; found {line!r}.")
    wide = dots[1] - dots[0]  # files of more digits have wider columns
    columns = [line[20 + k * wide : 20 + (k + 1) * wide] for k in range(6)]
    position = tuple(NANOMETRE * x for x in finite(path, number, columns[:3]))
    moving = any(column.strip() for column in columns[3:])
    velocity = tuple(SPEED[units] * v for v in finite(path, number, columns[3:])) if moving else None
    kind = element(name, residue)
    if kind is None:
        refuse(path, number, f"{name!r} is no element whose mass is known; there are {', '.join(MASSES)}.")
    return Atom(kind, MASSES[kind], position, velocity, name=name, residue=residue)


def box(path: Path, number: int, line: str) -> tuple[float, ...] | None:
    if len(line.split()) not in (3, 9):
        refuse(path, number, f"the box has three edges, or nine numbers; found {line!r}.")
    edges = [NANOMETRE * edge for edge in finite(path, number, line.split())]
    if any(edges[3:]):
        refuse(path, number, f"the box leans, {line.strip()!r}; this reader takes boxes with right angles.")
    return tuple(edges[:3]) if all(edges[:3]) else None
