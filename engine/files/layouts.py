"""How the samples of an output lie in space, told in its file when it begins and read back from it.

So whoever reads a file needs neither its scene nor the solver that made it, and one whose run was killed tells as much.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

import h5py
import numpy as np
import torch

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.column import Column
from scenegrad.engine.files.elements import VTK
from scenegrad.engine.solver import Atoms, Elements, Grid, Layout, Net, Points, Series

__all__ = ["keep_layout", "read_layout"]


def keep_layout(track: h5py.Group, layout: Layout, member: int, nodes: bool = False) -> None:
    """Adds to the track of an output what other parts of its file do not tell. nodes: of elements, and
    pairs of nets, too."""
    if isinstance(layout, Grid):
        track.attrs["grid"] = json.dumps(asdict(layout))
    elif isinstance(layout, Atoms):
        track["box"] = layout.box[member].detach().cpu().numpy()
    elif isinstance(layout, Elements) and nodes:
        track["nodes"] = layout.nodes.detach().cpu().numpy()
    elif isinstance(layout, Net) and nodes:
        track["pairs"] = layout.pairs.detach().cpu().numpy()


def read_layout(file: h5py.File, name: str, track: h5py.Group, columns: Mapping[str, Column]) -> Layout:
    """That of the output `name`, of one simulation: labels and species have no axis of members."""
    kind = str(track.attrs["kind"])
    if kind == "grid":
        return grid_in(file, name, track, columns)
    if kind == "atoms":
        group = file[f"particles/{name}"]
        names = tuple(n if isinstance(n, str) else n.decode() for n in group["species"].attrs["names"])
        species, mass = (torch.from_numpy(np.asarray(group[key])) for key in ("species", "mass"))
        return Atoms(species.long(), mass, torch.from_numpy(box_in(group, track))[None], names)
    if kind == "points":
        if "VTKHDF" in file:
            root = file["VTKHDF"]
            fixed = {key: data for key, data in root["PointData"].items() if key not in columns}
            labels = {key: torch.from_numpy(np.asarray(data)) for key, data in fixed.items()}
            if "Connectivity" in root:
                return Elements(labels, torch.from_numpy(elements_in(root)))
            lines = np.asarray(root["Lines/Connectivity"], dtype=np.int64).reshape(-1, 2)
            return Net(labels, torch.from_numpy(lines)) if len(lines) else Points(labels)
        group = file[f"particles/{name}"]
        labels = {k: torch.from_numpy(np.asarray(d)) for k, d in group.items() if isinstance(d, h5py.Dataset)}
        if "nodes" in track:
            return Elements(labels, torch.from_numpy(np.asarray(track["nodes"])))
        return Net(labels, torch.from_numpy(np.asarray(track["pairs"]))) if "pairs" in track else Points(labels)
    place = next((place for place in (name, f"scenegrad/series/{name}") if f"{place}/coordinates" in file), None)
    axes = file[f"{place}/coordinates"] if place else {}
    return Series({key: torch.from_numpy(np.asarray(values)) for key, values in axes.items()})


def grid_in(file: h5py.File, name: str, track: h5py.Group, columns: Mapping[str, Column]) -> Grid:
    if "grid" in track.attrs:
        told = {key: tuple(values) for key, values in json.loads(track.attrs["grid"]).items()}
        return Grid(**told)
    if "VTKHDF" in file:  # an older run, which does not tell what repeats
        about = file["VTKHDF"].attrs
        dim = next(iter(columns.values())).space
        cells = tuple(int(n) + 1 for n in about["WholeExtent"][1::2])[:dim]
        return Grid(cells, tuple(about["Spacing"][:dim]), tuple(about["Origin"][:dim]), (False,) * dim)
    if "dimensions" in file and any(column.sampled for column in columns.values()):
        spatial = list(file["dimensions"].attrs["spatial_dims"])
        points = [np.asarray(file[f"dimensions/{axis}"], dtype=np.float64) for axis in spatial]
        sides = file["boundary_conditions"]
        return Grid(
            tuple(len(p) for p in points),
            tuple(float(p[-1] - p[0]) / max(len(p) - 1, 1) for p in points),
            tuple(float(p[0]) for p in points),
            tuple(f"{axis}_periodic" in sides for axis in spatial),
        )
    raise FileError(f"{file.filename} does not tell where the grid of {name} lies. Make it again with this version.")


def box_in(group: h5py.Group, track: h5py.Group) -> np.ndarray:
    """Edge lengths, infinite along an axis without an end, or edge vectors as rows; in the first frame."""
    if "box" in track:
        return np.asarray(track["box"])
    if "edges" not in group["box"]:
        raise FileError(f"{group.file.filename} does not tell the box of its atoms yet. Let its run come to its end.")
    box = np.asarray(group["box/edges/value"][0])
    endless = np.array([side in (b"none", "none") for side in group["box"].attrs["boundary"]])
    return np.where(endless, np.inf, box) if box.ndim == 1 else np.where(np.diag(endless), np.inf, box)


def elements_in(root: h5py.Group) -> np.ndarray:
    """Nodes of each element, in the order of `Elements`."""
    kinds = {kind: (each, order) for each, (kind, order) in VTK.items()}
    each, order = kinds[int(root["Types"][0])] if len(root["Types"]) else (6, list(range(6)))
    stored = np.asarray(root["Connectivity"], dtype=np.int64).reshape(-1, each)
    found = np.empty_like(stored)
    found[:, order] = stored
    return found
