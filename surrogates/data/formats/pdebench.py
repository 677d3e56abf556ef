"""PDEBench's HDF5 files [Takamoto et al. 2022, arXiv:2210.07182]: reading."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.open_files import OpenFiles
from scenegrad.surrogates.data.formats.ends import ends
from scenegrad.surrogates.data.formats.times import straightened
from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.data.split import AnySplit, fingerprint

__all__ = ["GAS", "PDEBench", "read_pdebench"]

PROBE = "fields"
GAS = ("density", "pressure", "Vx", "Vy", "Vz")  # the fields of a compressible flow, one dataset each
AXES = "xyz"


def read_pdebench(path: str | Path, *, channels: Sequence[str] = (), split: AnySplit | None = None) -> PDEBench | Pairs:
    """What a file holds: trajectories, or for Darcy flow pairs of "nu" and "u".

    channels: names of the components of files that have groups of seeds, such as activator, inhibitor, where they are
    to be fields of their own. split: of pairs; that of trajectories is said to Windows.
    """
    data = PDEBench(path, channels)
    if data.layout != "pairs":
        return data
    with data.file as file:
        numbers = {name: np.full(len(file["nu"]), value) for name, value in attributes(file).items()}
        u = np.asarray(file["tensor"])[:, 0]
        return Pairs.from_arrays({"nu": np.asarray(file["nu"])}, {"u": u}, numbers, split=split)


class PDEBench:
    """Trajectories of one file; what it holds tells its layout.

    "tensor" [member, frame, x]: one field "u". Compressible flow: density, pressure, Vx ... [member, frame, *grid].
    Incompressible flow: vectors "velocity" and "force" and the scalar "particles". Groups "0000", "0001" ... of seeds:
    "data" [frame, *grid, channel], the field "u", or fields by the names that `channels` gives. Numbers among the
    attributes, and in the text "config" of a group, are parameters.
    """

    def __init__(self, path: str | Path, channels: Sequence[str] = ()):
        self.path, self.channels = Path(path), tuple(channels)
        self.handles = OpenFiles()
        self.probes = [PROBE]
        self.layout = layout_of(self.path, self.file)
        self.seeds = sorted(name for name in self.file if name.isdigit()) if self.layout == "seeds" else []
        if (
            self.layout == "seeds"
            and channels
            and len(channels) != (found := self.file[self.seeds[0]]["data"].shape[-1])
        ):
            raise FileError(f"{path} has {found} channels, and channels={self.channels} names {len(channels)} of them.")

    @property
    def file(self) -> h5py.File:
        try:
            return self.handles.open(self.path)
        except FileNotFoundError as error:
            raise FileError(f"{self.path} is not there.") from error
        except OSError as error:
            raise FileError(f"{self.path} cannot be read as HDF5 ({error}). Fetch or write it again.") from error

    @cached_property
    def fields(self) -> list[str]:
        if self.layout == "seeds":
            return list(self.channels) or ["u"]
        if self.layout == "tensor":
            return ["u"]
        return [name for name in (*GAS, "velocity", "particles", "force") if name in self.file]

    @property
    def members(self) -> list[int]:
        return list(range(len(self.seeds or self.file["tensor" if self.layout == "tensor" else self.fields[0]])))

    @property
    def axes(self) -> tuple[np.ndarray, ...]:
        """Coordinates along each axis [point]."""
        if self.layout == "seeds":
            return tuple(np.asarray(g) for a, g in sorted(self.file[self.seeds[0]]["grid"].items()) if a in AXES)
        return tuple(np.asarray(self.file[f"{a}-coordinate"]) for a in AXES if f"{a}-coordinate" in self.file)

    def quantities(self, probe: str) -> list[str]:
        return self.fields

    @cached_property
    def frames(self) -> np.ndarray:
        """Times of the frames [frame]; a file may tell the end of the last interval, too."""
        file = self.file
        if self.layout == "seeds":
            group = file[self.seeds[0]]
            return straightened(np.asarray(group["grid/t"])[: group["data"].shape[0]])
        count = file["tensor" if self.layout == "tensor" else self.fields[0]].shape[1]
        times = file["t"][0] if self.layout == "incompressible" else file["t-coordinate"][:]
        return straightened(np.asarray(times)[:count])

    def times(self, probe: str) -> np.ndarray:
        return self.frames

    @cached_property
    def parameters(self) -> dict[str, np.ndarray]:
        if self.layout != "seeds":
            return {name: np.full(len(self.members), value) for name, value in attributes(self.file).items()}
        told = [numbers_in(str(self.file[seed].attrs.get("config", ""))) for seed in self.seeds]
        shared = [name for name in told[0] if all(name in numbers for numbers in told)]
        return {name: np.array([numbers[name] for numbers in told]) for name in shared}

    @property
    def hash(self) -> str:
        """Of shapes, times, parameters, and the ends of the first and the last trajectory: such data may be larger than
        anybody would read for it."""
        shapes = json.dumps([[name, self.read(0, PROBE, name, slice(0, 1)).shape] for name in self.fields])
        told = {"shapes": np.frombuffer(shapes.encode(), np.uint8), "times": self.frames, "n": np.array(self.members)}
        return fingerprint(self.parameters | ends(self) | told)

    def read(self, member: int, probe: str, quantity: str, frames: slice = slice(None)) -> np.ndarray:
        if probe != PROBE or quantity not in self.fields:
            raise KeyError(f"{self.path} has no {probe}/{quantity}; it has {PROBE}: {', '.join(self.fields)}")
        if self.layout == "seeds":
            data = self.file[self.seeds[member]]["data"]
            if self.channels:
                return data[frames, ..., self.channels.index(quantity)]
            found = data[frames]
        elif self.layout == "tensor":
            return self.file["tensor"][member, frames]
        elif quantity == "force":  # the same at all times
            shown = len(self.frames[frames])
            return np.repeat(self.file["force"][member][None], shown, axis=0)
        else:
            found = self.file[quantity][member, frames]
        scalar = found.shape[-1] == 1 and self.layout in ("seeds", "incompressible")
        return found[..., 0] if scalar else found

    def close(self) -> None:
        self.handles.close()


def layout_of(path: Path, file: h5py.File) -> str:
    seeds = [name for name in file if name.isdigit()]
    if seeds and {"data", "grid"} <= set(file[seeds[0]]):
        return "seeds"
    if {"tensor", "nu"} <= set(file) and file["tensor"].ndim == file["nu"].ndim + 1:
        return "pairs"
    if {"tensor", "t-coordinate"} <= set(file) and file["tensor"].ndim == 3:
        return "tensor"
    if {"density", "pressure", "Vx", "t-coordinate"} <= set(file):
        return "gas"
    if {"velocity", "t"} <= set(file):
        return "incompressible"
    found = ", ".join(f"{n} {list(d.shape)}" if isinstance(d, h5py.Dataset) else n for n, d in list(file.items())[:8])
    raise FileError(
        f"{path} holds {found or 'nothing'}; files of PDEBench hold tensor [member, frame, x] with t-coordinate, "
        f"tensor and nu, density, pressure and Vx, velocity and t, or groups 0000, 0001 ... with data and grid."
    )


def attributes(file: h5py.File) -> dict[str, float]:
    """The numbers among the attributes of a file."""
    return {n: float(v) for n, v in file.attrs.items() if n != "latestIndex" and np.ndim(v) == 0 and is_number(v)}


def is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def numbers_in(yaml: str) -> dict[str, float]:
    """Lines "key: number" of a YAML text; a key inside another is told with it: "sim.dam_radius"."""
    found: dict[str, float] = {}
    above: list[tuple[int, str]] = []
    for line in yaml.splitlines():
        if not (match := re.match(r"( *)([\w.-]+):\s*(.*)$", line)):
            continue
        indent, key, value = len(match[1]), match[2], match[3].split(" #")[0].strip()
        above = [(depth, name) for depth, name in above if depth < indent]
        if not value:
            above.append((indent, key))
        elif re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", value):
            found[".".join([*(name for _, name in above), key])] = float(value)
    return found
