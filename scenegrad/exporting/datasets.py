"""Datasets as the loaders of others take them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from scenegrad.engine.dataset import Dataset
from scenegrad.engine.errors import EngineError
from scenegrad.engine.files.recorded import open_member
from scenegrad.engine.solver import Grid, Points
from scenegrad.exporting.recording import chosen_frames
from scenegrad.surrogates.data.formats.gns import write_gns
from scenegrad.surrogates.data.formats.neuraloperator import write_neuraloperator
from scenegrad.surrogates.data.formats.part import Part
from scenegrad.surrogates.data.formats.particles import ParticleTrajectories
from scenegrad.surrogates.data.formats.pdebench import GAS
from scenegrad.surrogates.data.formats.pdebench_writing import write_pdebench
from scenegrad.surrogates.data.formats.the_well_view import view_the_well
from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.data.trajectories import refuse_unfinished

__all__ = ["pairs_of", "write_dataset_gns", "write_dataset_neuraloperator", "write_dataset_pdebench", "write_well"]

REACH = 2.5  # radius within which particles are neighbours, in distances of nearest ones


def write_well(data: Dataset, probe: str, frames: Any, folder: Path) -> list[Path]:
    """Links to the shards in data/{train,valid,test}, virtual/{train,valid,test}.hdf5 and stats.yaml."""
    grid = grid_of(data, probe)
    numbers = chosen_frames(frames, len(data.times(probe)))
    axes, periodic = axes_of(grid), grid.periodic
    return view_the_well(data, folder, name=name_of(data), axes=axes, periodic=periodic, probe=probe, frames=numbers)


def write_dataset_pdebench(data: Dataset, probe: str, frames: Any, folder: Path) -> list[Path]:
    """One file, <name>.h5 with a group for each member; <name>.hdf5 where PDEBench has such a layout for the fields."""
    refuse_unfinished(data)
    grid, part = grid_of(data, probe), some_frames(data, probe, frames)
    fields, dim = part.quantities(probe), len(grid.cells)
    alike = not any(np.ptp(values) > 0 for values in data.parameters.values())
    steady = len(part.numbers) == 1 and len(fields) == 2
    whole = alike and (steady or (len(fields) == 1 and dim == 1) or set(fields) == set(GAS[: 2 + dim]))
    suffix = ".hdf5" if whole else ".h5"
    path = folder if folder.suffix in (".h5", ".hdf5") else folder / f"{name_of(data)}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = pairs_of(part) if steady and path.suffix == ".hdf5" else part
    return [write_pdebench(content, path, axes=axes_of(grid), probe=probe if content is part else None)]


def write_dataset_neuraloperator(data: Dataset, probe: str, frames: Any, folder: Path) -> list[Path]:
    """<name>_train_<points>.pt and the like."""
    refuse_unfinished(data)
    grid_of(data, probe)
    return write_neuraloperator(pairs_of(some_frames(data, probe, frames)), folder, name_of(data))


def write_dataset_gns(data: Dataset, probe: str, frames: Any, folder: Path) -> list[Path]:
    """train.npz, valid.npz, test.npz and metadata.json; kinds of particles are the bodies that they are of."""
    refuse_unfinished(data)
    outputs = {member: open_member(data.folder.shard(member))[probe] for member in data.members}
    part = some_frames(data, probe, frames)
    particles = ParticleTrajectories.of(part, probe)
    layouts = [output.layout for output in outputs.values()]
    kinds = [
        layout.labels["body"].numpy() if isinstance(layout, Points) and "body" in layout.labels else kind
        for layout, kind in zip(layouts, particles.kind, strict=True)
    ]
    numbers = list(particles.parameters.values())
    told = {"material": numbers[0]} if len(numbers) == 1 else {}
    radius = REACH * spacing_of(particles.position[0][0])
    kind = tuple(np.asarray(k, dtype=np.int64) for k in kinds)
    return write_gns(replace(particles, kind=kind, radius=radius, parameters=told), folder)


def pairs_of(part: Part) -> Pairs:
    """The fields of the first and of the last frame; of one frame, of which there are several fields, the last field
    from the others."""
    fields = part.quantities(part.probe)
    ends = {f: np.stack([part.read(m, part.probe, f)[[0, -1]] for m in part.members]) for f in fields}
    numbers = {address: np.asarray(v) for address, v in part.parameters.items() if np.ndim(v) == 1}
    first, last = ({f: flat(ends[f][:, k], part, f) for f in fields} for k in (0, 1))
    if len(part.numbers) > 1:
        times = part.times(part.probe)
        return Pairs.from_arrays(first, last, numbers, dt=float(times[-1] - times[0]))
    if len(fields) < 2:
        raise EngineError(
            f"Pairs are made of the first and the last of the frames, and of {part.probe} there is one frame of "
            f"{fields[0]} alone. Choose more frames with --frames."
        )
    return Pairs.from_arrays({f: last[f] for f in fields[:-1]}, {fields[-1]: last[fields[-1]]}, numbers)


def flat(values: np.ndarray, part: Part, field: str) -> np.ndarray:
    """[member, *grid] or [member, *grid, component]."""
    space = len(grid_of(part.data, part.probe).cells)  # type: ignore[arg-type]
    return values.reshape(*values.shape[: 1 + space], -1) if values.ndim > 2 + space else values


def some_frames(data: Dataset, probe: str, frames: Any) -> Part:
    return Part(data, probe, chosen_frames(frames, len(data.times(probe))))


def grid_of(data: Dataset, probe: str) -> Grid:
    layout = open_member(data.folder.shard(data.members[0]))[probe].layout
    if not isinstance(layout, Grid):
        raise EngineError(f"{probe} of {data.path} does not lie on a grid.")
    return layout


def axes_of(grid: Grid) -> list[np.ndarray]:
    """Coordinates along each axis [point]."""
    rows = zip(grid.origin, grid.spacing, grid.cells, strict=True)
    return [origin + spacing * np.arange(cells) for origin, spacing, cells in rows]


def spacing_of(position: np.ndarray) -> float:
    """Mean distance of particles to their nearest."""
    from scipy.spatial import KDTree

    return float(KDTree(position).query(position, k=2)[0][:, 1].mean())


def name_of(data: Dataset) -> str:
    return str(data.manifest.get("name", data.path.name)).replace("/", "_")
