"""`diff`: where two runs, datasets or trainings part, and by how much."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scenegrad.engine.errors import EngineError, FileError
from scenegrad.partings import Both, Comparison, Parting, Spread, lone

__all__ = ["Difference", "diff"]

Pair = tuple[str, Any, Any]  # (what, in the one, in the other)
MISSING = "nothing"


@dataclass(frozen=True)
class Difference:
    """What `diff` found. It is true where there is a difference.

    kind: runs, datasets or trainings. scene: addresses (settings, for trainings) whose values differ. makers: code,
    libraries and machines, which are told and do not count as a difference. shape: outputs, frames, members or weights
    that only one has. first: where numbers part. spreads: of each quantity.
    """

    kind: str
    one: str
    other: str
    tolerance: float = 0.0
    scene: Sequence[Pair] = ()
    makers: Sequence[Pair] = ()
    shape: Sequence[str] = ()
    first: Parting | None = None
    spreads: Sequence[Spread] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.scene or self.shape or self.first)

    def table(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        pairs = {
            name: [{"what": what, "one": here, "other": there} for what, here, there in getattr(self, name)]
            for name in ("scene", "makers")
        }
        return plain({"same": not self, **asdict(self), **pairs})

    def __str__(self) -> str:
        lines = [f"{what}: {shown(here)} and {shown(there)}" for what, here, there in self.scene]
        lines += [f"made by: {what} {shown(here)} and {shown(there)}" for what, here, there in self.makers]
        lines += self.shape
        if self.first is not None:
            lines.append(f"first difference: {self.first}")
        lines += [f"  {spread}" for spread in self.spreads if spread.frames]
        within = f" to {self.tolerance:g} of the largest number" if self.tolerance else " to the last bit"
        verdict = f"These {self.kind} differ." if self else f"These {self.kind} are the same{within}."
        return "\n".join([*lines, verdict])


def diff(one: Any, other: Any, tolerance: float = 0.0, only: Sequence[str] = ()) -> Difference:
    """Compares two runs, two datasets or two trainings (Run, Dataset, or their folders).

    Numbers are compared bit by bit; with a tolerance, those of a quantity may differ by that share of its largest
    number in `one`. only: outputs or quantities, "fields" or "fields.vorticity", in place of all. A difference of
    scenes or settings is one too; another version or machine alone is not.
    """
    if not 0.0 <= tolerance < float("inf"):
        raise EngineError(f"diff got tolerance={tolerance}; it is a share of the largest number, such as 1e-5, or 0.")
    folders = folder_of(one), folder_of(other)
    kinds = kind_of(folders[0]), kind_of(folders[1])
    if kinds[0] != kinds[1]:
        raise EngineError(
            f"{folders[0]} holds one of the {kinds[0]}, {folders[1]} one of the {kinds[1]}; both are to be alike."
        )
    return COMPARE[kinds[0]](folders, tolerance, only)


def folder_of(source: Any) -> Path:
    from scenegrad.engine.dataset import Dataset

    return source.path if isinstance(source, Dataset) else Path(getattr(source, "folder", source))


def kind_of(folder: Path) -> str:
    if (folder / "run.json").is_file():
        return "runs"
    if (folder / "manifest.json").is_file():
        return "datasets"
    if (folder / "checkpoint.pt").is_file() or (folder.suffix == ".pt" and folder.is_file()):
        return "trainings"
    raise FileError(
        f"{folder} holds no run, dataset or training. Give the folders that `run`, `generate` or `train` wrote to."
    )


# ---- runs


def diff_runs(folders: Both[Path], tolerance: float, chosen: Sequence[str]) -> Difference:
    from scenegrad.provenance import made_by, unlike
    from scenegrad.runs import Run

    here, there = Run(folders[0]), Run(folders[1])
    outputs = here.outputs, there.outputs
    shape = [] if here.status == there.status else [f"status: {here.status} and {there.status}"]
    shape += lone(folders, outputs, "output")
    found = Comparison(folders, tolerance, chosen)
    for name in (name for name in outputs[0] if name in outputs[1]):
        left, right = outputs[0][name], outputs[1][name]
        shape += found.compare(name, (left.quantities, right.quantities), (left.time, right.time))
    scene = parts_of(table_of(here.record), table_of(there.record))
    makers = unlike(made_by(here.record), made_by(there.record))
    return concluded("runs", found, scene, makers, shape)


def table_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The scene of a run as plain tables."""
    import json

    return json.loads(record["provenance"]["scene"])


# ---- datasets


