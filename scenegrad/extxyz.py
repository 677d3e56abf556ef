"""Trajectories of atoms as extended XYZ, the text that most programs for atoms read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from scenegrad.engine.errors import FileError
from scenegrad.runs import Run

__all__ = ["write_extxyz"]

COLUMNS = {"position": "pos", "velocity": "vel", "force": "forces"}


def write_extxyz(run: Run | str | Path, output: str | None = None, path: str | Path | None = None) -> Path:
    """Writes all frames of a `Particles` output of atoms into one file, and returns its path.

    output: its name; it may be left out where there is one. path: of the file; beside the run's own if left out.
    Numbers have all the digits of the run and its units, which the second line of every frame names. Positions are
    unwrapped.
    """
    run = run if isinstance(run, Run) else Run(run)
    found = {file.stem: file for file in sorted(run.folder.glob("*.h5md")) if not file.stem.endswith(".part")}
    if not found:
        raise FileError(f"{run.folder} has no atoms to write; add Particles('velocity', every=...) to the outputs.")
    if output is None and len(found) == 1:
        output = next(iter(found))
    if output not in found:
        raise FileError(f"{run.folder} has no atoms under {output!r}; name one of {', '.join(found)}.")
    path = Path(path) if path is not None else found[output].with_suffix(".extxyz")
    try:
        file = h5py.File(found[output], locking=False)
    except OSError as error:
        raise FileError(f"{found[output]} cannot be read as HDF5 ({error}).") from error
    with file, path.open("w") as text:
        write(file[f"particles/{output}"], str(file["scenegrad"].attrs["units"]), text.write)
    return path


def write(atoms: h5py.Group, units: str, put: Callable[[str], object]) -> None:
    names = [name if isinstance(name, str) else name.decode() for name in atoms["species"].attrs["names"]]
    kind = [names[index] for index in atoms["species"][...]]
    mass = atoms["mass"][...]
    known = [name for name in COLUMNS if name in atoms]
    digits = 9 if atoms["position/value"].dtype == np.float32 else 17
    edges, time = atoms["box/edges/value"], atoms["box/edges/time"]
    dim = edges.shape[1]
    to_space = ((0, 3 - dim), (0, 3 - dim))
    what = "species:S:1:" + "".join(f"{COLUMNS[name]}:R:3:" for name in known) + "mass:R:1"
    for frame in range(len(time)):
        box = np.pad(edges[frame] if edges.ndim == 3 else np.diag(edges[frame]), to_space)
        lattice = " ".join(f"{edge:.17g}" for edge in box.ravel())
        open_ = " ".join("T" if edge > 0.0 else "F" for edge in np.diagonal(box))
        head = f'Lattice="{lattice}" Properties={what} pbc="{open_}" time={time[frame]:.17g} units={units}'
        parts = [np.pad(atoms[f"{name}/value"][frame], ((0, 0), (0, 3 - dim))) for name in known]
        rows = np.concatenate([*parts, mass[:, None]], axis=1)
        lines = [f"{k} " + " ".join(f"{x:.{digits}g}" for x in row) for k, row in zip(kind, rows, strict=True)]
        put(f"{len(kind)}\n{head}\n" + "\n".join(lines) + "\n")
