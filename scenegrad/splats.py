"""Gaussian splats of a run as files that a viewer of splats opens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scenegrad.engine.errors import FileError
from scenegrad.runs import Run

if TYPE_CHECKING:
    from scenegrad.engine.files.splats import Splats

__all__ = ["write_splats"]


def write_splats(run: Run | str | Path, output: str | None = None, folder: str | Path | None = None) -> list[Path]:
    """Writes the Gaussians of every frame, moved and deformed, as 00000.ply, 00001.ply, ... and returns the paths.

    output: the name of a `Gaussians` output; it may be left out where there is one. folder: one named like the output,
    in that of the run, if left out. The files are in the coordinates of the scene, with the properties of the file that
    the Gaussians came from. Particles that only fill the inside are not among them.
    """
    run = run if isinstance(run, Run) else Run(run)
    name = chosen(run, output)
    at_rest, frames = splats_at_rest(run, name), run[name]
    where = Path(folder) if folder is not None else run.folder / name
    where.mkdir(parents=True, exist_ok=True)
    written = []
    for frame, (position, deformation) in enumerate(zip(frames.position, frames.deformation, strict=True)):
        moved = at_rest.deformed(np.asarray(position, np.float64), np.asarray(deformation, np.float64))
        written.append(where / f"{frame:05d}.ply")
        moved.save(written[-1])
    return written


def chosen(run: Run, output: str | None) -> str:
    from scenegrad.scenes.outputs import Gaussians

    known = [name for name, kind in run.scene.outputs.items() if isinstance(kind, Gaussians)]
    if not known:
        raise FileError(
            f"{run.folder} has no Gaussians to write. Add an output to its scene, such as "
            f"Gaussians('body', every=0.04), for a body that Splats fill."
        )
    if output is None and len(known) == 1:
        return known[0]
    if output not in known:
        raise FileError(f"{run.folder} has the Gaussians {', '.join(known)}; say which one, not {output!r}.")
    return output


def splats_at_rest(run: Run, name: str) -> Splats:
    from scenegrad.solvers.shared.sources import placed_splats

    entity = run.scene.at(f"outputs.{name}.entity")
    return placed_splats(run.scene.at(f"{entity}.shape"))
