"""Where colliders and rigid bodies are in each frame: as recorded, as prescribed, or where they start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from scenegrad.view.committed import committed_times, open_hdf5
from scenegrad.view.errors import ViewError
from scenegrad.view.frames import Frames
from scenegrad.view.setting import Solid, plain

__all__ = ["Poses", "poses_of", "signal_value"]

Array = NDArray[np.float64]

SERIES = ("series.h5", "series.part.h5")  # beside the particles, finished or still being written
IN_MEMBERS = "scenegrad/series"  # where the file of a member of an ensemble has them
FINE = 2000  # steps in which a prescribed motion is summed


@dataclass(frozen=True)
class Poses:
    """A place X of the shape as the scene describes it, pivot being that about which it turns, comes to
    position + R (X - pivot).

    position: of the pivot in each frame [frame, 3]. rotation: of each frame. known: whether they are the true ones."""

    pivot: Array  # [3]
    position: Array
    rotation: Rotation
    known: bool = True

    def matrix(self, index: int) -> Array:
        """The motion from the shape as the scene describes it to that of a frame [4, 4]."""
        turn = self.rotation[index].as_matrix()
        found = np.eye(4)
        found[:3, :3], found[:3, 3] = turn, self.position[index] - turn @ self.pivot
        return found

    @property
    def still(self) -> bool:
        return bool(np.ptp(self.position, axis=0).max() == 0.0 and self.rotation.approx_equal(self.rotation[0]).all())


def poses_of(frames: Frames, solid: Solid, pivot: Array) -> Poses:
    """At the times of the frames. pivot [3]: the place about which the shape is turned at the start."""
    start = Rotation.from_euler("xyz", solid.rotation, degrees=True)
    found = recorded(frames, solid.name) or prescribed(solid, pivot, start, frames.times)
    if found is None:
        many = len(frames.times)
        still = solid.motion is None and not solid.floats
        return Poses(pivot, np.tile(pivot, (many, 1)), Rotation.concatenate([start] * many), still)
    return Poses(pivot, *found)


def recorded(frames: Frames, name: str) -> tuple[Array, Rotation] | None:
    """Positions [frame, 3] and rotations of the output that tells of this entity; None where the run has none."""
    outputs: Mapping[str, Any] = frames.setting.table.get("outputs") or {}
    asked = [key for key, o in outputs.items() if o.get("kind") == "rigid_pose" and o.get("entity") == name]
    if not asked:
        return None
    for path, root in ((frames.path, IN_MEMBERS), *((frames.path.with_name(name), "") for name in SERIES)):
        if path.is_file() and (found := read_poses(path, f"{root}/{asked[0]}", frames.times)) is not None:
            return found
    return None


def read_poses(path: Path, place: str, times: Array) -> tuple[Array, Rotation] | None:
    """Interpolated to the times, and held before the first and after the last; None where there is no frame yet."""
    file = open_hdf5(path)
    try:
        if place not in file:
            return None
        own = committed_times(file, place.rsplit("/", 1)[-1], None)
        position = np.asarray(file[place]["position"][: len(own)], dtype=np.float64)
        rotation = Rotation.from_quat(np.asarray(file[place]["quaternion"][: len(own)], dtype=np.float64))
    except ViewError:
        return None
    finally:
        file.close()
    return interpolated(times, own, np.pad(position, ((0, 0), (0, 3 - position.shape[1]))), rotation)


def interpolated(times: Array, own: Array, position: Array, rotation: Rotation) -> tuple[Array, Rotation]:
    """Positions linear between their own times, rotations about the axis between them."""
    placed = np.stack([np.interp(times, own, column) for column in position.T], axis=1)
    if len(own) == 1:
        return placed, Rotation.concatenate([rotation[0]] * len(times))
    return placed, Slerp(own, rotation)(np.clip(times, own[0], own[-1]))


def prescribed(solid: Solid, pivot: Array, start: Rotation, times: Array) -> tuple[Array, Rotation] | None:
    """The sum of the velocities that the scene prescribes; None where it prescribes none, or by unknown numbers."""
    if solid.motion is None or not times[-1] > 0.0:
        return None
    fine = np.linspace(0.0, times[-1], FINE + 1)
    step, middle = fine[1], 0.5 * (fine[1:] + fine[:-1])
    turning = solid.motion.get("angular_velocity")
    angular = turning if isinstance(turning, list | tuple) else [0.0, 0.0, turning or 0.0]
    linear = [*(solid.motion.get("velocity") or ()), 0.0, 0.0, 0.0][:3]
    rates = [signal_value(part, middle) for part in (*linear, *angular)]
    if any(rate is None for rate in rates):
        return None
    moves = step * np.stack([rate for rate in rates if rate is not None], axis=1)
    position = pivot + np.pad(np.cumsum(moves[:, :3], axis=0), ((1, 0), (0, 0)))
    turns = [start]
    for turn in Rotation.from_rotvec(moves[:, 3:]):
        turns.append(turn * turns[-1])
    return interpolated(times, fine, position, Rotation.concatenate(turns))


def signal_value(signal: Any, times: Array) -> Array | None:
    """A number or a signal (see `scenes.signals`) at these times; None where the table does not tell its numbers."""
    if isinstance(signal, Mapping) and signal.get("kind") == "table":
        values = plain(signal["values"])
        return None if values is None else np.interp(times, signal["every"] * np.arange(len(values)), values)
    if isinstance(signal, Mapping) and signal.get("kind") == "sine":
        numbers = [plain(signal.get(name, 0.0)) for name in ("amplitude", "frequency", "phase", "offset")]
        if any(number is None for number in numbers):
            return None
        amplitude, frequency, phase, offset = map(float, numbers)
        return offset + amplitude * np.sin(2 * np.pi * frequency * times + phase)
    number = plain(signal)
    return None if number is None else np.full(len(times), float(number))
