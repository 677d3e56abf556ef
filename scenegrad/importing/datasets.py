"""Data sets of others: which file is which, and what trajectories it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from scenegrad.engine.errors import EngineError, FileError
from scenegrad.engine.files.guarded import open_guarded
from scenegrad.engine.solver import Grid, Points
from scenegrad.importing.kind import Imported, Kind
from scenegrad.importing.storing import Foreign, store, unit_grid
from scenegrad.surrogates.data.formats.gns import read_gns
from scenegrad.surrogates.data.formats.neuraloperator import read_neuraloperator
from scenegrad.surrogates.data.formats.pdebench import PROBE, PDEBench, read_pdebench
from scenegrad.surrogates.data.formats.the_well import TheWell
from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.data.split import fingerprint

__all__ = ["DATASETS"]

HDF5 = (".h5", ".hdf5")
FEW = 8  # channels; a second axis of a .pt file that is as short as this, and shorter than those after it, counts them


def is_well(path: Path) -> bool:
    if path.is_dir():
        folders = [path, *(path / "data" / part for part in ("train", "valid", "test"))]
        return any(in_their_layout(file) for folder in folders for file in sorted(folder.glob("*"))[:1])
    return in_their_layout(path) and not holds(path, lambda file: "scenegrad" in file)  # a shard of ours is ours


def in_their_layout(path: Path) -> bool:
    return holds(path, lambda file: "t0_fields" in file and "dimensions" in file)


def is_pdebench(path: Path) -> bool:
    def one(file: h5py.File) -> bool:
        seeds = [name for name in file if name.isdigit()]
        return bool(seeds) or "tensor" in file or {"density", "pressure"} <= set(file) or {"velocity", "t"} <= set(file)

    return holds(path, one)


def holds(path: Path, asked: Any) -> bool:
    if path.suffix not in HDF5 or not path.is_file():
        return False
    try:
        with open_guarded(path) as file:
            return bool(asked(file))
    except OSError:
        return False


def take_well(path: Path, out: Path | None) -> Imported:
    well = TheWell(path)
    grid = grid_on(well.axes, well.grid, well.periodic)
    tensors = {name for name, field in well.fields.items() if field.order == 2}
    dim = len(grid.cells)

    def frames(row: int) -> Mapping[str, np.ndarray]:
        read = {name: well.read(row, "fields", name) for name in well.fields}
        return {n: v.reshape(*v.shape[:-1], dim, dim) if n in tensors else v for n, v in read.items()}

    split = well.split
    parts = {part: places for part, places in (("validation", split.validation), ("test", split.test)) if places}
    times, count = well.times("fields"), len(well.members)
    return stored(
        Foreign("well", path, times, count, frames, lambda row: grid, well.parameters, well.hash, parts), out
    )  # fmt: skip


def take_pdebench(path: Path, out: Path | None) -> Imported:
    data = read_pdebench(path)
    if isinstance(data, Pairs):
        with open_guarded(path) as file:
            axes = tuple(np.asarray(file[f"{a}-coordinate"]) for a in "xyz" if f"{a}-coordinate" in file)
        return take_pairs("pdebench", path, data, axes, out)
    first = {name: data.read(0, PROBE, name, slice(0, 1)) for name in data.quantities(PROBE)}
    dim = dim_of(data, first)
    cells = next(iter(first.values())).shape[1 : 1 + dim]
    grid = grid_on(data.axes, cells, (False,) * dim)

    def frames(row: int) -> Mapping[str, np.ndarray]:
        return apart({name: data.read(row, PROBE, name) for name in first}, dim)

    count, layout = len(data.members), lambda row: grid
    return stored(Foreign("pdebench", path, data.times(PROBE), count, frames, layout, data.parameters, data.hash), out)


def dim_of(data: PDEBench, first: Mapping[str, np.ndarray]) -> int:
    """How many axes of a field are space; the shortest field has no axis of components."""
    return len(data.axes) or min(array.ndim for array in first.values()) - 1


def take_neuraloperator(path: Path, out: Path | None) -> Imported:
    channels = False
    if path.suffix == ".pt":
        try:
            shape = torch.load(path, map_location="meta", weights_only=True)["x"].shape
            channels = len(shape) > 3 and shape[1] <= FEW and shape[1] < min(shape[2:])
        except Exception:  # the reader tells what is wrong with it
            channels = False
    return take_pairs(
        "neuraloperator", path, read_neuraloperator(path, channels_squeezed=not channels), (), out,
        space=None if not channels else len(shape) - 2,
    )  # fmt: skip


def take_pairs(
    kind: str, path: Path, pairs: Pairs, axes: tuple[np.ndarray, ...], out: Path | None, space: int | None = None
) -> Imported:
    """Members of two equal frames: so the input of a window of one step is x, and its target is y."""
    fields = {**pairs.x, **pairs.y}
    dim = space or min(np.ndim(values) for values in fields.values()) - 1
    grids = {name: np.shape(values)[1 : 1 + dim] for name, values in fields.items()}
    if len(set(grids.values())) > 1:
        raise EngineError(
            f"The pairs of {path} lie on unlike grids: {grids}. A dataset keeps fields of one grid; read them with "
            f"scenegrad.surrogates.read_{kind}, which takes any."
        )
    grid = grid_on(axes, next(iter(grids.values())), (False,) * dim)

    def frames(row: int) -> Mapping[str, np.ndarray]:
        return apart({name: np.stack([np.asarray(values[row])] * 2) for name, values in fields.items()}, dim)

    count = len(next(iter(fields.values())))
    told = fingerprint({name: np.asarray(values) for name, values in (*fields.items(), *pairs.parameters.items())})
    times = np.array([0.0, pairs.dt])
    return stored(Foreign(kind, path, times, count, frames, lambda row: grid, pairs.parameters, told), out)


def take_gns(path: Path, out: Path | None) -> Imported:
    data = read_gns(path)
    if len(counts := sorted({x.shape[:2] for x in data.position})) > 1:
        raise EngineError(
            f"The trajectories of {path} have unlike numbers of frames and particles, from {counts[0]} to "
            f"{counts[-1]}; a dataset has as many in each member. Make them alike in Python: "
            f"scenegrad.surrogates.read_gns({str(path)!r}).thinned({min(x.shape[1] for x in data.position)})."
        )

    def layout(row: int) -> Points:
        return Points({"body": torch.as_tensor(data.kind[row].astype(np.int64))})

    def frames(row: int) -> Mapping[str, np.ndarray]:
        return {"position": data.position[row]}

    times, count = data.times("particles"), len(data.position)
    return stored(
        Foreign("gns", path, times, count, frames, layout, data.parameters, data.hash, output="particles"), out
    )


def grid_on(axes: tuple[np.ndarray, ...], cells: tuple[int, ...], periodic: tuple[bool, ...]) -> Grid:
    """By its coordinates; the unit box where the file tells none of this grid."""
    if tuple(len(points) for points in axes) != tuple(cells):
        return unit_grid(cells)
    points = [np.asarray(p, dtype=np.float64) for p in axes]
    for axis, p in zip("xyz", points, strict=False):
        steps = np.diff(p)
        if len(steps) and np.ptp(steps) > 1e-3 * abs(steps.mean()):
            raise FileError(f"The points along {axis} are not evenly spaced; a dataset of ours keeps uniform grids.")
    spacing = tuple(float(p[-1] - p[0]) / (len(p) - 1) if len(p) > 1 else 1.0 for p in points)
    return Grid(tuple(int(n) for n in cells), spacing, tuple(float(p[0]) for p in points), periodic)


def apart(fields: Mapping[str, np.ndarray], dim: int) -> dict[str, np.ndarray]:
    """Channels that are no vector of the space become fields of their own, u0, u1, ..."""
    found: dict[str, np.ndarray] = {}
    for name, values in fields.items():
        if values.ndim == 1 + dim or values.shape[-1] == dim:
            found[name] = values
        elif values.shape[-1] == 1:
            found[name] = values[..., 0]
        else:
            found |= {f"{name}{channel}": values[..., channel] for channel in range(values.shape[-1])}
    return found


def stored(foreign: Foreign, out: Path | None) -> Imported:
    folder = out if out is not None else Path("data") / foreign.source.stem
    made = store(foreign, folder)
    fields = list(made.quantities(foreign.output))
    told = {"folder": str(folder), "members": len(made), "output": foreign.output, "quantities": fields}
    text = f"{made!r}, quantities {', '.join(fields)}\nNext: scenegrad card {folder}"
    return Imported(foreign.kind, (folder,), text, json.loads(json.dumps(told)))


BECOMES = "a dataset, for card, train and evaluate"

DATASETS = (
    Kind("well", "a .hdf5 file of The Well, or the folder of such a data set", BECOMES, is_well, take_well),
    Kind("pdebench", "a .h5 or .hdf5 file of PDEBench", BECOMES, is_pdebench, take_pdebench),
    Kind(
        "neuraloperator", "a .pt file with tensors x and y", f"{BECOMES}; both frames of a member are the same",
        lambda path: path.suffix == ".pt" and path.is_file(), take_neuraloperator,
    ),
    Kind(
        "gns", "a .npz file of Learning to Simulate with metadata.json beside it", BECOMES,
        lambda path: path.suffix == ".npz" and (path.parent / "metadata.json").is_file(), take_gns,
    ),
)  # fmt: skip
