"""What a dataset is, in plain tables: what was varied, who came through, how its fields are distributed."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scenegrad.engine.dataset import Dataset
from scenegrad.engine.errors import EngineError
from scenegrad.scenes.source_file import names_outside
from scenegrad.surrogates.choices import spell
from scenegrad.surrogates.data.split import Split
from scenegrad.surrogates.data.statistics import Moments
from scenegrad.surrogates.data.trajectories import identities

__all__ = ["describe", "members_looked_at", "space_of"]

MOST = 64  # members whose frames make the statistics


def describe(data: Dataset, licence: str = "not stated") -> dict[str, Any]:
    """The card of a dataset as plain tables, ready for JSON."""
    about, members = data.manifest, members_looked_at(data)
    files = [data.folder.shard(member) for member in data.members]
    failures = [
        {"member": i, **reason(data, i)} for i, status in enumerate(data.status) if status not in ("ok", "missing")
    ]
    return {
        "name": about.get("name", data.path.name),
        "licence": licence,
        "hash": data.hash,
        "members": {status: len(data.with_status(status)) for status in ("ok", "diverged", "failed", "missing")},
        "failures": failures,
        "identity": dict(about["identity"]),
        "made_with": {key: about.get(key) for key in ("version", "commit", "method", "device", "threads", "libraries")},
        "seconds": data.seconds,
        "costs": data.costs,
        "bytes": sum(file.stat().st_size for file in files),
        "varied": {address: varied(data, address) for address in about["parameters"]},
        "members_looked_at": len(members),
        "outputs": {probe: output(data, probe, members) for probe in data.probes},
        "split": default_split(data),
        "scene": data.scene_table,
        "load": loading(data),
        "remake": remaking(data),
    }


def members_looked_at(data: Dataset, most: int = MOST) -> list[int]:
    """Members spread evenly over all that came through."""
    members = data.members
    if len(members) <= most:
        return members
    return [members[i] for i in np.linspace(0, len(members) - 1, most).round().astype(int)]


def reason(data: Dataset, member: int) -> dict[str, str]:
    path = data.folder.failure(member)
    if not path.is_file():
        return {"status": data.status[member], "error": ""}
    told = json.loads(path.read_text())
    return {
        "status": str(told["status"]),
        "error": str(told.get("error", "")).splitlines()[0] if told.get("error") else "",
    }


def varied(data: Dataset, address: str) -> dict[str, Any]:
    """The distribution as the scene tells it, and what was drawn from it."""
    values = np.asarray(data.manifest["parameters"][address], dtype=np.float64)
    entities = data.scene_table.get("entities", {})
    found: Any = entities if address.split(".")[0] in entities else data.scene_table
    for key in address.split("."):
        found = found.get(key, {}) if isinstance(found, Mapping) else {}
    told = {"distribution": {k: v for k, v in found.items() if v is not None}} if isinstance(found, Mapping) else {}
    return {
        **told, "least": float(values.min()), "greatest": float(values.max()), "mean": float(values.mean()),
        "std": float(values.std()),
    }  # fmt: skip


def output(data: Dataset, probe: str, members: Sequence[int]) -> dict[str, Any]:
    columns, times, kind = data.table(probe)
    return {
        "kind": kind,
        "frames": len(times),
        "from": float(times[0]) if len(times) else math.nan,
        "to": float(times[-1]) if len(times) else math.nan,
        "quantities": {
            name: {"shape": list(column.shape), "unit": column.unit, **moments(data, probe, name, members)}
            for name, column in columns.items()
        },
    }


def moments(data: Dataset, probe: str, name: str, members: Sequence[int]) -> dict[str, float | int]:
    """Of all numbers of a quantity: all frames, points and components."""
    found, least, greatest, broken = Moments(1), math.inf, -math.inf, 0
    for member in members:
        values = np.asarray(data.read(member, probe, name), dtype=np.float64)
        kept = values[np.isfinite(values)]
        broken += values.size - kept.size
        if kept.size:
            found.add(kept.reshape(-1, 1))
            least, greatest = min(least, float(kept.min())), max(greatest, float(kept.max()))
    std = math.sqrt(float(found.square[0]) / max(found.count, 1))
    return {"mean": float(found.mean[0]), "std": std, "least": least, "greatest": greatest, "not_finite": broken}


def default_split(data: Dataset) -> dict[str, Any]:
    """The parts that a training takes unless it is told otherwise."""
    split = Split()
    try:
        parts = split.assign(identities(data), data.parameters)
    except EngineError as error:
        return {"none": str(error)}
    members = {part: [data.members[place] for place in places] for part, places in parts.items()}
    return {"how": spell(split), "members": members}


def space_of(data: Dataset, probe: str, name: str) -> int:
    """How many of the first axes of a quantity on a grid are space."""
    shape = data.quantities(probe)[name].shape
    size = data.scene_table.get("domain", {}).get("size") or shape
    return min(len(size), len(shape))


def loading(data: Dataset) -> str:
    probe = next((p for p in data.probes if data.kind(p) == "grid"), next(iter(data.probes), "output"))
    name = next(iter(data.quantities(probe)), "quantity") if data.probes else "quantity"
    return (
        "import scenegrad as sg\n"
        f"data = sg.open_dataset({str(data.path)!r})\n"
        f"values = data.read(data.members[0], {probe!r}, {name!r})  # [frame, ...]"
    )


def remaking(data: Dataset) -> str:
    """The command that makes the same bytes again, from the scene that lies beside the card; numbers and adjoints of
    steps are asked for in Python."""
    told = data.manifest["identity"]
    if "imported" in told:
        return f"scenegrad import {shlex.quote(data.manifest['source'])} --kind {told['imported']} --out again"
    if told.keys() & {"of", "adjoints"}:
        return remaking_in_python(data)
    scene = shlex.quote(str(data.path / "scene.toml"))
    words = ["scenegrad generate", scene, f"-n {data.manifest['n']}", f"--seed {told['seed']}"]
    words += [f"--sampler {told['sampler']}", f"--dtype {told['dtype']}", f"--device {told['device']}"]
    words += [f"--gradients {address}" for address in told.get("gradients", ())]
    words += ["--outside-files"] if names_outside(data.scene_table, data.path) else []
    return " ".join([*words, "--out again"])


def remaking_in_python(data: Dataset) -> str:
    told = data.manifest["identity"]
    trust = ", outside_files=True" if names_outside(data.scene_table, data.path) else ""
    lines = [
        "import scenegrad as sg",
        f"scene = sg.load_scene({str(data.path / 'scene.toml')!r}{trust})",
        f"ensemble = sg.vary(scene, {data.manifest['n']}, seed={told['seed']}, sampler={told['sampler']!r})",
    ]
    more = [f"dtype={told['dtype']!r}", f"device={told['device']!r}", f"gradients={tuple(told['gradients'])!r}"]
    if "of" in told:
        more.append(f"of=({', '.join(map(number, told['of']))},)")
    if "adjoints" in told:
        said = {key: tuple(value) if isinstance(value, list) else value for key, value in told["adjoints"].items()}
        more.append(f"adjoints=sg.Adjoints({', '.join(f'{key}={value!r}' for key, value in said.items())})")
    return "\n".join([*lines, f"sg.generate(ensemble, out='again', {', '.join(more)})"])


def number(name: str) -> str:
    """A number of the outputs as it is written, from what it is called in files."""
    for head, kind in (("final ", "Final"), ("greatest ", "Greatest")):
        if name.startswith(head):
            return f"sg.{kind}({name.removeprefix(head)!r})"
    series, _, first = name.partition(" from ")
    return f"sg.Average({series!r}, {first})" if first else f"sg.Average({series!r})"
