"""Atoms from H5MD 1.1: `particles/<group>` with a box, positions and whatever else moves with them; and the particles
of bodies, which the members of an ensemble keep in the same way and without a box."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.chemistry import elements_of
from scenegrad.view.committed import committed_times, open_hdf5, setting_in, unit_of
from scenegrad.view.errors import ViewError
from scenegrad.view.frames import Array, Field
from scenegrad.view.setting import Setting

if TYPE_CHECKING:
    import h5py
    import pyvista

__all__ = ["AtomFrames", "MemberFrames", "open_h5md"]

LABELS = ("species", "body")  # integers that name a kind


def open_h5md(path: Path) -> AtomFrames | MemberFrames:
    """The frames of the first group of particles in the file."""
    file = open_hdf5(path)
    try:
        group = next(iter(file["particles"].values()), None) if "particles" in file else None
        if group is None or "position" not in group:
            raise ViewError(f"{path} has no particles/<group>/position, so it is not an H5MD trajectory.")
        position = group["position"]
        times = committed_times(file, group.name.rsplit("/", 1)[-1], listed_times(position))
        setting = setting_in(file)
        if not setting.time_unit and "time" in position:
            setting = replace(setting, time_unit=unit_of(position["time"]))
        return (AtomFrames if "box" in group else MemberFrames)(path, setting, times, file, group)
    except BaseException:
        file.close()
        raise


def listed_times(position: Any) -> NDArray[np.float64] | None:
    """The times beside the positions; where there is a fixed interval, its start is an attribute."""
    if "time" not in position:
        return None
    times = np.asarray(position["time"], dtype=np.float64)
    if times.ndim == 0:
        count, start = len(position["value"]), float(position["time"].attrs.get("offset", 0.0))
        return start + float(times) * np.arange(count, dtype=np.float64)
    return times


@dataclass(frozen=True)
class Trajectory:
    """What both share: an array a quantity, [frame, particle, ...], or [particle, ...] where it stands still."""

    path: Path
    setting: Setting
    times: NDArray[np.float64]
    file: h5py.File
    group: Any

    @property
    def dim(self) -> int:
        return int(self.group["position/value"].shape[-1])

    def fields(self) -> dict[str, Field]:
        found: dict[str, Field] = {}
        for name, node in self.group.items():
            if name in ("box", "position"):
                continue
            value = node["value"] if hasattr(node, "keys") and "value" in node else node
            if not hasattr(value, "shape") or value.ndim == 0:
                continue
            moving = value is not node
            components = 1 if value.ndim == 1 + moving else int(value.shape[-1])
            found[name] = Field(name, components, unit_of(value), labels=name in LABELS)
        return found

    def values(self, name: str, index: int) -> Array:
        """[atom], with a last axis of components unless it is a scalar."""
        node = self.group[name]
        return np.asarray(node["value"][index] if hasattr(node, "keys") else node)

    def positions(self, index: int) -> NDArray[np.float64]:
        """[particle, 3]"""
        raw = np.asarray(self.group["position/value"][index], dtype=np.float64)
        return np.pad(raw, ((0, 0), (0, 3 - self.dim)))

    def frame(self, index: int) -> pyvista.PolyData:
        import pyvista

        cloud = pyvista.PolyData(self.positions(index))
        for name in self.fields():
            cloud.point_data[name] = self.values(name, index)
        return cloud

    def close(self) -> None:
        self.file.close()


@dataclass(frozen=True)
class MemberFrames(Trajectory):
    """Particles of bodies, in a file of one member of an ensemble."""


@dataclass(frozen=True)
class AtomFrames(Trajectory):
    """Atoms in a box that may repeat itself; they are drawn in the box, wherever their trajectories have led."""

    def fields(self) -> dict[str, Field]:
        found = super().fields()
        return found if self.elements() is None else found | {"element": Field("element", labels=True)}

    def values(self, name: str, index: int) -> Array:
        elements = self.elements() if name == "element" else None
        return super().values(name, index) if elements is None else elements

    def elements(self) -> NDArray[np.int64] | None:
        """Atomic numbers [atom] where species are finer than elements, as the atom types of molecules are."""
        if self.setting.table.get("units") not in ("real", "metal") or not {"mass", "species"} <= set(self.group):
            return None
        found = elements_of(np.asarray(super().values("mass", 0)))
        kinds = len(np.unique(super().values("species", 0)))
        return None if found is None or len(np.unique(found)) >= kinds else found

    def vectors(self, index: int) -> NDArray[np.float64]:
        """Of the edges as rows [dim, dim], 0 along an axis without an end; while the file is growing, those of the
        scene or else the reach of the atoms."""
        edges = self.group.get("box/edges")
        if edges is None:
            first = np.asarray(self.group["position/value"][0], dtype=np.float64)
            return np.diag(np.asarray(self.setting.size or np.maximum(first.max(axis=0), 1e-12), dtype=np.float64))
        value = np.asarray(edges["value"][index] if hasattr(edges, "keys") else edges, dtype=np.float64)
        return value if value.ndim == 2 else np.diag(value)

    def box(self, index: int) -> NDArray[np.float64]:
        """Edge lengths along the axes [dim]."""
        return np.diagonal(self.vectors(index)).copy()

    @property
    def periodic(self) -> NDArray[np.bool_]:
        """Which axes repeat [dim]."""
        boundary = self.group["box"].attrs.get("boundary", ["none"] * self.dim)
        names = [side.decode() if isinstance(side, bytes) else str(side) for side in np.atleast_1d(boundary)]
        return np.array([side == "periodic" for side in names])

    def positions(self, index: int) -> NDArray[np.float64]:
        """In the box [atom, 3]."""
        raw = np.asarray(self.group["position/value"][index], dtype=np.float64)
        rows = self.vectors(index)
        turns = np.floor(raw @ np.linalg.inv(rows + np.diag(np.diagonal(rows) == 0.0)))
        inside = raw - (turns * self.periodic) @ rows
        return np.pad(inside, ((0, 0), (0, 3 - self.dim)))

    def repeats(self, index: int) -> NDArray[np.float64]:
        """Edge lengths after which the box repeats itself [3]; infinite where it does not."""
        lengths = np.full(3, np.inf)
        lengths[: self.dim] = np.where(self.periodic, self.box(index), np.inf)
        return lengths

    def species_names(self) -> dict[int, str]:
        """What the numbers of the species mean, where the file says so."""
        node = self.group.get("species")
        if node is None:
            return {}
        import h5py

        enum = h5py.check_enum_dtype(node.dtype) if hasattr(node, "dtype") else None
        if enum:
            return {number: name for name, number in enum.items()}
        names = node.attrs.get("names", ())
        return {number: name.decode() if isinstance(name, bytes) else str(name) for number, name in enumerate(names)}
