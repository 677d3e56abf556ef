"""Atoms of others: a scene that starts where the last frame of a file ends."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.atomic import write_text
from scenegrad.engine.files.guarded import open_guarded
from scenegrad.importing.kind import Imported, Kind
from scenegrad.scenes import LennardJones, Particles, Scene, Thermo, Time
from scenegrad.scenes.molecule_files import Molecules, read_molecules
from scenegrad.scenes.molecule_files.molecules import Atom

__all__ = ["ATOMS", "read_h5md"]

STEPS = {"real": 1.0, "metal": 1e-3, "lj": 2e-3, "SI": 1e-15}  # a step that most atoms take well, by units
ENERGIES = {"real": 0.2, "metal": 0.01, "lj": 1.0, "SI": 1.6e-21}  # a depth of wells to begin with
BY_FILE = {("Angstrom", "fs"): "real", ("Angstrom", "ps"): "metal"}
SUFFIXES = (".extxyz", ".xyz", ".gro", ".pdb", ".lmp", ".data")

HEAD = """\
# Atoms of {source}, where its last frame has them; units "{units}".
#
#   scenegrad check {file}          is it right, and what would it cost?
#   scenegrad run {file}
#
{note}
"""
PLACEHOLDER = """\
# The file tells no forces. `pair` makes every two atoms repel and attract each other a little, so that the scene runs:
# put the potential of your atoms in its place, and a step that suits it into [time]."""
TOLD = "# The forces are those that the file tells. Choose a step that suits them in [time]."


