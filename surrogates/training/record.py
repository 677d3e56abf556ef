"""What made a trained network."""

from __future__ import annotations

from typing import Any

import torch

from scenegrad import __version__
from scenegrad.engine.record import command, commit, device_name, library_versions, machine

__all__ = ["record"]


def record(device: str, processes: int) -> dict[str, Any]:
    """Code, command, versions and machine, as plain data; holds no time of day, so that the same training gives the
    same bytes. What was trained on which data with which seed is the checkpoint's identity, which stands beside it."""
    return {
        "version": __version__,
        "commit": commit(),
        "command": command(),
        "libraries": library_versions(),
        "machine": machine(device),
        "device": device_name(device),
        "dtype": str(torch.get_default_dtype()).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "processes": processes,
    }
