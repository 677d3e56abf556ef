"""The folder of one run: who writes to it, what it holds, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenegrad.engine.errors import FileError, OutputInUse
from scenegrad.engine.files.atomic import write_json
from scenegrad.engine.files.frames import part_name
from scenegrad.engine.lock import Lock
from scenegrad.system import sweep

__all__ = ["FORMAT", "RunFolder"]

FORMAT = 1  # of run.json


@dataclass(frozen=True)
class RunFolder:
    """run.json, scene.toml, the outputs, checkpoint.h5 and, while somebody writes, a lock."""

    path: Path

    @property
    def record(self) -> Path:
        return self.path / "run.json"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.h5"

    @property
    def lock(self) -> Lock:
        return Lock(self.path / "lock")

    def read(self) -> dict[str, Any]:
        """What run.json says; FileError where there is no run."""
        if not self.record.is_file():
            raise FileError(
                f"{self.path} holds no run: there is no {self.record.name}. Give the folder that `run` wrote to."
            )
        try:
            return json.loads(self.record.read_text())
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise FileError(f"{self.record} cannot be read: {error}.") from error

    def write(self, table: Mapping[str, Any]) -> None:
        write_json(self.record, {"format": FORMAT, **table})

    def refuse_another(self, identity: Mapping[str, Any]) -> None:
        """Raises OutputInUse where the folder holds anything but a run of this identity."""
        if self.record.is_file():
            held = self.read().get("identity", {})
            differing = [key for key in identity if held.get(key) != identity[key]]
            if differing:
                what = "; ".join(f"{key} {short(held.get(key))}, now {short(identity[key])}" for key in differing)
                raise OutputInUse(
                    f"{self.path} already holds another run ({what}). Write to another folder with --out, or replace "
                    f"it with --overwrite."
                )
        elif self.path.is_dir() and (
            strangers := [p.name for p in self.path.iterdir() if not p.name.startswith("lock")]
        ):
            raise OutputInUse(
                f"{self.path} is not empty and holds no run (but {', '.join(sorted(strangers)[:3])}). "
                f"Write to another folder with --out."
            )

    def sweep(self) -> None:
        """Removes what a process that died was writing besides its outputs."""
        for file in (self.checkpoint, self.record, self.path / "scene.toml"):
            sweep(file)

    def clear(self) -> None:
        """Removes what the run that is recorded here wrote, and nothing else."""
        files = self.read().get("files", []) if self.record.is_file() else []
        for name in (*files, "checkpoint.h5", "scene.toml", "run.json"):
            (self.path / name).unlink(missing_ok=True)
            part_name(self.path / name).unlink(missing_ok=True)


def short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 12 else text[:12]
