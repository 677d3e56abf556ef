"""Trajectories of others written down as a dataset of ours, member by member."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scenegrad import __version__
from scenegrad.engine.dataset import Dataset
from scenegrad.engine.dataset_folder import DatasetFolder
from scenegrad.engine.errors import EngineError
from scenegrad.engine.files.disk import need_room
from scenegrad.engine.files.shard import Shard
from scenegrad.engine.solver import Grid, Layout, Probe

__all__ = ["Foreign", "store", "unit_grid"]


@dataclass(frozen=True)
class Foreign:
    """What a file of others holds. count: of its trajectories; frames: all of one of them, by the name of the quantity
    [frame, ...]; layout: where its samples are; parameters: by name, one number for each trajectory. hash: of it all.
    parts: places of the trajectories that its own folders keep from training, by the name of the part."""

    kind: str
    source: Path
    times: np.ndarray
    count: int
    frames: Callable[[int], Mapping[str, np.ndarray]]
    layout: Callable[[int], Layout]
    parameters: Mapping[str, np.ndarray]
    hash: str
    parts: Mapping[str, Sequence[int]] = field(default_factory=dict)
    output: str = "fields"


def store(foreign: Foreign, folder: Path) -> Dataset:
    """Writes each trajectory into a shard; goes on where an earlier import stopped, and refuses another's folder."""
    there, name = DatasetFolder(folder), foreign.source.stem
    layout = foreign.layout(0)
    size = [c * h for c, h in zip(layout.cells, layout.spacing, strict=True)] if isinstance(layout, Grid) else []
    numbers = {address: np.asarray(values, dtype=np.float64) for address, values in foreign.parameters.items()}
    identity = {
        "imported": foreign.kind, "source": foreign.source.name, "scene": foreign.hash, "seed": 0, "sampler": "file",
        "dtype": "float32", "device": "cpu", "gradients": [],
    }  # fmt: skip
    about = {
        "identity": identity,
        "name": name,
        "scene": {"name": name, **({"domain": {"size": size}} if size else {})},
        "n": foreign.count,
        "parameters": {address: values.tolist() for address, values in numbers.items()},
        "parts": {part: list(places) for part, places in foreign.parts.items()},
        "method": f"imported from {foreign.kind}",
        "device": "none",
        "threads": 1,
        "version": __version__,
        "source": str(foreign.source.absolute()),
    }
    there.write(about)
    status = there.status(foreign.count)
    provenance = {"version": __version__, "imported": foreign.kind, "source": foreign.source.name, "name": name}
    for member in (i for i, found in enumerate(status) if found != "ok"):
        frames = {key: np.asarray(values, dtype=np.float32) for key, values in foreign.frames(member).items()}
        refuse_odd(foreign, member, frames, foreign.layout(member))
        need_room(folder, sum(values.nbytes for values in frames.values()), f"Member {member} of {name}")
        drawn = {address: float(values[member]) for address, values in numbers.items()}
        probe: Probe[Any] = Probe(foreign.output, 0.0, lambda state, params: {}, foreign.layout(member))
        told = {**provenance, "member": member}
        shard = Shard(there.shard(member), [probe], [foreign.times.tolist()], 0, told, drawn, "")
        try:
            for n in range(len(foreign.times)):
                shard.append(0, n, {key: values[n] for key, values in frames.items()})
            shard.seal()
        except BaseException:
            shard.abandon()
            raise
    there.write(about)
    return Dataset(folder)


def refuse_odd(foreign: Foreign, member: int, frames: Mapping[str, np.ndarray], layout: Layout) -> None:
    for key, values in frames.items():
        if len(values) != len(foreign.times):
            raise EngineError(
                f"{key} of trajectory {member} of {foreign.source} has {len(values)} frames, and there are "
                f"{len(foreign.times)} times. A dataset has as many frames of each member."
            )
        if isinstance(layout, Grid) and values.shape[1 : 1 + len(layout.cells)] != layout.cells:
            raise EngineError(
                f"{key} of trajectory {member} of {foreign.source} lies on {values.shape[1:]} points, and the grid has "
                f"{layout.cells}. The fields of an output share a grid."
            )


def unit_grid(cells: Sequence[int]) -> Grid:
    """A box of size 1, for files that tell of no other."""
    whole = tuple(int(n) for n in cells)
    return Grid(whole, tuple(1.0 / n for n in whole), (0.0,) * len(whole), (False,) * len(whole))
