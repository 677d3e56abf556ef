"""Which scene, code, device, precision and seed made an output."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scenegrad import __version__
from scenegrad.engine.record import command, commit, device_name, library_versions, machine
from scenegrad.scenes.plugins import plugins_of

if TYPE_CHECKING:
    import torch

    from scenegrad.scenes.scene import Scene

__all__ = ["identity", "made_by", "makers", "provenance", "unlike"]


def identity(scene: Scene, device: str, dtype: torch.dtype) -> dict[str, Any]:
    """What two runs must share for one to go on where the other stopped."""
    same = {"scene": scene.hash, "dtype": name_of(dtype), "device": device.split(":")[0]}
    own = {plugin.module: plugin.sha256 for plugin in plugins_of(scene)}
    return same | ({"plugins": own} if own else {})


def provenance(scene: Scene, device: str, dtype: torch.dtype) -> dict[str, Any]:
    """Written into every output. Holds no time of day: the same run gives the same bytes."""
    import torch

    from scenegrad.solvers.compile import method_of

    own = {plugin.module: plugin.sha256 for plugin in plugins_of(scene)}
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
        **({"plugins": own} if own else {}),
    }


def name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def makers(device: str) -> dict[str, Any]:
    """What else is written of a run or a dataset, beside its outputs and not in them: it may differ between two that
    are the same to the last byte."""
    return {"commit": commit(), "command": command(), "machine": machine(device)}


def made_by(record: Mapping[str, Any]) -> dict[str, Any]:
    """All that run.json says of what made the run."""
    return {**record, **record.get("provenance", {})}


def unlike(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Where what made two results parts, of what may change their last digits: (what, in one, in the other)."""
    pairs: list[tuple[str, Any, Any]] = []
    for names, here, there in (
        (("version", "device", "dtype", "threads"), one, other),
        (None, one.get("libraries") or {}, other.get("libraries") or {}),
        (("commit",), one, other),
        (("platform", "processor", "driver", "cuda"), one.get("machine") or {}, other.get("machine") or {}),
    ):
        pairs += [(name, here.get(name), there.get(name)) for name in names or dict.fromkeys([*here, *there])]
    return [pair for pair in pairs if pair[1] != pair[2]]
