"""Trajectories of atoms as extended XYZ, the text that most programs for atoms read."""

from __future__ import annotations

from pathlib import Path

from scenegrad.engine.errors import FileError
from scenegrad.exporting.extxyz import write_xyz
from scenegrad.exporting.recording import Recording
from scenegrad.runs import Run

__all__ = ["write_extxyz"]


def write_extxyz(run: Run | str | Path, output: str | None = None, path: str | Path | None = None) -> Path:
    """Writes all frames of a `Particles` output of atoms into one file, and returns its path.

    output: its name; it may be left out where there is one. path: of the file; beside the run's own if left out.
    Numbers have all the digits of the run and its units, which the second line of every frame names. Positions are
    unwrapped.
    """
    run = run if isinstance(run, Run) else Run(run)
    found = {name: held for name, held in run.outputs.items() if held.kind == "atoms"}
    if not found:
        raise FileError(f"{run.folder} has no atoms to write; add Particles('velocity', every=...) to the outputs.")
    if output is None and len(found) == 1:
        output = next(iter(found))
    if output not in found:
        raise FileError(f"{run.folder} has no atoms under {output!r}; name one of {', '.join(found)}.")
    held = found[output]
    where = Path(path) if path is not None else run.folder / f"{output}.extxyz"
    return write_xyz(Recording(held, range(len(held))), where)[0]
