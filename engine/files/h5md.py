"""H5MD 1.1 for atoms [nongnu.org/h5md]. Positions are absolute: the image of every atom is zero, and is said to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import h5py
import numpy as np

from scenegrad import __version__
from scenegrad.engine.files.column import Column
from scenegrad.engine.solver import Atoms

__all__ = ["AtomFrames", "write_atoms_header", "write_edges"]

# Readers refuse units that they do not know, and reduced units have no name among theirs.
KNOWN_UNITS = {
    "nm", "pm", "Angstrom", "ps", "fs", "ns", "nm ps-1", "Angstrom ps-1", "kJ mol-1 nm-1", "kJ mol-1 Angstrom-1",
}  # fmt: skip


@dataclass(frozen=True)
class AtomFrames:
    """Trajectories of atoms in a box that does not change."""

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
            key: Column(f"particles/{self.name}/{key}/value", value.shape, self.units.get(key, ""))
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
        edges = atoms["box"].create_group("edges")
        write_edges(edges, self.layout, self.member, len(track["time"]))
        for element in (edges, *(file[column.path].parent for column in columns.values())):
            element["step"], element["time"] = track["step"], track["time"]


def write_atoms_header(atoms: h5py.Group, layout: Atoms) -> None:
    """What each atom is, and the kind of box; fixed in time."""
    box = atoms.require_group("box")
    dim = layout.box.shape[-1]
    box.attrs["dimension"] = dim
    endless = layout.box.isinf().any(dim=0).tolist()
    box.attrs["boundary"] = np.array([b"none" if open_ended else b"periodic" for open_ended in endless])
    species = layout.species.detach().cpu().numpy()
    atoms["species"] = species
    atoms["species"].attrs["names"] = list(layout.names)
    atoms["mass"] = layout.mass.detach().cpu().numpy()
    atoms["image"] = np.zeros((len(species), dim), dtype=np.int8)


def write_edges(edges: h5py.Group, layout: Atoms, member: int, frames: int) -> None:
    """Edge lengths for each frame, where readers look for them; 0 along an axis without an end."""
    lengths = layout.box[member].detach().cpu().numpy()
    lengths = np.where(np.isfinite(lengths), lengths, 0.0)
    edges["value"] = np.tile(lengths, (frames, 1))
