"""Frames copied into a file of this package's own kind."""

from __future__ import annotations

from pathlib import Path

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.formats import format_of
from scenegrad.engine.files.frames import FrameFile
from scenegrad.engine.solver import Atoms, Layout, Points, Probe
from scenegrad.exporting.recording import Recording

__all__ = ["write_h5md", "write_vtkhdf"]


def write_vtkhdf(recording: Recording, path: Path) -> list[Path]:
    """Temporal VTKHDF. Atoms become points that carry species and mass; they are unwrapped, and the box is left out."""
    layout = recording.layout
    if isinstance(layout, Atoms):
        return copied(recording, Points({"species": layout.species, "mass": layout.mass}), path, without="box")
    return copied(recording, layout, path)


def write_h5md(recording: Recording, path: Path) -> list[Path]:
    """H5MD 1.1. Atoms are unwrapped."""
    return copied(recording, recording.layout, path)


def copied(recording: Recording, layout: Layout, path: Path, without: str | None = None) -> list[Path]:
    """One file, which gets its name when it is whole. without: a quantity that it has no room for."""
    if path.resolve() == recording.output.file.resolve():
        raise FileError(f"{path} is the file of the run itself. Write to another one with --out.")
    format = format_of(Probe(path.stem, 0.0, lambda state, params: {}, layout, recording.units))
    about = {key: value for key, value in recording.output.provenance.items() if isinstance(value, str | int | float)}
    file = FrameFile.create(path, about, recording.output.time_unit)
    try:
        for frame in recording:
            values = {key: value for key, value in frame.values.items() if key != without}
            file.append(format, path.stem, frame.time, frame.step, values)
        file.seal()
    finally:
        file.close()
    return [path]
