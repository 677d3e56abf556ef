"""HDF5 files of a run, finished or still being written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.files.guarded import guarded, open_file
from scenegrad.view.errors import ViewError
from scenegrad.view.setting import Setting, setting_of

if TYPE_CHECKING:
    import h5py

__all__ = ["attribute", "committed_times", "open_hdf5", "setting_in", "unit_of"]

OURS = "scenegrad"  # the group in which a run says what made the file, and how many of its frames count


def open_hdf5(path: Path) -> h5py.File:
    """The file, readable while another process still writes it, or this one."""
    try:
        return guarded(open_file(path))
    except OSError as error:
        raise ViewError(
            f"{path} cannot be read as HDF5: {error}. If its run was killed before the first frame was complete, there "
            "is nothing in it yet; run again with the same output folder to go on."
        ) from None


def attribute(node: Any, name: str, default: Any = "") -> Any:
    """An attribute, with bytes as text."""
    value = node.attrs.get(name, default)
    return value.decode() if isinstance(value, bytes) else value


def unit_of(node: Any) -> str:
    """The unit of a dataset; empty where none is written."""
    return str(attribute(node, "units") or attribute(node, "unit"))


def committed_times(file: h5py.File, name: str, otherwise: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Times of the frames that are complete: those the writer has vouched for, not all that happen to be in the file.

    otherwise: the times as other programs write them, for a file that no run of ours made."""
    tracks = file.get(f"{OURS}/probes")
    track = tracks.get(name.removesuffix(".part")) or next(iter(tracks.values()), None) if tracks else None
    times = otherwise if track is None else np.asarray(track["time"][: int(track.attrs["frames"])], dtype=np.float64)
    if times is None or not len(times):
        raise ViewError(f"{file.filename} holds no complete frame yet; try again when the run has written its first.")
    return times


def setting_in(file: h5py.File) -> Setting:
    """What the scene in the file tells, with the unit of time that the frames were written in."""
    group = file.get(OURS)
    if group is None:
        return Setting()
    setting = setting_of(attribute(group, "scene", None))
    track = next(iter(group.get("probes", {}).values()), None)
    unit = attribute(track["time"], "units") if track is not None else ""
    return replace(setting, time_unit=unit) if unit else setting
