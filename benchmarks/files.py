"""What files cost: frames of a fluid run beside its steps, a gigabyte beside plain h5py, a large dataset opened.

python benchmarks/files.py [--gigabytes 1.0] [--members 1000] [--end 20.0] [--folder DIR]

Everything is measured turn by turn in one run, and the median of the turns is told. The run is the ready scene
`kolmogorov` at 256^2, single precision, with the cadence of its outputs: fields, diagnostics, energies and a spectrum
every 0.25. What writing costs is the time in which the run measures, writes and commits frames and saves checkpoints,
in parts of the whole.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import h5py
import numpy as np

import scenegrad as sg
from scenegrad.engine.dataset_folder import DatasetFolder
from scenegrad.engine.files.formats import format_of
from scenegrad.engine.files.frames import FrameFile
from scenegrad.engine.files.shard import Shard
from scenegrad.engine.simulate import Simulation
from scenegrad.engine.solver import Grid, Probe

GRID = Grid((256, 256), (1.0, 1.0), (0.0, 0.0), (True, True))
SIDE = 256


class Watch:
    """Adds up the time that is spent in some methods, the outermost of them alone."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self.inside = False

    def watched(self, kind: type, name: str) -> Any:
        inner: Callable[..., Any] = getattr(kind, name)

        def timed(*given: Any, **named: Any) -> Any:
            if self.inside:
                return inner(*given, **named)
            self.inside, begin = True, time.perf_counter()
            try:
                return inner(*given, **named)
            finally:
                self.spent[name] = self.spent.get(name, 0.0) + time.perf_counter() - begin
                self.inside = False

        return patch.object(kind, name, timed)


def fluid_run(folder: Path, end: float) -> dict[str, float]:
    """Seconds of a run, and of its writing."""
    watch = Watch()
    scene = sg.library.kolmogorov().replace({"time.end": end})
    with ExitStack() as held:
        for name in ("record", "save", "note"):
            held.enter_context(watch.watched(Simulation, name))
        made = sg.run(scene, folder / "run", device="cpu", progress=False, overwrite=(folder / "run").exists())
    return {
        "seconds": float(made.record["wall_seconds"]),
        "frames": float(made.record["frames"]["fields"]),
        **watch.spent,
    }


def plain(folder: Path, frames: int, data: np.ndarray, flush: bool) -> float:
    """MB/s of h5py alone: the same chunks, a frame after the other."""
    begin = time.perf_counter()
    with h5py.File(folder / "plain.h5", "w") as file:
        room = file.create_dataset(
            "u", (0, SIDE, SIDE), np.float32, maxshape=(None, SIDE, SIDE), chunks=(1, SIDE, SIDE)
        )
        for n in range(frames):
            room.resize(n + 1, axis=0)
            room[n] = data[n % len(data)]
            if flush:
                file.flush()
    seconds = time.perf_counter() - begin
    (folder / "plain.h5").unlink()
    return frames * data[0].nbytes / seconds / 1e6


def ours(folder: Path, frames: int, data: np.ndarray) -> float:
    """MB/s of a file of a run: every frame committed before the next one begins, the whole on the disk at the end."""
    format = format_of(Probe("fields", 1.0, lambda state, params: {}, GRID))
    begin = time.perf_counter()
    file = FrameFile.create(folder / "fields.vtkhdf", {})
    for n in range(frames):
        file.append(format, "fields", float(n), n, {"u": data[n % len(data)]})
        file.commit()
    file.seal()
    seconds = time.perf_counter() - begin
    (folder / "fields.vtkhdf").unlink()
    return frames * data[0].nbytes / seconds / 1e6


def dataset(folder: Path, members: int) -> Path:
    """A dataset of small members."""
    where = DatasetFolder(folder / "data")
    identity = {"scene": "0", "seed": 0, "sampler": "sobol", "dtype": "float32", "device": "cpu", "gradients": []}
    drawn = {"nu": list(np.linspace(0.1, 1.0, members))}
    where.prepare()
    probe = Probe("fields", 1.0, lambda state, params: {}, Grid((16, 16), (1.0, 1.0), (0.0, 0.0), (True, True)))
    for member in range(members):
        shard = Shard(where.shard(member), [probe], [[0.0, 1.0]], 0, {}, {"nu": drawn["nu"][member]}, "s")
        for n in range(2):
            shard.append(0, n, {"u": np.zeros((16, 16), np.float32)})
        shard.seal()
    where.write({"identity": identity, "name": "small", "scene": {}, "n": members, "parameters": drawn})
    return where.path


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--gigabytes", type=float, default=1.0)
    words.add_argument("--members", type=int, default=1000)
    words.add_argument("--end", type=float, default=20.0)
    words.add_argument("--turns", type=int, default=5)
    words.add_argument("--folder", type=Path, default=None)
    words.add_argument("--only", choices=("run", "gigabyte", "dataset"), default=None)
    said = words.parse_args()
    folder = Path(tempfile.mkdtemp(dir=said.folder))
    try:
        if said.only in (None, "run"):
            for _ in range(2):  # the first turn compiles
                found = fluid_run(folder, said.end)
            spent = sum(found.get(name, 0.0) for name in ("record", "save", "note"))
            share = {name: found.get(name, 0.0) for name in ("record", "save", "note")}
            print(f"256^2 fluid to t = {said.end:g}: {found['seconds']:.2f} s, {found['frames']:.0f} frames of fields")
            print(f"  looking and writing {spent:.3f} s, {spent / found['seconds']:.1%} of the run: {rounded(share)}")
        if said.only in (None, "gigabyte"):
            data = np.random.default_rng(0).normal(size=(64, SIDE, SIDE)).astype(np.float32)
            frames = max(int(said.gigabytes * 1e9 / data[0].nbytes), 1)
            speeds: dict[str, list[float]] = {"plain": [], "plain, flush each frame": [], "ours": []}
            for _ in range(said.turns):
                speeds["plain"].append(plain(folder, frames, data, flush=False))
                speeds["ours"].append(ours(folder, frames, data))
                speeds["plain, flush each frame"].append(plain(folder, frames, data, flush=True))
            middle = {name: statistics.median(values) for name, values in speeds.items()}
            print(f"{said.gigabytes:g} GB in {frames} frames, MB/s: {rounded(middle)}")
            shares = [a / b for a, b in zip(speeds["ours"], speeds["plain"], strict=True)]
            listed = ", ".join(f"{share:.0%}" for share in shares)
            print(f"  ours in parts of plain h5py: {statistics.median(shares):.0%} ({listed})")
        if said.only in (None, "dataset"):
            path, times = dataset(folder, said.members), []
            for _ in range(said.turns):
                begin = time.perf_counter()
                data_set = sg.open_dataset(path)
                times.append(time.perf_counter() - begin)
                begin = time.perf_counter()
                data_set.read(data_set.members[-1], "fields", "u", slice(0, 1))
                first = time.perf_counter() - begin
                data_set.close()
            opened = 1e3 * statistics.median(times)
            print(f"{said.members} members opened in {opened:.1f} ms; a first frame {1e3 * first:.1f} ms")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def rounded(table: dict[str, float]) -> str:
    return json.dumps({name: float(f"{value:.4g}") for name, value in table.items()})


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    main()
