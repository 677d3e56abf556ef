"""A few numbers a frame: one group a probe, all in the file series.h5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import h5py
import numpy as np

from scenegrad.engine.files.column import Column
from scenegrad.engine.solver import Series

__all__ = ["SeriesFrames"]


@dataclass(frozen=True)
class SeriesFrames:
    """Group /<probe> with `time`, one dataset a quantity [frame, ...], and the axes that stand still as coordinates."""

    name: str
    layout: Series
    units: Mapping[str, str]
    folder: str = ""
    member = 0
    kind = "series"

    @property
    def file_name(self) -> str:
        return "series.h5"

    @property
    def root(self) -> str:
        return f"{self.folder}/{self.name}".strip("/")

    def columns(self, frame: Mapping[str, np.ndarray]) -> dict[str, Column]:
        return {key: Column(f"{self.root}/{key}", value.shape, self.units.get(key, "")) for key, value in frame.items()}

    def begin(self, file: h5py.File, columns: Mapping[str, Column]) -> None:
        for key, values in self.layout.coordinates.items():
            data = file.create_dataset(f"{self.root}/coordinates/{key}", data=values.detach().cpu().numpy())
            data.attrs["units"] = self.units.get(key, "")

    def seal(self, file: h5py.File, columns: Mapping[str, Column], track: h5py.Group) -> None:
        file[self.root].pop("time", None)
        file[self.root]["time"] = track["time"]
