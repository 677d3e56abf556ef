"""Molecules as other programs write them: LAMMPS data, GRO, PDB, extended XYZ."""

from __future__ import annotations

from pathlib import Path

from scenegrad.scenes.errors import SceneError, nearest
from scenegrad.scenes.molecule_files.extxyz import read_extxyz
from scenegrad.scenes.molecule_files.gro import read_gro
from scenegrad.scenes.molecule_files.lammps import read_lammps
from scenegrad.scenes.molecule_files.molecules import Molecules
from scenegrad.scenes.molecule_files.pdb import read_pdb
from scenegrad.scenes.molecule_files.tables import read_tables

__all__ = ["Molecules", "read_molecules"]

READERS = {
    ".data": read_lammps, ".lmp": read_lammps, ".gro": read_gro, ".pdb": read_pdb, ".xyz": read_extxyz,
    ".extxyz": read_extxyz, ".json": read_tables,
}  # fmt: skip
ANGSTROM = ("metal", "real")


def read_molecules(path: str | Path, units: str = "real") -> Molecules:
    """Atoms, box and bonds of a file: .data or .lmp of LAMMPS, .gro, .pdb, .extxyz, and .json as `tables` has it.

    What is wrong is told with its line. units: of the scene that they are for. LAMMPS and XYZ files are taken to be in
    these; the others are brought to them, and need "real" or "metal".
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise SceneError(f"{path} is no molecule file: {', '.join(READERS)} are.{nearest(path.suffix, READERS)}")
    if reader in (read_gro, read_pdb) and units not in ANGSTROM:
        raise SceneError(
            f"{path} holds lengths in Angstrom or nm; read it with units='real' or 'metal', not {units!r}."
        )
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SceneError(f"{path} cannot be read: {error}") from error
    return reader(path, lines, units)
