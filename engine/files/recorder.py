"""The outputs of one simulation: each probe in the file that suits it, all committed together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from scenegrad.engine.files.formats import Format, format_of
from scenegrad.engine.files.frames import FrameFile, part_name
from scenegrad.engine.solver import Probe

__all__ = ["Recorder", "arrays"]


class Recorder:
    """Files that open with their first frame."""

    def __init__(self, folder: Path, probes: Sequence[Probe], provenance: Mapping[str, Any], time_unit: str):
        self.folder, self.provenance, self.time_unit = folder, provenance, time_unit
        self.formats: dict[str, Format] = {probe.name: format_of(probe) for probe in probes}
        self.files: dict[str, FrameFile] = {}

    @property
    def names(self) -> list[str]:
        """The files that the probes lead to."""
        return sorted({format.file_name for format in self.formats.values()})

    @property
    def frames(self) -> dict[str, int]:
        return {name: n for file in self.files.values() for name, n in file.frames.items()}

    def resume(self, frames: Mapping[str, int]) -> None:
        """Goes on with the unfinished files, cut back to `frames` of each probe.

        Files are completed only after the last checkpoint: one that has its name already gets no more frames.
        """
        for name in sorted({self.formats[probe].file_name for probe, count in frames.items() if count}):
            if (self.folder / name).exists() and not part_name(self.folder / name).exists():
                continue
            self.files[name] = FrameFile.reopen(self.folder / name, self.formats, frames, self.time_unit)

    def restart(self) -> None:
        """Forgets unfinished files that no checkpoint goes with."""
        for name in self.names:
            part_name(self.folder / name).unlink(missing_ok=True)

    def write(self, probe: Probe, time: float, step: int, measured: Mapping[str, Tensor]) -> None:
        """Adds one frame of member 0; it counts after the next commit."""
        format = self.formats[probe.name]
        name = format.file_name
        if name not in self.files:
            self.files[name] = FrameFile.create(self.folder / name, self.provenance, self.time_unit)
        self.files[name].append(format, probe.name, time, step, arrays(measured))

    def commit(self) -> None:
        for file in self.files.values():
            file.commit()

    def sync(self) -> None:
        for file in self.files.values():
            file.sync()

    def seal(self) -> None:
        for file in self.files.values():
            file.seal()

    def close(self) -> None:
        for file in self.files.values():
            file.close()


def arrays(measured: Mapping[str, Tensor], member: int = 0) -> dict[str, np.ndarray]:
    """One member of what a probe measured, on the host."""
    return {key: value[member].detach().cpu().numpy() for key, value in measured.items()}