def diff_datasets(folders: Both[Path], tolerance: float, chosen: Sequence[str]) -> Difference:
    from scenegrad.engine.dataset import Dataset
    from scenegrad.provenance import unlike

    here, there = Dataset(folders[0]), Dataset(folders[1])
    scene = [*parts_of(here.scene_table, there.scene_table), *parts_of(asked_of(here), asked_of(there))]
    fates = enumerate(zip(here.status, there.status, strict=False))
    shape = [f"member {i}: {one} and {other}" for i, (one, other) in fates if one != other]
    if here.members and there.members:
        shape += lone(folders, (here.probes, there.probes), "output")
    found = Comparison(folders, tolerance, chosen)
    for member in sorted({*here.members} & {*there.members}):
        for name in (name for name in here.probes if name in there.probes):
            sides = frames_of(here, member, name), frames_of(there, member, name)
            shape += found.compare(name, sides, (here.times(name), there.times(name)), member)
    return concluded("datasets", found, scene, unlike(here.manifest, there.manifest), list(dict.fromkeys(shape)))


def asked_of(data: Any) -> dict[str, Any]:
    """What was asked for beside the scene."""
    return {"n": data.manifest["n"], **{k: v for k, v in data.manifest["identity"].items() if k != "scene"}}


def frames_of(data: Any, member: int, probe: str) -> dict[str, Frames]:
    return {quantity: Frames(data, member, probe, quantity) for quantity in data.quantities(probe)}


@dataclass(frozen=True)
class Frames:
    """One quantity of a member, read some frames at a time."""

    data: Any
    member: int
    probe: str
    quantity: str

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.data.times(self.probe)), *self.data.quantities(self.probe)[self.quantity].shape)

    def __getitem__(self, frames: slice) -> np.ndarray:
        return self.data.read(self.member, self.probe, self.quantity, frames)


# ---- trainings


def diff_trainings(folders: Both[Path], tolerance: float, chosen: Sequence[str]) -> Difference:
    from scenegrad.provenance import unlike
    from scenegrad.surrogates.training.checkpoint import checkpoint_in, read_checkpoint

    here, there = (read_checkpoint(checkpoint_in(place)) for place in folders)
    weights = weights_of(here), weights_of(there)
    epochs = len(here["history"]), len(there["history"])
    shape = lone(folders, weights, "weight")
    shape += [f"epochs: {epochs[0]} and {epochs[1]}"] if epochs[0] != epochs[1] else []
    found = Comparison(folders, tolerance, chosen)
    count = min(epochs)  # a longer history is told above
    numbers = np.arange(1, count + 1, dtype=np.float64)
    found.compare("epoch", (curves_of(here, count), curves_of(there, count)), (numbers, numbers))
    last = np.array([float(max(epochs))])
    shared = [name for name in weights[0] if name in weights[1]]
    sides = {name: weights[0][name] for name in shared}, {name: weights[1][name] for name in shared}
    shape += found.compare("weights", sides, (last, last))
    settings = parts_of(here["identity"], there["identity"])
    return concluded("trainings", found, settings, unlike(here["record"], there["record"]), shape)


def weights_of(content: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Those that are the model, each as one frame."""
    from scenegrad.surrogates.training.checkpoint import best_weights

    return {name: array_of(value)[None] for name, value in best_weights(content).items()}


def curves_of(content: Mapping[str, Any], count: int) -> dict[str, np.ndarray]:
    lines = content["history"][:count]
    return {key: np.array([nan_for(line[key]) for line in lines]) for key in ("loss", "validation")}


def array_of(tensor: Any) -> np.ndarray:
    import torch

    return (tensor.to(torch.float32) if tensor.dtype == torch.bfloat16 else tensor).detach().cpu().numpy()


def nan_for(value: float | None) -> float:
    return float("nan") if value is None else value


def concluded(
    kind: str, found: Comparison, scene: Iterable[Pair], makers: Sequence[Pair], shape: Sequence[str]
) -> Difference:
    found.refuse_unknown()
    one, other = map(str, found.folders)
    told = tuple(scene), tuple(makers), tuple(shape)
    return Difference(kind, one, other, found.tolerance, *told, found.first, tuple(found.summed()))


COMPARE = {"runs": diff_runs, "datasets": diff_datasets, "trainings": diff_trainings}


# ---- scenes and settings


def parts_of(one: Any, other: Any, address: str = "") -> Iterator[Pair]:
    """Where two nested tables part, by address."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in dict.fromkeys([*one, *other]):
            below = f"{address}.{key}" if address else ("" if key == "entities" else str(key))
            yield from parts_of(one.get(key, MISSING), other.get(key, MISSING), below)
    elif listed(one) and listed(other) and len(one) == len(other) and any(map(nested, [*one, *other])):
        for index, (here, there) in enumerate(zip(one, other, strict=True)):
            yield from parts_of(here, there, f"{address}.{index}" if address else str(index))
    elif listed(one) and listed(other):
        if list(one) != list(other):
            yield address, one, other
    elif one != other:
        yield address, one, other


def plain(value: Any) -> Any:
    """With None for what is no number, which JSON does not know."""
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if listed(value):
        return [plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def listed(value: Any) -> bool:
    return isinstance(value, list | tuple)


def nested(value: Any) -> bool:
    return isinstance(value, Mapping) or listed(value)


def shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
