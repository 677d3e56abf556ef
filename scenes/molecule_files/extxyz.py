"""Extended XYZ: frames of a count, a line of keys, and a row for each atom; the last frame is read."""

from __future__ import annotations

import re
from pathlib import Path

from scenegrad.scenes.molecule_files.elements import MASSES
from scenegrad.scenes.molecule_files.molecules import Atom, Molecules, finite, refuse

__all__ = ["read_extxyz"]

KEY = re.compile(r'(\w+)=(?:"([^"]*)"|(\S+))')
NAMES = {"velo": "vel", "velocities": "vel", "masses": "mass", "charges": "charge", "initial_charges": "charge"}


def read_extxyz(path: Path, lines: list[str], units: str) -> Molecules:
    """Positions, and velocities, masses and charges where there are such columns; elements have their own masses."""
    start = 0
    while True:
        if start >= len(lines) or not lines[start].strip().isdigit():
            refuse(path, start + 1, "a frame begins with the number of its atoms; found none.")
        count = int(lines[start])
        end = start + 2 + count
        if end > len(lines):
            refuse(path, len(lines), f"the file ends within a frame of {count} atoms that began in line {start + 1}.")
        if not any(line.strip() for line in lines[end:]):
            return frame(path, start, lines[start + 1], lines[start + 2 : end], units)
        start = end


def frame(path: Path, start: int, head: str, rows: list[str], units: str) -> Molecules:
    keys = {name: quoted or bare for name, quoted, bare in KEY.findall(head)}
    if keys.get("units", units) != units:
        refuse(path, start + 2, f"the file is in units={keys['units']}; read it with these, not with units={units!r}.")
    words = keys.get("Properties", "species:S:1:pos:R:3").split(":")
    columns: dict[str, tuple[int, int]] = {}
    at = 0
    if len(words) % 3 or not all(width.isdigit() for width in words[2::3]):
        refuse(path, start + 2, f"Properties is name:kind:columns, again and again; found {':'.join(words)!r}.")
    for name, width in zip(words[::3], words[2::3], strict=True):
        columns[NAMES.get(name, name)] = (at, at + int(width))
        at += int(width)
    if "species" not in columns or "pos" not in columns:
        refuse(path, start + 2, f"Properties has {', '.join(columns)}; species and pos are needed.")
    for name in ("pos", "vel"):
        if name in columns and columns[name][1] - columns[name][0] != 3:
            refuse(path, start + 2, f"Properties gives {name} other than three columns.")
    atoms = [atom(path, start + 3 + k, row.split(), columns, at) for k, row in enumerate(rows)]
    return Molecules(path, tuple(atoms), box(path, start + 2, keys))


def atom(path: Path, line: int, row: list[str], columns: dict[str, tuple[int, int]], width: int) -> Atom:
    if len(row) != width:
        refuse(path, line, f"an atom has {width} columns here; found {len(row)}.")

    def numbers(name: str) -> tuple[float, ...]:
        return finite(path, line, row[slice(*columns[name])]) if name in columns else ()

    kind = row[columns["species"][0]]
    mass = numbers("mass") or ((MASSES[kind],) if kind in MASSES else ())
    if not mass:
        refuse(path, line, f"{kind!r} is no element whose mass is known, and there is no column mass.")
    if mass[0] <= 0.0:
        refuse(path, line, f"the mass {mass[0]:g} is not positive.")
    return Atom(kind, mass[0], numbers("pos"), numbers("vel") or None, (numbers("charge") or (0.0,))[0])


def box(path: Path, line: int, keys: dict[str, str]) -> tuple[float, ...] | None:
    if "Lattice" not in keys or "T" not in keys.get("pbc", "T T T"):
        return None
    rows = finite(path, line, keys["Lattice"].split())
    if len(rows) != 9:
        refuse(path, line, f"Lattice has nine numbers; found {keys['Lattice']!r}.")
    if any(rows[k] for k in (1, 2, 3, 5, 6, 7)):
        refuse(path, line, "the box leans; this reader takes boxes with right angles.")
    if "F" in keys.get("pbc", ""):
        refuse(path, line, f"the box is open along some axes, pbc={keys['pbc']!r}; this reader takes all or none.")
    return (rows[0], rows[4], rows[8])
