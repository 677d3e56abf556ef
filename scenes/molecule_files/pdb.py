"""PDB files: ATOM and HETATM by columns, CRYST1 for the box, CONECT for bonds. [wwPDB format 3.3]"""

from __future__ import annotations

from pathlib import Path

from scenegrad.scenes.molecule_files.elements import MASSES, element
from scenegrad.scenes.molecule_files.molecules import Atom, Group, Molecules, finite, refuse

__all__ = ["read_pdb"]


def read_pdb(path: Path, lines: list[str], units: str) -> Molecules:
    """Of the first model. Bonds are of the kind bond-A-B, A and B being elements: the file has no numbers for them."""
    atoms: list[Atom] = []
    number_of: dict[int, int] = {}
    bonds: dict[tuple[int, int], Group] = {}
    size = None
    for number, line in enumerate(lines, start=1):
        record = line[:6].strip()
        try:
            if record in ("ATOM", "HETATM"):
                number_of[int(line[6:11])] = len(atoms)
                atoms.append(atom(path, number, line))
            elif record == "CRYST1":
                size = box(path, number, line)
            elif record == "CONECT":
                for bond in conect(path, number, line, number_of, atoms):
                    bonds.setdefault(bond.atoms, bond)  # type: ignore[arg-type]  # two of them
        except ValueError:
            refuse(path, number, f"a number cannot be read in {line!r}.")
        if record in ("ENDMDL", "END"):
            break
    else:
        refuse(path, len(lines), "the file ends without END: it may be cut off. If it is whole, write END below.")
    if not atoms:
        refuse(path, len(lines), "the file ends without an ATOM.")
    return Molecules(path, tuple(atoms), size, bonds=tuple(bonds.values()))


def atom(path: Path, number: int, line: str) -> Atom:
    if len(line) < 54:
        refuse(
            path, number, f"an atom has coordinates in columns 31 to 54, and this line ends at {len(line)}: {line!r}."
        )
    name, residue = line[12:16].strip(), line[17:20].strip()
    given = line[76:78].strip().capitalize()
    kind = given or element(name, residue)
    if kind is None or kind not in MASSES:
        refuse(path, number, f"{kind or name!r} is no element whose mass is known; there are {', '.join(MASSES)}.")
    position = finite(path, number, (line[30:38], line[38:46], line[46:54]))
    return Atom(kind, MASSES[kind], position, name=name, residue=residue)


def box(path: Path, number: int, line: str) -> tuple[float, ...] | None:
    edges = finite(path, number, (line[a : a + 9] for a in (6, 15, 24)))
    angles = finite(path, number, (line[a : a + 7] for a in (33, 40, 47)))
    if edges == (1.0, 1.0, 1.0):
        return None  # what programs write that know no box
    if any(abs(angle - 90.0) > 1e-3 for angle in angles):
        refuse(path, number, f"the box has the angles {list(angles)}; this reader takes boxes with right angles.")
    return edges


def conect(path: Path, number: int, line: str, number_of: dict[int, int], atoms: list[Atom]) -> list[Group]:
    serials = [int(line[a : a + 5]) for a in range(6, len(line.rstrip()), 5)]
    for serial in serials:
        if serial not in number_of:
            refuse(path, number, f"CONECT names atom {serial}, and there is none.")
    first, *others = (number_of[serial] for serial in serials)
    found = []
    for other in others:
        a, b = sorted((first, other))
        found.append(Group((a, b), "bond-" + "-".join(sorted((atoms[a].kind, atoms[b].kind)))))
    return found
