"""Small files as runs write them, with contents that a picture can be checked against."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scenegrad.engine.files.formats import format_of
from scenegrad.engine.files.frames import FrameFile
from scenegrad.engine.solver import Atoms, Grid, Layout, Points, Probe, Series

Frame = Mapping[str, np.ndarray]


def write(
    folder: Path, name: str, layout: Layout, frames: list[Frame], scene: dict[str, Any], every: float = 0.1,
    units: Mapping[str, str] | None = None, finished: bool = True,
) -> Path:  # fmt: skip
    """One output with its frames; finished=False leaves it as a killed run would."""
    probe: Probe[Any] = Probe(name, every, lambda state, params: {}, layout, units or {})
    format = format_of(probe)
    folder.mkdir(parents=True, exist_ok=True)
    file = FrameFile.create(folder / format.file_name, {"scene": scene})
    for index, frame in enumerate(frames):
        file.append(format, name, index * every, index, frame)
    file.commit()
    if finished:
        file.seal()
    else:
        file.close()
    return folder / format.file_name


def flat_scene(size: tuple[float, float] = (2.0, 1.0), wrap: bool = True) -> dict[str, Any]:
    return {"name": "flat", "units": "SI", "domain": {"size": list(size), "wrap": wrap}, "entities": {}}


def write_flat_field(folder: Path, values: list[np.ndarray], name: str = "fields", quantity: str = "vorticity") -> Path:
    """Fields [x, y] on cells of the box (2, 1)."""
    cells = values[0].shape
    spacing = (2.0 / cells[0], 1.0 / cells[1])
    layout = Grid(cells, spacing, (spacing[0] / 2, spacing[1] / 2), (True, True))
    frames = [{quantity: value.astype(np.float32)} for value in values]
    return write(folder, name, layout, frames, flat_scene(), units={quantity: "1/s"})


def block_scene() -> dict[str, Any]:
    return {
        "name": "block", "units": "SI", "domain": {"size": [1.0, 1.0, 1.0], "wrap": False}, "gravity": [0, 0, -9.81],
        "entities": {
            "block": {"kind": "body", "shape": {"kind": "box"}, "material": {"kind": "neo_hookean"}},
            "floor": {"kind": "wall", "normal": [0, 0, 1], "offset": 0.1},
        },
    }  # fmt: skip


def write_block(folder: Path, side: int = 8, frames: int = 4, finished: bool = True) -> Path:
    """A cube of particles that falls with 2 m/s onto the floor at z = 0.1."""
    h = 0.3 / side
    grid = np.stack(np.meshgrid(*[(np.arange(side) + 0.5) * h] * 3, indexing="ij"), -1).reshape(-1, 3)
    start = grid + np.array([0.35, 0.35, 0.6])
    body = torch.zeros(len(grid), dtype=torch.int32)
    fallen = [
        {
            "position": start - np.array([0, 0, 2 * 0.1 * k]),
            "velocity": np.broadcast_to([0.0, 0.0, -2.0], start.shape).copy(),
        }
        for k in range(frames)
    ]
    units = {"position": "m", "velocity": "m/s"}
    return write(folder, "state", Points({"body": body}), fallen, block_scene(), units=units, finished=finished)


def write_atoms(folder: Path, cells: int = 3, frames: int = 3) -> Path:
    """Two species on a cubic lattice in a periodic box, drifting along x and out of it."""
    grid = np.stack(np.meshgrid(*[np.arange(cells) + 0.5] * 3, indexing="ij"), -1).reshape(-1, 3)
    species = torch.arange(len(grid)) % 2
    layout = Atoms(species, torch.ones(len(grid)), torch.full((1, 3), float(cells)), ("A", "B"))
    moving = [
        {"position": grid + np.array([0.8 * k, 0, 0]), "velocity": np.broadcast_to([0.8, 0, 0], grid.shape).copy()}
        for k in range(frames)
    ]
    scene = {"name": "atoms", "units": "lj", "domain": {"density": 1.0, "wrap": True}, "entities": {}}
    return write(folder, "traj", layout, moving, scene)


def write_series(folder: Path, name: str, quantities: Mapping[str, np.ndarray], units: Mapping[str, str],
                 coordinates: Mapping[str, np.ndarray] | None = None, every: float = 0.1) -> Path:  # fmt: skip
    """Quantities [frame, ...] of one output."""
    layout = Series({key: torch.as_tensor(value) for key, value in (coordinates or {}).items()})
    count = len(next(iter(quantities.values())))
    frames = [{key: np.asarray(value[k]) for key, value in quantities.items()} for k in range(count)]
    return write(folder, name, layout, frames, {"name": "series", "units": "SI"}, every, units)
