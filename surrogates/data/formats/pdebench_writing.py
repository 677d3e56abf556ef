"""Trajectories and pairs written as PDEBench has them, so that its loaders read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from scenegrad.engine.errors import EngineError
from scenegrad.engine.files.atomic import appearing
from scenegrad.surrogates.data.formats.pdebench import AXES, GAS
from scenegrad.surrogates.data.formats.probes import probe_on
from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.data.trajectories import Trajectories

__all__ = ["write_pdebench"]


def write_pdebench(
    data: Trajectories | Pairs, path: str | Path, *, axes: Sequence[np.ndarray], probe: str | None = None
) -> Path:
    """One file; its loaders tell the layout by the end of its name. axes: coordinates along each axis [point].

    Pairs of one field, *.hdf5: as Darcy flow. One scalar in one dimension, *.hdf5: "tensor". Density, pressure and Vx
    ..., *.hdf5: compressible flow. Anything, *.h5: a group for each trajectory, whose fields are channels one after the
    other. An .hdf5 file has room for parameters only where they are the same for all.
    """
    target = Path(path)
    if target.suffix not in (".hdf5", ".h5"):
        raise EngineError(f"{target.name}: PDEBench's loaders ask for names that end in .hdf5 or .h5.")
    if isinstance(data, Pairs):
        with fresh(target, ".hdf5", "pairs") as file:
            write_pairs(file, data, axes)
        return target
    asked = probe_on(tuple(len(points) for points in axes), data, probe)
    fields = list(data.quantities(asked))
    if target.suffix == ".h5":
        with fresh(target, ".h5", "groups of seeds") as file:
            write_seeds(file, data, asked, fields, axes)
    elif (len(fields) == 1 and len(axes) == 1) or set(fields) == set(GAS[: 2 + len(axes)]):
        with fresh(target, ".hdf5", "fields") as file:
            write_fields(file, data, asked, {f: "tensor" if len(fields) == 1 else f for f in fields}, axes)
    else:
        raise EngineError(
            f"{target.name}: an .hdf5 file has room for one field in one dimension, or for "
            f"{', '.join(GAS[: 2 + len(axes)])}; these are {', '.join(fields)} in {len(axes)} dimensions. Write them "
            f"to a name that ends in .h5."
        )
    return target


@contextmanager
def fresh(target: Path, suffix: str, what: str) -> Iterator[h5py.File]:
    """A file that gets its name when it is whole."""
    if target.suffix != suffix:
        raise EngineError(f"{target.name}: {what} go to a name that ends in {suffix}.")
    with appearing(target) as unfinished, h5py.File(unfinished, "w") as file:
        yield file


def write_pairs(file: h5py.File, pairs: Pairs, axes: Sequence[np.ndarray]) -> None:
    if len(pairs.x) != 1 or len(pairs.y) != 1:
        raise EngineError(
            f"PDEBench's pairs are one field in and one out; these are {', '.join(pairs.x)} and {', '.join(pairs.y)}."
        )
    (x,), (y,) = pairs.x.values(), pairs.y.values()
    check_grid(np.shape(x)[1:], axes, "in")
    check_grid(np.shape(y)[1:], axes, "out")
    file["nu"] = np.asarray(x, dtype=np.float32)
    file["tensor"] = np.asarray(y, dtype=np.float32)[:, None]
    coordinates(file, axes)
    file.attrs.update(shared(pairs.parameters))


def write_fields(
    file: h5py.File, data: Trajectories, probe: str, keys: Mapping[str, str], axes: Sequence[np.ndarray]
) -> None:
    times = np.asarray(data.times(probe))
    grid = tuple(len(points) for points in axes)
    for field, key in keys.items():
        room = file.create_dataset(key, (len(data.members), len(times), *grid), np.float32, chunks=(1, 1, *grid))
        for row, member in enumerate(data.members):
            room[row] = checked(data, member, probe, field, axes)
    coordinates(file, axes)
    file["t-coordinate"] = times.astype(np.float32)
    file.attrs.update(shared(data.parameters))


def write_seeds(
    file: h5py.File, data: Trajectories, probe: str, fields: Sequence[str], axes: Sequence[np.ndarray]
) -> None:
    rank = 1 + len(axes)
    for row, member in enumerate(data.members):
        found = [checked(data, member, probe, field, axes) for field in fields]
        group = file.create_group(f"{row:04d}")
        group["data"] = np.concatenate([f if f.ndim > rank else f[..., None] for f in found], axis=-1)
        for axis, points in zip(AXES, axes, strict=False):
            group[f"grid/{axis}"] = np.asarray(points, dtype=np.float32)
        group["grid/t"] = np.asarray(data.times(probe), dtype=np.float32)
        numbers = {a: float(np.asarray(v)[row]) for a, v in data.parameters.items() if np.ndim(v) == 1}
        group.attrs["config"] = "".join(f"{address}: {value!r}\n" for address, value in numbers.items())


def checked(data: Trajectories, member: int, probe: str, field: str, axes: Sequence[np.ndarray]) -> np.ndarray:
    found = np.asarray(data.read(member, probe, field), dtype=np.float32)
    if not np.isfinite(found).all():
        raise EngineError(f"{field} of member {member} has values that are not finite. Leave it out or make it anew.")
    check_grid(found.shape[1 : 1 + len(axes)], axes, field)
    return found


def check_grid(found: tuple[int, ...], axes: Sequence[np.ndarray], what: str) -> None:
    if found != (grid := tuple(len(points) for points in axes)):
        raise EngineError(f"{what} has {found} points, and the axes given have {grid}.")


def coordinates(file: h5py.File, axes: Sequence[np.ndarray]) -> None:
    for axis, points in zip(AXES, axes, strict=False):
        file[f"{axis}-coordinate"] = np.asarray(points, dtype=np.float32)


def shared(parameters: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Numbers that are the same for all."""
    table = {name: np.asarray(values) for name, values in parameters.items() if np.ndim(values) == 1}
    if varied := [name for name, values in table.items() if np.ptp(values) > 0]:
        raise EngineError(
            f"An .hdf5 file of PDEBench has one value of a parameter for all; {', '.join(varied)} varies. Write "
            f"trajectories to a name that ends in .h5, which tells it of each, or one file for each value."
        )
    return {name: float(values[0]) for name, values in table.items()}
