"""Fields on a grid in the layout of The Well 1.2, which its loaders and others read [its docs/data_format.md].

One trajectory a file. Everything else of ours lies in groups that those readers pass by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import h5py
import numpy as np

from scenegrad.engine.solver import Grid

__all__ = ["begin_well", "well_group"]

AXES = "xyz"
NO_NAMES = np.array([], dtype="S1")


def begin_well(
    file: h5py.File,
    name: str,
    grid: Grid,
    times: Sequence[float],
    parameters: Mapping[str, float],
    length: str,
    time: str,
) -> None:
    """All that can be written before the first frame. name: of the data set; parameters: what this trajectory drew."""
    axes = list(AXES[: len(grid.cells)])
    file.attrs["dataset_name"] = name
    file.attrs["grid_type"] = "cartesian"
    file.attrs["n_spatial_dims"] = len(axes)
    file.attrs["n_trajectories"] = 1
    file.attrs["simulation_parameters"] = list(parameters) or NO_NAMES
    for address, value in parameters.items():
        file.attrs[address] = value
    dimensions = file.create_group("dimensions")
    dimensions.attrs["spatial_dims"] = axes
    points = [o + h * np.arange(n) for o, h, n in zip(grid.origin, grid.spacing, grid.cells, strict=True)]
    for axis, values, unit in (("time", times, time), *((a, p, length) for a, p in zip(axes, points, strict=True))):
        data = dimensions.create_dataset(axis, data=np.asarray(values, dtype=np.float32))
        data.attrs["sample_varying"], data.attrs["time_varying"] = False, False
        data.attrs["units"] = unit
    boundaries(file, grid, axes)
    scalars = file.create_group("scalars")
    scalars.attrs["field_names"] = list(parameters) or NO_NAMES
    for address, value in parameters.items():
        data = scalars.create_dataset(address, data=np.array([value], dtype=np.float32))
        data.attrs["sample_varying"], data.attrs["time_varying"] = True, False
    for order in range(3):
        file.create_group(f"t{order}_fields").attrs["field_names"] = NO_NAMES


def boundaries(file: h5py.File, grid: Grid, axes: Sequence[str]) -> None:
    group = file.create_group("boundary_conditions")
    for axis, cells, periodic in zip(axes, grid.cells, grid.periodic, strict=True):
        kind = "periodic" if periodic else "wall"
        side = group.create_group(f"{axis}_{kind}")
        side.attrs["bc_type"] = kind.upper()
        side.attrs["associated_dims"] = [axis]
        side.attrs["associated_fields"] = NO_NAMES
        side.attrs["sample_varying"], side.attrs["time_varying"] = False, False
        mask = np.zeros(cells, dtype=bool)
        mask[[0, -1]] = True
        side["mask"] = mask


def well_group(file: h5py.File, grid: Grid, key: str, shape: tuple[int, ...], frames: int, dtype: np.dtype) -> str:
    """Makes room for one field; returns its path. shape: of a frame, [*cells], [*cells, dim] or [*cells, dim, dim]."""
    order = len(shape) - len(grid.cells)
    group = file[f"t{order}_fields"]
    data = group.create_dataset(key, (1, frames, *shape), dtype, chunks=(1, 1, *shape), fletcher32=True)
    data.attrs["sample_varying"], data.attrs["time_varying"] = True, True
    data.attrs["dim_varying"] = np.ones(len(grid.cells), dtype=bool)
    if order == 2:
        data.attrs["symmetric"], data.attrs["antisymmetric"] = False, False
    names = [name.decode() if isinstance(name, bytes) else name for name in group.attrs["field_names"]]
    group.attrs["field_names"] = [*names, key]
    return f"{group.name}/{key}".lstrip("/")
