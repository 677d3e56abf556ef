"""Atoms as extended XYZ, the text that most programs for atoms read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scenegrad.engine.files.atomic import appearing
from scenegrad.engine.solver import Atoms
from scenegrad.exporting.recording import Recording

__all__ = ["write_xyz"]

COLUMNS = {"position": "pos", "velocity": "vel", "force": "forces"}


def write_xyz(recording: Recording, path: Path) -> list[Path]:
    """Some frames of an output of atoms."""
    atoms = recording.layout
    assert isinstance(atoms, Atoms)
    quantities = recording.output.quantities
    kind = [atoms.names[index] for index in atoms.species.tolist()]
    mass = atoms.mass.numpy()
    known = [name for name in COLUMNS if name in quantities]
    digits = 9 if quantities["position"].dtype == np.float32 else 17
    dim = recording.dim
    to_space = ((0, 3 - dim), (0, 3 - dim))
    units = recording.output.provenance.get("units", "")
    what = "species:S:1:" + "".join(f"{COLUMNS[name]}:R:3:" for name in known) + "mass:R:1"
    with appearing(path) as part, part.open("w") as text:
        for frame in recording:
            edges = frame.values.get("box", atoms.box[0].numpy())
            edges = np.where(np.isfinite(edges), edges, 0.0)
            box = np.pad(edges if edges.ndim == 2 else np.diag(edges), to_space)
            lattice = " ".join(f"{edge:.17g}" for edge in box.ravel())
            wraps = " ".join("T" if edge > 0.0 else "F" for edge in np.diagonal(box))
            head = f'Lattice="{lattice}" Properties={what} pbc="{wraps}" time={frame.time:.17g} units={units}'
            parts = [np.pad(frame.values[name], ((0, 0), (0, 3 - dim))) for name in known]
            rows = np.concatenate([*parts, mass[:, None]], axis=1)
            lines = [f"{k} " + " ".join(f"{x:.{digits}g}" for x in row) for k, row in zip(kind, rows, strict=True)]
            text.write(f"{len(kind)}\n{head}\n" + "\n".join(lines) + "\n")
    return [path]
