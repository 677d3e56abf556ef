"""Trajectories on a grid written as a data set of The Well 1.2: data/{train,valid,test}/*.hdf5 and stats.yaml."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from scenegrad.engine.errors import EngineError
from scenegrad.engine.files.atomic import appearing, write_text
from scenegrad.surrogates.data.formats.probes import probe_on
from scenegrad.surrogates.data.formats.the_well import FOLDERS
from scenegrad.surrogates.data.split import AnySplit, Split
from scenegrad.surrogates.data.statistics import Moments
from scenegrad.surrogates.data.trajectories import Trajectories, identities, uniform_interval
from scenegrad.system import sweep

__all__ = ["write_the_well"]

NO_NAMES = np.array([], dtype="S1")


def write_the_well(
    data: Trajectories,
    folder: str | Path,
    *,
    name: str,
    axes: Sequence[np.ndarray],
    periodic: Sequence[bool],
    probe: str | None = None,
    split: AnySplit | None = None,
) -> list[Path]:
    """One file for each part, with the statistics of the training part beside them; returns the files.

    axes: coordinates along each axis of the grid [point]; periodic: of each, whether its sides are one; other sides are
    walls. Fields [frame, *grid] become tensors of order 0, [frame, *grid, dim] of order 1, [frame, *grid, dim * dim] of
    order 2. Part "ood" of a split by parameter goes to data/ood. All is float32.
    """
    plan = planned(data, axes, probe, split)
    root, written = Path(folder), []
    for part, places in plan.parts.items():
        path = root / "data" / FOLDERS.get(part, part) / f"{name}.hdf5"
        sweep(path)  # loaders take all that is in the folder
        found = {field: Statistic(plan.grid, order) for field, order in plan.orders.items()}
        with appearing(path) as unfinished, h5py.File(unfinished, "w") as file:
            head(file, name, axes, periodic, plan.times, plan.numbers(places), len(places))
            for field, order in plan.orders.items():
                room = make_room(file, field, order, (len(places), len(plan.times), *plan.grid))
                for row, place in enumerate(places):
                    frames = finite(data, data.members[place], plan.probe, field)
                    room[row] = frames.reshape(room.shape[1:])
                    found[field].add(frames)
        written.append(path)
        if part == "train":
            write_statistics(root, found)
    return written


@dataclass(frozen=True)
class Plan:
    """Which output is written, and which trajectories go to which part. orders: of the tensors, by field."""

    probe: str
    grid: tuple[int, ...]
    times: np.ndarray
    parameters: Mapping[str, np.ndarray]
    orders: Mapping[str, int]
    parts: Mapping[str, list[int]]  # places of the trajectories; none is empty

    def numbers(self, places: Sequence[int]) -> dict[str, np.ndarray]:
        return {address: values[places] for address, values in self.parameters.items()}


def planned(data: Trajectories, axes: Sequence[np.ndarray], probe: str | None, split: AnySplit | None) -> Plan:
    grid = tuple(len(points) for points in axes)
    asked = probe_on(grid, data, probe)
    times = np.asarray(data.times(asked))
    uniform_interval(times, asked)
    parameters = {a: np.asarray(v, dtype=np.float64) for a, v in data.parameters.items() if np.ndim(v) == 1}
    names = list(data.quantities(asked))

    def first(place: int, field: str) -> np.ndarray:
        return np.asarray(data.read(data.members[place], asked, field, slice(0, 1)), dtype=np.float32)

    orders = {field: order_of(field, (len(times), *first(0, field).shape[1:]), grid, len(times)) for field in names}
    parts = (split or Split()).assign(identities(data), data.parameters)
    return Plan(asked, grid, times, parameters, orders, {part: places for part, places in parts.items() if places})


def finite(data: Trajectories, member: int, probe: str, field: str) -> np.ndarray:
    """All frames of a field, float32."""
    frames = np.asarray(data.read(member, probe, field), dtype=np.float32)
    if not np.isfinite(frames).all():
        raise EngineError(f"{field} of member {member} has values that are not finite. Leave it out or make it anew.")
    return frames


def write_statistics(root: Path, found: Mapping[str, Statistic]) -> None:
    write_text(root / "stats.yaml", yaml({field: statistic.table() for field, statistic in found.items()}))


def order_of(field: str, shape: tuple[int, ...], grid: tuple[int, ...], frames: int) -> int:
    tail, dim = shape[1 + len(grid) :], len(grid)
    if shape[: 1 + len(grid)] == (frames, *grid) and tail in ((), (dim,), (dim * dim,), (dim, dim)):
        return 2 if len(tail) == 2 or (tail == (dim * dim,) and dim > 1) else len(tail)
    raise EngineError(
        f"{field} has shape {shape} a trajectory; with the axes given it must be {(frames, *grid)}, and for "
        f"vectors and tensors one more axis of {dim} or {dim * dim} components."
    )


def head(
    file: h5py.File,
    name: str,
    axes: Sequence[np.ndarray],
    periodic: Sequence[bool],
    times: np.ndarray,
    parameters: Mapping[str, np.ndarray],
    count: int,
) -> None:
    spatial = list("xyz"[: len(axes)])
    about = {"dataset_name": name, "grid_type": "cartesian", "n_spatial_dims": len(axes), "n_trajectories": count}
    file.attrs.update(about | {"simulation_parameters": list(parameters) or NO_NAMES})
    dimensions, scalars, sides = (file.create_group(g) for g in ("dimensions", "scalars", "boundary_conditions"))
    dimensions.attrs["spatial_dims"] = spatial
    for axis, values in zip(("time", *spatial), (times, *axes), strict=True):
        vary(dimensions.create_dataset(axis, data=np.asarray(values, dtype=np.float32)), False, False)
    scalars.attrs["field_names"] = list(parameters) or NO_NAMES
    for address, values in parameters.items():
        file.attrs[address] = values.mean()
        vary(scalars.create_dataset(address, data=values.astype(np.float32)), True, False)
    for axis, points, wraps in zip(spatial, axes, periodic, strict=True):
        kind = "PERIODIC" if wraps else "WALL"
        side = sides.create_group(f"{axis}_{kind.lower()}")
        side.attrs.update({"bc_type": kind, "associated_dims": [axis], "associated_fields": NO_NAMES})
        vary(side, False, False)
        mask = np.zeros(len(points), dtype=bool)
        mask[[0, -1]] = True
        side["mask"] = mask
    for order in range(3):
        file.create_group(f"t{order}_fields").attrs["field_names"] = NO_NAMES


def vary(held: h5py.Group | h5py.Dataset, by_sample: bool, by_time: bool) -> None:
    held.attrs["sample_varying"], held.attrs["time_varying"] = by_sample, by_time


def make_room(file: h5py.File, field: str, order: int, shape: tuple[int, ...]) -> h5py.Dataset:
    """A chunk a frame, so that a frame is read alone."""
    whole = (*shape, *[len(shape) - 2] * order)
    data = file[f"t{order}_fields"].create_dataset(field, whole, np.float32, chunks=(1, 1, *whole[2:]))
    list_field(data, field, order, len(shape) - 2)
    return data


def list_field(data: h5py.Dataset, field: str, order: int, dim: int) -> None:
    """Tells of a dataset with all trajectories and frames what loaders ask for."""
    vary(data, True, True)
    data.attrs["dim_varying"] = np.ones(dim, dtype=bool)
    if order == 2:
        data.attrs["symmetric"], data.attrs["antisymmetric"] = False, False
    group = data.parent
    names = [name.decode() if isinstance(name, bytes) else name for name in group.attrs["field_names"]]
    group.attrs["field_names"] = [*names, field]


class Statistic:
    """Of one field: mean, std and rms of its values, and of their change from one frame to the next."""

    def __init__(self, grid: tuple[int, ...], order: int):
        self.shape, width = (len(grid),) * order, len(grid) ** order
        self.values, self.changes = Moments(width), Moments(width)

    def add(self, frames: np.ndarray) -> None:
        flat = frames.reshape(len(frames), -1, len(self.values.mean)).astype(np.float64)
        self.values.add(flat)
        self.changes.add(np.diff(flat, axis=0))

    def table(self) -> dict[str, Any]:
        found = {}
        for moments, end in ((self.values, ""), (self.changes, "_delta")):
            variance = moments.square / moments.count
            rms = np.sqrt(variance + moments.mean**2)
            for key, numbers in (("mean", moments.mean), ("std", np.sqrt(variance)), ("rms", rms)):
                found[key + end] = numbers.reshape(self.shape).tolist()
        return found


def yaml(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Maps of maps of numbers and lists of them, as The Well's stats.yaml has them: by statistic, then by field."""
    lines = []
    for key in ("mean", "std", "rms", "mean_delta", "std_delta", "rms_delta"):
        lines += [f"{key}:", *(f"  {json.dumps(field)}: {json.dumps(table[key])}" for field, table in tables.items())]
    return "\n".join(lines) + "\n"
