"""H5MD 1.1 for atoms [nongnu.org/h5md]. Positions are absolute: the image of every atom is zero, and is said to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import h5py
import numpy as np

from scenegrad import __version__
from scenegrad.engine.files.column import Column
from scenegrad.engine.solver import Atoms

__all__ = ["AtomFrames", "place_of", "write_atoms_header", "write_edges"]

# Readers refuse units that they do not know, as those of reduced units; `units` beside them has all.
KNOWN_UNITS = {
    "nm", "pm", "Angstrom", "ps", "fs", "ns", "s", "nm ps-1", "Angstrom ps-1", "Angstrom fs-1", "m s-1", "N",
    "kJ mol-1 nm-1", "kJ mol-1 Angstrom-1", "kcal mol-1 Angstrom-1",
}  # fmt: skip
BOX = "box"


@dataclass(frozen=True)
class AtomFrames:
    """Trajectories of atoms in a box, which frames hold where it changes."""

    name: str
    layout: Atoms
    units: Mapping[str, str]
    member: int = 0
    kind = "atoms"

    @property
    def file_name(self) -> str:
        return f"{self.name}.h5md"

    def columns(self, frame: Mapping[str, np.ndarray]) -> dict[str, Column]:
        return {
            key: Column(f"particles/{self.name}/{place_of(key)}/value", value.shape, self.units.get(key, ""))
            for key, value in frame.items()
        }

    def begin(self, file: h5py.File, columns: Mapping[str, Column]) -> None:
        root = file.create_group("h5md")
        root.attrs["version"] = np.array([1, 1])
        root.create_group("author").attrs["name"] = "scenegrad"
        creator = root.create_group("creator")
        creator.attrs["name"], creator.attrs["version"] = "scenegrad", __version__
        write_atoms_header(file[f"particles/{self.name}"], self.layout)
        for column in columns.values():
            if column.unit in KNOWN_UNITS:
                file[column.path].attrs["unit"] = column.unit

    def seal(self, file: h5py.File, columns: Mapping[str, Column], track: h5py.Group) -> None:
        if (unit := track["time"].attrs["units"]) in KNOWN_UNITS:
            track["time"].attrs["unit"] = unit
        atoms = file[f"particles/{self.name}"]
        moving = [file[column.path].parent for column in columns.values()]
        if BOX not in columns:
            atoms["box"].pop("edges", None)
            moving.append(atoms["box"].create_group("edges"))
            write_edges(moving[-1], self.layout, self.member, len(track["time"]), self.units.get("position", ""))
        for element in moving:
            for key in ("step", "time"):
                element.pop(key, None)
                element[key] = track[key]


def place_of(key: str) -> str:
    """Of a quantity, below its group of particles."""
    return "box/edges" if key == BOX else key


def write_atoms_header(atoms: h5py.Group, layout: Atoms) -> None:
    """What each atom is, and the kind of box; fixed in time."""
    box = atoms.require_group("box")
    dim, lengths = layout.box.shape[-1], layout.box
    box.attrs["dimension"] = dim
    lengths = lengths.diagonal(dim1=1, dim2=2) if lengths.ndim == 3 else lengths
    endless = lengths.isinf().any(dim=0).tolist()
    box.attrs["boundary"] = np.array([b"none" if open_ended else b"periodic" for open_ended in endless])
    species = layout.species.detach().cpu().numpy()
    atoms["species"] = species
    atoms["species"].attrs["names"] = list(layout.names)
    atoms["mass"] = layout.mass.detach().cpu().numpy()
    atoms["image"] = np.zeros((len(species), dim), dtype=np.int8)


def write_edges(edges: h5py.Group, layout: Atoms, member: int, frames: int, unit: str) -> None:
    """The box of each frame, where readers look for it: edge lengths, 0 along an axis without an end, or vectors."""
    box = layout.box[member].detach().cpu().numpy()
    box = np.where(np.isfinite(box), box, 0.0)
    edges["value"] = np.tile(box, (frames, *(1,) * box.ndim))
    edges["value"].attrs["units"] = unit
    if unit in KNOWN_UNITS:
        edges["value"].attrs["unit"] = unit
