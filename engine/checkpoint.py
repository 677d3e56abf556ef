"""All that is needed to go on from the middle of a run: state, clock, and how much of the output counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.controllers import Memory
from scenegrad.engine.errors import FileError
from scenegrad.engine.files.atomic import appearing
from scenegrad.engine.files.disk import need_room
from scenegrad.engine.files.guarded import guarded
from scenegrad.engine.loop import Clock
from scenegrad.engine.state import tensors, with_tensors

__all__ = ["Checkpoint", "read_checkpoint", "write_checkpoint"]


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stood after a plan.

    pause: index of the next output time. frames: how many frames of each output were committed by then.
    seconds: wall time spent on the run so far [s]. attempts: at steps, how many were written down by then.
    """

    state: Any
    clock: Clock
    pause: int
    frames: Mapping[str, int]
    seconds: float
    attempts: int = 0


def clock_tensors(clock: Clock) -> dict[str, Tensor]:
    return {
        "time": clock.time,
        "steps": clock.steps,
        "rejected": clock.rejected,
        **{f"memory_{name}": value for name, value in vars(clock.memory).items()},
    }


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Replaces the checkpoint at `path`; whatever happens meanwhile, the old or the new one is there."""
    state = {name: value.detach().cpu().numpy() for name, value in tensors(checkpoint.state).items()}
    size = sum(value.nbytes for value in state.values())
    with appearing(path, size) as part:
        need_room(path, size, "The checkpoint")
        with h5py.File(part, "w") as file:
            for name, value in state.items():
                file[f"state/{name}"] = value
            for name, tensor in clock_tensors(checkpoint.clock).items():
                file[f"clock/{name}"] = tensor.numpy()
            file.create_group("frames").attrs.update({k: np.int64(n) for k, n in checkpoint.frames.items()})
            file.attrs["pause"], file.attrs["seconds"] = checkpoint.pause, checkpoint.seconds
            file.attrs["attempts"] = checkpoint.attempts


def read_checkpoint(path: Path, like: Any) -> Checkpoint:
    """like: a state of the same scene, freshly compiled; it gives device, precision and all that is no tensor."""
    try:
        with guarded(h5py.File(path, "r")) as file:
            found = {name: torch.from_numpy(np.asarray(data)) for name, data in file["state"].items()}
            clock = {name: torch.from_numpy(np.asarray(data)) for name, data in file["clock"].items()}
            frames = {name: int(n) for name, n in file["frames"].attrs.items()}
            pause, seconds = int(file.attrs["pause"]), float(file.attrs["seconds"])
            attempts = int(file.attrs["attempts"])
        expected = tensors(like)
        for name, value in expected.items():
            if name not in found or found[name].shape != value.shape or found[name].dtype != value.dtype:
                given = f"{tuple(found[name].shape)} {found[name].dtype}" if name in found else "nothing"
                raise ValueError(f"the scene needs {name} {tuple(value.shape)} {value.dtype}, it holds {given}")
        memory = Memory(**{field.name: clock[f"memory_{field.name}"] for field in fields(Memory)})
        state = with_tensors(like, {name: found[name].to(value.device) for name, value in expected.items()})
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise FileError(
            f"The checkpoint {path} cannot be used: {error}. Nothing was changed. Start again from the beginning with "
            f"--overwrite, or write to another folder with --out."
        ) from error
    reached = Clock(clock["time"], clock["steps"], memory, clock["rejected"])
    return Checkpoint(state, reached, pause, frames, seconds, attempts)
