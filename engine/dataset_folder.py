"""Where the members of a dataset lie, and how each of them fared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenegrad.engine.errors import FileError, OutputInUse
from scenegrad.engine.files.atomic import write_json
from scenegrad.engine.files.disk import disk_errors
from scenegrad.engine.files.whole import is_whole
from scenegrad.engine.lock import alone

__all__ = ["FORMAT", "DatasetFolder", "Outcome", "identity_hash"]

FORMAT = 1  # of manifest.json


@dataclass(frozen=True)
class Outcome:
    """What became of a member: "ok", "diverged" or "failed". seconds: wall time that it took, its share of a batch."""

    member: int
    status: str
    error: str = ""
    traceback: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class DatasetFolder:
    """manifest.json, shards/m00042.h5, failed/m00042.json; the files, not the manifest, decide how a member fared."""

    path: Path

    @property
    def manifest(self) -> Path:
        return self.path / "manifest.json"

    def shard(self, member: int) -> Path:
        return self.path / "shards" / f"m{member:05d}.h5"

    def failure(self, member: int) -> Path:
        return self.path / "failed" / f"m{member:05d}.json"

    def make(self) -> None:
        """The folder itself, in words where that cannot be."""
        with disk_errors(self.path, 0):
            self.path.mkdir(parents=True, exist_ok=True)

    def prepare(self) -> None:
        for name in ("shards", "failed"):
            (self.path / name).mkdir(parents=True, exist_ok=True)

    def status(self, count: int) -> list[str]:
        """Of each member: ok, damaged (its shard is cut off), diverged, failed or missing."""
        made = {path.name for path in (self.path / "shards").glob("m*.h5")}
        failed = {path.name for path in (self.path / "failed").glob("m*.json")}
        return [
            ("ok" if is_whole(self.shard(i)) else "damaged")
            if self.shard(i).name in made
            else self.why(i)
            if self.failure(i).name in failed
            else "missing"
            for i in range(count)
        ]

    def why(self, member: int) -> str:
        return str(self.note(member).get("status", "failed"))

    def told(self, member: int) -> str:
        """Why a member failed, in one line."""
        return (str(self.note(member).get("error", "")).splitlines() or ["unknown"])[0]

    def note(self, member: int) -> dict[str, Any]:
        try:
            return dict(json.loads(self.failure(member).read_text()))
        except (OSError, ValueError, TypeError):
            return {}

    def record(self, outcome: Outcome) -> None:
        """Notes a failure; a success needs no note, and takes an earlier failure back."""
        if outcome.status == "ok":
            self.failure(outcome.member).unlink(missing_ok=True)
        else:
            told = {key: value for key, value in vars(outcome).items() if key != "seconds"}
            write_json(self.failure(outcome.member), told)

    def sweep(self, members: Sequence[int]) -> None:
        """Removes the unfinished shards of these members, left behind by a process that died."""
        wanted = {f"m{member:05d}" for member in members}
        for path in (self.path / "shards").glob("m*.part.h5"):
            if path.name.split(".")[0] in wanted:
                path.unlink(missing_ok=True)

    def read(self) -> dict[str, Any]:
        if not self.manifest.is_file():
            raise FileError(f"{self.path} holds no dataset: there is no {self.manifest.name}. Make one with generate.")
        try:
            return json.loads(self.manifest.read_text())
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise FileError(f"{self.manifest} cannot be read: {error}.") from error

    def write(self, about: Mapping[str, Any], seconds: float = 0.0) -> None:
        """Writes the manifest with the status of every member; several processes may do so at once.

        about: what is said of the ensemble, with `n` and the table `parameters`. The larger ensemble stays. seconds:
        wall time of simulations since it was last written, which adds up over all processes.
        """
        self.prepare()
        with alone(self.path / "manifest.lock"):
            self.refuse_another(about["identity"])
            held = self.read() if self.manifest.is_file() else {"n": 0}
            if held["n"] > about["n"]:
                about = {**about, "n": held["n"], "parameters": held["parameters"]}
            spent = {"seconds": held.get("seconds", 0.0) + seconds}
            write_json(self.manifest, {"format": FORMAT, **about, **spent, "status": self.status(about["n"])})

    def refuse_another(self, identity: Mapping[str, Any]) -> None:
        """Raises OutputInUse where the folder holds anything but this ensemble."""
        if self.manifest.is_file():
            held = self.read().get("identity", {})
            differing = [key for key in identity if held.get(key) != identity[key]]
            if differing:
                what = "; ".join(f"{key} {str(held.get(key))[:12]}, now {str(identity[key])[:12]}" for key in differing)
                raise OutputInUse(f"{self.path} holds another dataset ({what}). Write to another folder with --out.")
        elif self.path.is_dir():
            known = {"shards", "failed"}
            strangers = sorted(p.name for p in self.path.iterdir() if p.name not in known and "lock" not in p.name)
            if strangers:
                raise OutputInUse(
                    f"{self.path} is not empty and holds no dataset (but {', '.join(strangers[:3])}). "
                    f"Write to another folder with --out."
                )

    def note_cost(self, cost: Mapping[str, Any]) -> None:
        """What making some members took: apart from them, as they are the same bytes each time."""
        with alone(self.path / "manifest.lock"), open(self.path / "costs.jsonl", "a") as file:
            file.write(json.dumps(dict(cost)) + "\n")

    def read_costs(self) -> list[dict[str, Any]]:
        path = self.path / "costs.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def identity_hash(identity: Mapping[str, Any]) -> str:
    """SHA-256 of all that the bytes of a member depend on."""
    return hashlib.sha256(json.dumps(dict(identity), sort_keys=True).encode()).hexdigest()
