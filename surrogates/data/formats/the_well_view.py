"""A dataset seen as one of The Well 1.2 without a copy: its shards, which have that layout, linked into its folders,
and files of a few kilobytes that show all shards of a part as one array.

The loader of The Well opens files through file objects, through which HDF5 cannot follow one file into another and ends
the process: so virtual datasets are for those who open the files themselves, and stand in a folder of their own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from scenegrad.engine.dataset import Dataset
from scenegrad.engine.errors import EngineError, FileError
from scenegrad.engine.files.atomic import appearing
from scenegrad.surrogates.data.formats.part import Part
from scenegrad.surrogates.data.formats.the_well import FOLDERS
from scenegrad.surrogates.data.formats.the_well_writing import (
    Statistic,
    finite,
    head,
    list_field,
    planned,
    write_statistics,
    write_the_well,
)
from scenegrad.surrogates.data.split import AnySplit
from scenegrad.surrogates.data.trajectories import refuse_unfinished

__all__ = ["view_the_well"]


def view_the_well(
    data: Dataset,
    folder: str | Path,
    *,
    name: str,
    axes: Sequence[np.ndarray],
    periodic: Sequence[bool],
    probe: str,
    frames: range | None = None,
    split: AnySplit | None = None,
) -> list[Path]:
    """data/{train,valid,test}/m00042.hdf5, links to the shards, for The Well's loader; virtual/{train,valid,test}.hdf5,
    virtual datasets [member, frame, ...], for h5py and whoever else opens files by name; stats.yaml. Returns them all.

    HDF5 reads what a missing file should hold as if it were there, so a dataset of which members are still to come is
    refused, and every shard is looked at before anything is written. All paths are relative: the folder moves together
    with the dataset. Some frames alone, double precision, and outputs other than the first on a grid cannot be linked:
    those are copied for the loader, in single precision as it wants them.
    """
    refuse_unfinished(data)
    numbers = frames if frames is not None else range(len(data.times(probe)))
    some = Part(data, probe, numbers)
    columns = data.quantities(probe)
    for member in data.members:
        check(data, member, [column.path for column in columns.values()])
    plan = planned(some, axes, probe, split)
    root, written = Path(folder), []
    linked = len(numbers) == len(data.times(probe)) and all(
        column.sampled and data.file(data.members[0])[column.path].dtype == np.float32 for column in columns.values()
    )
    for part, places in plan.parts.items():
        members = [data.members[place] for place in places]
        if linked:
            written += link(data, members, root / "data" / FOLDERS.get(part, part))
            if part == "train":
                found = {field: Statistic(plan.grid, order) for field, order in plan.orders.items()}
                for field, statistic in found.items():
                    for member in members:
                        statistic.add(finite(some, member, probe, field))
                write_statistics(root, found)
    if not linked:
        written += write_the_well(some, root, name=name, axes=axes, periodic=periodic, split=split)
    for part, places in plan.parts.items():
        path = root / "virtual" / f"{FOLDERS.get(part, part)}.hdf5"
        members = [data.members[place] for place in places]
        with appearing(path) as unfinished, h5py.File(unfinished, "w") as file:
            head(file, name, axes, periodic, plan.times, plan.numbers(places), len(places))
            for field, order in plan.orders.items():
                seen = virtual(data, probe, field, members, numbers, path.parent)
                room = file[f"t{order}_fields"].create_virtual_dataset(field, seen, fillvalue=np.nan)
                list_field(room, field, order, len(plan.grid))
        written.append(path)
    return written


def link(data: Dataset, members: Sequence[int], folder: Path) -> list[Path]:
    """A relative link to each shard; those that an earlier dataset left in the folder go."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_symlink():
            path.unlink()
    written = []
    for member in members:
        shard = data.folder.shard(member)
        written.append(folder / f"{shard.stem}.hdf5")
        written[-1].symlink_to(os.path.relpath(shard.resolve(), folder.resolve()))
    return written


def check(data: Dataset, member: int, paths: Sequence[str]) -> None:
    """The shard of a member can be opened and holds what the first one holds."""
    file, first = data.file(member), data.file(data.members[0])
    for path in paths:
        if path not in file or file[path].shape != first[path].shape:
            raise FileError(
                f"{data.folder.shard(member)} does not hold {path} {first[path].shape} as the first member does. "
                f"Remove it and run generate again."
            )


def virtual(
    data: Dataset, probe: str, field: str, members: Sequence[int], numbers: range, folder: Path
) -> h5py.VirtualLayout:
    """[member, frame, ...], each member from its shard."""
    column = data.quantities(probe)[field]
    if column.space or column.flat:
        raise EngineError(f"{field} of {probe} does not lie in its shard as The Well has it: {column}.")
    stored = data.file(members[0])[column.path].shape
    kept = slice(numbers.start, numbers.stop, numbers.step)
    layout = h5py.VirtualLayout((len(members), len(numbers), *column.shape), np.float32)
    for row, member in enumerate(members):
        there = os.path.relpath(data.folder.shard(member).resolve(), folder.resolve())
        source = h5py.VirtualSource(there.replace("%", "%%"), column.path, stored, np.float32)
        layout[row] = source[0, kept] if column.sampled else source[kept]
    return layout