def is_text(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def is_h5md(path: Path) -> bool:
    if path.suffix not in (".h5md", ".h5") or not path.is_file():
        return False
    try:
        with open_guarded(path) as file:
            return "h5md" in file and "particles" in file
    except OSError:
        return False


def take_text(path: Path, out: Path | None) -> Imported:
    units = "real"
    if path.suffix.lower() in (".extxyz", ".xyz"):
        with path.open(errors="replace") as file:
            told = re.search(r"units=(\w+)", "".join(file.readline() for _ in range(2)))
        units = told[1] if told and told[1] in STEPS else units
    return starter("molecules", read_molecules(path, units), units, out)


def take_h5md(path: Path, out: Path | None) -> Imported:
    molecules, units = read_h5md(path)
    return starter("h5md", molecules, units, out)


def read_h5md(path: Path) -> tuple[Molecules, str]:
    """The last frame of the first group of particles, and the units of the scene that suit its own."""
    try:
        with open_guarded(path) as file:
            atoms = next(iter(file["particles"].values()))
            position = atoms["position/value"]
            x = np.asarray(position[-1], dtype=np.float64)
            v = np.asarray(atoms["velocity/value"][-1], dtype=np.float64) if "velocity" in atoms else None
            species = np.asarray(atoms["species"]).astype(int) if "species" in atoms else np.zeros(len(x), dtype=int)
            species = species[-1] if species.ndim == 2 else species
            told = atoms["species"].attrs.get("names") if "species" in atoms else None
            mass = np.asarray(atoms["mass"], dtype=np.float64) if "mass" in atoms else np.ones(len(x))
            charge = np.asarray(atoms["charge"], dtype=np.float64) if "charge" in atoms else np.zeros(len(x))
            size = box_of(atoms)
            units = units_of(file, position, atoms)
    except (OSError, KeyError, StopIteration, ValueError, TypeError) as error:
        raise FileError(f"{path} is not read as H5MD: {error}.") from error
    names = [n if isinstance(n, str) else n.decode() for n in told] if told is not None else None
    made = tuple(
        Atom(
            names[kind] if names and kind < len(names) else f"type{kind}", float(m), tuple(map(float, row)),
            None if v is None else tuple(map(float, v[i])), float(q),
        )
        for i, (kind, m, q, row) in enumerate(zip(species, mass, charge, x, strict=True))
    )  # fmt: skip
    return Molecules(path, made, size), units


def box_of(atoms: h5py.Group) -> tuple[float, ...] | None:
    """Edge lengths; None where no axis repeats."""
    sides = [s.decode() if isinstance(s, bytes) else str(s) for s in atoms["box"].attrs["boundary"]]
    if "edges" not in atoms["box"] or all(side == "none" for side in sides):
        return None
    edges = atoms["box/edges"]
    value = np.asarray(edges["value"][-1] if isinstance(edges, h5py.Group) else edges, dtype=np.float64)
    if value.ndim == 2:
        if np.abs(value - np.diag(np.diagonal(value))).max() > 0.0:
            raise ValueError("its box is not rectangular")
        value = np.diagonal(value)
    if any(side == "none" for side in sides):
        raise ValueError(f"its box repeats along some axes alone: {', '.join(sides)}")
    return tuple(map(float, value))


def units_of(file: h5py.File, position: h5py.Dataset, atoms: h5py.Group) -> str:
    if "scenegrad" in file and (told := str(file["scenegrad"].attrs.get("units", ""))) in STEPS:
        return told
    length = str(position.attrs.get("unit", "Angstrom"))
    if length != "Angstrom":
        raise ValueError(f"its lengths are in {length!r}; those of scenes of atoms are in Angstrom")
    time = str(atoms["position/time"].attrs.get("unit", "fs")) if "time" in atoms["position"] else "fs"
    return BY_FILE.get((length, time), "real")


def starter(kind: str, molecules: Molecules, units: str, out: Path | None) -> Imported:
    """Writes the scene; forces that the file does not tell get a placeholder."""
    path = molecules.path
    target = Path(f"{path.stem}.toml") if out is None else out if out.suffix == ".toml" else out / f"{path.stem}.toml"
    reach = reach_of(molecules)
    entities: dict[str, Any] = dict(molecules.entities(cutoff=reach if molecules.pairs else None))
    if not molecules.pairs:
        near = nearest_of(molecules)
        sigma = near / 2.0 ** (1.0 / 6.0)
        entities["pair"] = LennardJones(epsilon=ENERGIES[units], sigma=sigma, cutoff=min(2.5 * sigma, reach))
    dt = STEPS[units]
    scene = Scene(
        name=path.stem,
        units=units,  # type: ignore[arg-type]
        domain=molecules.domain(),
        entities=entities,
        time=Time(end=1000 * dt, dt=dt),
        outputs={"thermo": Thermo(every=10 * dt), "atoms": Particles("position", "velocity", every=50 * dt)},
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    scene.save(target)
    note = TOLD if molecules.pairs else PLACEHOLDER
    told = f"{HEAD.format(source=path.name, units=units, file=target.name, note=note)}\n{target.read_text()}"
    write_text(target, told)
    count, species = len(molecules.atoms), list(molecules.species())
    text = f"{target}: {count} atoms ({', '.join(species)}); {note.replace('# ', '')}\nNext: scenegrad check {target}"
    return Imported(kind, (target,), text, {"atoms": count, "species": species, "units": units})


def reach_of(molecules: Molecules) -> float:
    """A cut-off that a periodic box has room for."""
    return 10.0 if molecules.size is None else 0.45 * min(molecules.size)


def nearest_of(molecules: Molecules) -> float:
    """The least distance of two atoms; 1 for a single one."""
    from scipy.spatial import KDTree

    x = np.array([atom.position for atom in molecules.atoms])
    if len(x) < 2:
        return 1.0
    if molecules.size is not None:
        size = np.array(molecules.size)
        x = x - np.floor(x / size) * size
        x = np.minimum(x, np.nextafter(size, 0.0))
    near = float(KDTree(x, boxsize=molecules.size).query(x, k=2)[0][:, 1].min())
    return near if near > 0.0 and math.isfinite(near) else 1.0


BECOMES = "a scene that starts from its last frame"

ATOMS = (
    Kind("h5md", "a .h5md file, or .h5 of that layout", BECOMES, is_h5md, take_h5md),
    Kind("molecules", f"atoms as text: {' '.join(SUFFIXES)}", BECOMES, is_text, take_text),
)
