"""Reading a dataset: any frame of any member, without opening its file again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from scenegrad.engine.dataset_folder import DatasetFolder, identity_hash
from scenegrad.engine.errors import FileError
from scenegrad.engine.files.column import Column
from scenegrad.engine.files.frames import OURS, read_columns
from scenegrad.engine.files.open_files import OpenFiles
from scenegrad.engine.reductions import Reduction

__all__ = ["Dataset", "Trajectory", "open_dataset"]


@dataclass(frozen=True)
class Trajectory(Mapping[str, np.ndarray]):
    """One output of one member: `trajectory["vorticity"]` is the array [frame, ...], read when it is asked for."""

    data: Dataset
    member: int
    probe: str

    @property
    def time(self) -> np.ndarray:
        return self.data.times(self.probe)

    def __getitem__(self, quantity: str) -> np.ndarray:
        return self.data.read(self.member, self.probe, quantity)

    def __iter__(self) -> Iterator[str]:
        return iter(self.data.quantities(self.probe))

    def __len__(self) -> int:
        return len(self.data.quantities(self.probe))


class Dataset:
    """The members of an ensemble that came through, and what is known of the others."""

    def __init__(self, path: str | Path):
        self.folder = DatasetFolder(Path(path))
        self.manifest = self.folder.read()
        self.status: list[str] = self.folder.status(self.manifest["n"])
        self.handles = OpenFiles()

    @property
    def path(self) -> Path:
        return self.folder.path

    @property
    def members(self) -> list[int]:
        """Those that came through."""
        return self.with_status("ok")

    @property
    def missing(self) -> list[int]:
        return self.with_status("missing")

    @property
    def damaged(self) -> list[int]:
        """Those whose shards are cut off: generate makes them again."""
        return self.with_status("damaged")

    @property
    def diverged(self) -> list[int]:
        return self.with_status("diverged")

    @property
    def failed(self) -> list[int]:
        return self.with_status("failed")

    def with_status(self, status: str) -> list[int]:
        return [i for i, found in enumerate(self.status) if found == status]

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        others = {s: len(self.with_status(s)) for s in ("diverged", "failed", "damaged", "missing")}
        lost = "".join(f", {n} {s}" for s, n in others.items() if n)
        outputs = ", ".join(self.probes) if self.members else "nothing yet"
        return f"Dataset({self.path}: {len(self)} of {len(self.status)} members{lost}; {outputs})"

    @property
    def hash(self) -> str:
        """Of all that the bytes of a member depend on: scene, seed, sampler, precision, kind of device."""
        return identity_hash(self.manifest["identity"])

    @property
    def seconds(self) -> float | None:
        """Wall time of all its simulations, summed over processes, failed attempts included; None where no record is
        kept of it."""
        return self.manifest.get("seconds")

    @property
    def scene_table(self) -> dict[str, Any]:
        """The scene with its distributions, as plain tables."""
        return self.manifest["scene"]

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """What was drawn, by address: one value for each of `members`."""
        return {address: np.asarray(values)[self.members] for address, values in self.manifest["parameters"].items()}

    @cached_property
    def tables(self) -> dict[str, tuple[dict[str, Column], np.ndarray, str]]:
        """(columns, times, kind) of each probe, from the first member."""
        if not self.members:
            raise FileError(f"{self.path} has no finished member yet: {self!r}. Run generate again to make them.")
        tracks = self.file(self.members[0])[f"{OURS}/probes"]
        return {n: (read_columns(t), np.asarray(t["time"]), str(t.attrs["kind"])) for n, t in tracks.items()}

    @property
    def probes(self) -> list[str]:
        """Names of the outputs of the scene."""
        if not self.members:
            return []
        return list(self.tables)

    def quantities(self, probe: str) -> dict[str, Column]:
        """What an output recorded: shape of a frame and unit of each."""
        return self.table(probe)[0]

    def times(self, probe: str) -> np.ndarray:
        """Of the frames [frame], float64."""
        return self.table(probe)[1]

    def table(self, probe: str) -> tuple[dict[str, Column], np.ndarray, str]:
        if probe not in self.tables:
            raise KeyError(f"{self.path} has no output {probe!r}; it has {', '.join(self.tables)}")
        return self.tables[probe]

    def kind(self, probe: str) -> str:
        """What an output is: "grid", "points", "atoms" or "series"."""
        return self.table(probe)[2]

    def read(self, member: int, probe: str, quantity: str, frames: slice = slice(None)) -> np.ndarray:
        """Some frames of one quantity [frame, ...]."""
        columns, times, _ = self.table(probe)
        if quantity not in columns:
            raise KeyError(f"{probe} has no {quantity!r}; it recorded {', '.join(columns)}")
        start, stop, stride = frames.indices(len(times))
        if stride < 0:
            return self.read(member, probe, quantity)[frames]
        column = columns[quantity]
        self.file(member)
        shard = self.folder.shard(member)
        try:
            return column.read(self.handles.dataset(shard, column.path), start, max(start, stop), stride)
        except (OSError, KeyError) as error:
            raise FileError(
                f"Frames of {probe}.{quantity} in {shard}, member {member}, cannot be read: the file is damaged "
                f"({error}). Remove it and run generate again, which makes this member once more."
            ) from error

    def trajectory(self, member: int, probe: str) -> Trajectory:
        """One output of one member."""
        self.table(probe)
        return Trajectory(self, member, probe)

    @property
    def outcomes(self) -> list[str]:
        """Names of the numbers that were recorded of each member: "final cost.misfit"."""
        return list(self.file(self.members[0]).get(f"{OURS}/outcomes", {})) if self.members else []

    def outcome(self, number: Reduction | str) -> np.ndarray:
        """One such number for each of `members`."""
        name = number if isinstance(number, str) else number.name
        return self.noted(f"outcomes/{name}", f"{name!r}", ", ".join(self.outcomes))

    def gradient_addresses(self, number: Reduction | str) -> list[str]:
        """By what a number was differentiated."""
        name = number if isinstance(number, str) else number.name
        return list(self.file(self.members[0]).get(f"{OURS}/gradients/{name}", {})) if self.members else []

    def gradients(self, number: Reduction | str, address: str) -> np.ndarray:
        """d(number)/d(parameter), one for each of `members`. number: Final("cost.misfit"), or its name; that of an
        Average is the name of the series, "energy.kinetic"."""
        name = number if isinstance(number, str) else number.name
        group = self.file(self.members[0]).get(f"{OURS}/gradients", {}) if self.members else {}
        known = ", ".join(f"{o} by {a}" for o, found in group.items() for a in found)
        return self.noted(f"gradients/{name}/{address}", f"gradient of {name!r} by {address!r}", known)

    def noted(self, path: str, what: str, known: str) -> np.ndarray:
        whole = f"{OURS}/{path}"
        if any(whole not in self.file(i) for i in self.members):
            raise KeyError(f"{self.path} holds no {what}; it holds {known or 'none'}")
        return np.stack([np.asarray(self.file(i)[whole]) for i in self.members])

    def adjoint(self, member: int, probe: str, path: str) -> np.ndarray:
        """Of the steps between the frames of an output [step, direction, ...]; path: "vorticity/direction",
        "vorticity/bar" or "by/<address>"."""
        whole = f"{OURS}/adjoints/{probe}/{path}"
        if whole not in self.file(member):
            raise KeyError(
                f"{self.path} holds no adjoints {path!r} of {probe!r}. Let generate record them: "
                f"adjoints=Adjoints({probe!r})."
            )
        return np.asarray(self.file(member)[whole])

    @property
    def costs(self) -> dict[str, float]:
        """Seconds of processor time of all members so far: "solve", "gradients" (a simulation with the derivatives),
        "adjoints"."""
        total = dict.fromkeys(("solve", "gradients", "adjoints"), 0.0)
        for line in self.folder.read_costs():
            total |= {name: total[name] + line[name] for name in total}
        return total

    def file(self, member: int) -> h5py.File:
        """The open shard of a member."""
        if not 0 <= member < len(self.status) or self.status[member] != "ok":
            fate = self.status[member] if 0 <= member < len(self.status) else "not part of it"
            cut = f" ({self.folder.shard(member).name} is cut off; generate makes it again)" * (fate == "damaged")
            known = told(self.members)
            raise FileError(f"Member {member} of {self.path} is {fate}{cut}; there are: {known}.")
        try:
            return self.handles.open(self.folder.shard(member))
        except OSError as error:
            raise FileError(
                f"{self.folder.shard(member)} cannot be read ({error}). Remove it and run generate again."
            ) from error

    def close(self) -> None:
        self.handles.close()


def open_dataset(path: str | Path) -> Dataset:
    """The dataset in a folder, finished or not; a FileError where there is none."""
    return Dataset(path)


def told(members: Sequence[int]) -> str:
    """Numbers as one says them: runs of them by their ends."""
    if not members:
        return "none yet"
    starts = [m for n, m in enumerate(members) if n == 0 or m != members[n - 1] + 1]
    ends = [m for n, m in enumerate(members) if n + 1 == len(members) or m != members[n + 1] - 1]
    spans = [f"{a} to {b}" if a < b else str(a) for a, b in zip(starts, ends, strict=True)]
    return ", ".join(spans[:8]) + (f" and others, {len(members)} in all" if len(spans) > 8 else "")
