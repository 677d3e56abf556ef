"""Which scene, code, device, precision and seed made an output."""

from __future__ import annotations

import json
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenegrad import __version__

if TYPE_CHECKING:
    import torch

    from scenegrad.scenes.scene import Scene

__all__ = ["commit", "identity", "library_versions", "provenance"]

LIBRARIES = ("torch", "warp-lang", "numpy", "scipy", "h5py", "pydantic")


def identity(scene: Scene, device: str, dtype: torch.dtype) -> dict[str, Any]:
    """What two runs must share for one to go on where the other stopped."""
    return {"scene": scene.hash, "dtype": name_of(dtype), "device": device.split(":")[0]}


def provenance(scene: Scene, device: str, dtype: torch.dtype) -> dict[str, Any]:
    """Written into every output. Holds no time of day: the same run gives the same bytes."""
    import torch

    from scenegrad.solvers.compile import method_of

    return {
        "scene": json.dumps(scene.model_dump(mode="json")),
        "scene_hash": scene.hash,
        "seed": scene.seed,
        "units": scene.units,
        "method": method_of(scene).kind,
        "version": __version__,
        "device": device_name(device),
        "dtype": name_of(dtype),
        "threads": torch.get_num_threads(),
        "libraries": library_versions(),
    }


def name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def device_name(device: str) -> str:
    """'cuda (NVIDIA H200)', 'cpu'."""
    import torch

    return f"cuda ({torch.cuda.get_device_name(device)})" if device.startswith("cuda") else device


@cache
def library_versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "not installed"
    return found


@cache
def commit() -> str | None:
    """Of the working copy that this code runs from; None for an installed package."""
    here = Path(__file__).resolve().parent.parent
    if not (here / ".git").exists():
        return None
    asked = subprocess.run(
        ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return asked.stdout.strip() or None
