"""One member of an ensemble in one file, which appears under its name when it is whole and holds no trace of when,
where or beside which others it was made: the same member is the same bytes."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from scenegrad.engine.files.column import Column
from scenegrad.engine.files.disk import Growth, disk_errors, need_room
from scenegrad.engine.files.formats import format_of
from scenegrad.engine.files.frames import OURS, write_provenance
from scenegrad.engine.files.h5md import place_of, write_atoms_header, write_edges
from scenegrad.engine.files.layouts import keep_layout
from scenegrad.engine.files.vtkhdf import one_member
from scenegrad.engine.files.well import begin_well, well_group
from scenegrad.engine.solver import Atoms, Grid, Points, Probe, Series
from scenegrad.system import publish

__all__ = ["Shard"]


class Shard:
    """Written frame by frame. The first grid of the scene has The Well's layout; particles lie in /particles as H5MD
    has them, series and further grids in our own group."""

    def __init__(
        self,
        path: Path,
        probes: Sequence[Probe],
        times: Sequence[Sequence[float]],
        member: int,
        provenance: Mapping[str, Any],
        parameters: Mapping[str, float],
        time_unit: str,
    ):
        """times: of the frames of each probe. member: its place in the batch. parameters: what it drew, by address."""
        self.path, self.probes, self.times, self.member = path, probes, times, member
        self.parameters, self.time_unit = parameters, time_unit
        self.part = path.with_name(f"{path.stem}.{platform.node()}-{os.getpid()}.part{path.suffix}")
        self.grid = next((n for n, probe in enumerate(probes) if isinstance(probe.layout, Grid)), None)
        self.columns: dict[int, dict[str, Column]] = {}
        self.frames = [0] * len(probes)
        with disk_errors(path, 0):
            need_room(path, 0, f"The head of {path.name}")
            self.file = h5py.File(self.part, "w", locking=False)
            write_provenance(self.file, provenance)
            self.file[OURS].create_group("parameters").attrs.update(parameters)
            if self.grid is not None:
                self.begin_grid(str(provenance.get("name", "scenegrad")))
        self.growth = Growth(self.part)

    def begin_grid(self, name: str) -> None:
        assert self.grid is not None
        probe, times = self.probes[self.grid], self.times[self.grid]
        assert isinstance(probe.layout, Grid)
        length = probe.units.get("position", "")
        begin_well(self.file, name, probe.layout, times, self.parameters, length, self.time_unit)

    def append(self, index: int, step: int, values: Mapping[str, np.ndarray]) -> None:
        """The next frame of one probe."""
        size = sum(value.nbytes for value in values.values())
        if index not in self.columns and isinstance(self.probes[index].layout, Series):
            size *= max(len(self.times[index]), 1)  # they lie in one piece, which is taken at once
        need_room(self.path, size, f"Frame {self.frames[index]} of {self.probes[index].name} in {self.path.name}")
        with disk_errors(self.path, size):
            self.growth.ask(size)
            if index not in self.columns:
                self.begin(index, values)
            frame = self.frames[index]
            for key, column in self.columns[index].items():
                place = (0, frame) if column.sampled else (frame,)
                self.file[column.path][place] = values[key]
            self.file[f"{OURS}/probes/{self.probes[index].name}/step"][frame] = step
        self.frames[index] += 1

    def begin(self, index: int, values: Mapping[str, np.ndarray]) -> None:
        probe, times = self.probes[index], np.asarray(self.times[index])
        track = self.file.create_group(f"{OURS}/probes/{probe.name}")
        track["time"], track["step"] = times, np.zeros(len(times), dtype=np.int64)
        track["time"].attrs["units"] = self.time_unit
        columns = {key: self.column(index, key, value, len(times)) for key, value in values.items()}
        for column in columns.values():
            self.file[column.path].attrs["units"] = column.unit
        self.fixed(probe, track)
        keep_layout(track, probe.layout, self.member, nodes=True)
        track.attrs["kind"], track.attrs["frames"] = format_of(probe).kind, len(times)
        track.attrs["columns"] = json.dumps({key: column.table() for key, column in columns.items()})
        self.columns[index] = columns

    def column(self, index: int, key: str, value: np.ndarray, frames: int) -> Column:
        probe, layout = self.probes[index], self.probes[index].layout
        unit = probe.units.get(key, "")
        if index == self.grid and isinstance(layout, Grid) and value.ndim - len(layout.cells) <= 2:
            path = well_group(self.file, layout, key, value.shape, frames, value.dtype)
            return Column(path, value.shape, unit, sampled=True)
        chunk: tuple[int, ...] | None = (1, *value.shape) if value.size else None
        if isinstance(layout, Atoms | Points):
            path = f"particles/{probe.name}/{place_of(key)}/value"
        else:
            path = f"{OURS}/{'grids' if isinstance(layout, Grid) else 'series'}/{probe.name}/{key}"
            chunk = chunk if isinstance(layout, Grid) else None
        self.file.create_dataset(path, (frames, *value.shape), value.dtype, chunks=chunk, fletcher32=chunk is not None)
        return Column(path, value.shape, unit)

    def fixed(self, probe: Probe, track: h5py.Group) -> None:
        """What does not change in time."""
        layout = probe.layout
        if isinstance(layout, Series):
            group = self.file[f"{OURS}/series/{probe.name}"]
            group["time"] = track["time"]
            for key, values in layout.coordinates.items():
                group[f"coordinates/{key}"] = values.detach().cpu().numpy()
        elif isinstance(layout, Atoms | Points):
            group = self.file[f"particles/{probe.name}"]
            moving = [element for element in group.values() if "value" in element]
            if isinstance(layout, Atoms):
                write_atoms_header(group, layout)
                if "edges" not in group["box"]:
                    edges = group["box"].create_group("edges")
                    write_edges(edges, layout, self.member, len(track["time"]), probe.units.get("position", ""))
                moving.append(group["box/edges"])
            else:
                count = group["position/value"].shape[1]
                for key, label in layout.labels.items():
                    group[key] = one_member(label, self.member, count)
            for element in moving:
                element["step"], element["time"] = track["step"], track["time"]

    def note(self, path: str, values: np.ndarray) -> None:
        """Something besides, in our own group."""
        self.file[f"{OURS}/{path}"] = values

    def seal(self) -> None:
        with disk_errors(self.path, 0):
            self.file.close()
            publish(self.part, self.path)

    def abandon(self) -> None:
        """Leaves nothing behind."""
        with suppress(OSError, RuntimeError):
            self.file.close()
        self.part.unlink(missing_ok=True)
