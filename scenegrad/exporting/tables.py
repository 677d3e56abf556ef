"""Numbers alone: .npz for numpy, .csv for everything else."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from scenegrad.engine.files.atomic import appearing, write_text
from scenegrad.engine.solver import Atoms, Grid, Points, Series
from scenegrad.exporting.recording import Recording

__all__ = ["write_csv", "write_npz"]


def write_npz(recording: Recording, path: Path) -> list[Path]:
    """Arrays "time", "step" and each quantity [frame, ...] with as many digits as the run has, and what stands still:
    axes of grids, labels, species and mass, coordinates of series. Nothing of it needs pickle."""
    steps = recording.output.steps[recording.numbers.start : recording.numbers.stop : recording.numbers.step]
    with appearing(path) as part, zipfile.ZipFile(part, "w", allowZip64=True) as archive:
        for name, array in {"time": recording.times, "step": steps, **fixed(recording)}.items():
            put(archive, name, array.shape, array.dtype, [array])
        for key, quantity in recording.output.quantities.items():
            shape = (len(recording), *quantity.column.shape)
            put(archive, key, shape, quantity.dtype, (frame.values[key] for frame in recording))
    return [path]


def put(
    archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: np.dtype, parts: Iterable[np.ndarray]
) -> None:
    """One array, a part at a time, so that it need not fit into memory."""
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        head = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, head)
        for part in parts:
            file.write(np.ascontiguousarray(part).tobytes())


def fixed(recording: Recording) -> dict[str, np.ndarray]:
    layout = recording.layout
    if isinstance(layout, Grid):
        rows = zip("xyz", layout.origin, layout.spacing, layout.cells, strict=False)
        found = {axis: origin + spacing * np.arange(cells) for axis, origin, spacing, cells in rows}
    elif isinstance(layout, Atoms):
        box = {} if "box" in recording.output.quantities else {"box": layout.box[0].numpy()}
        names = np.array(layout.names)
        found = {"species": layout.species.numpy(), "names": names, "mass": layout.mass.numpy(), **box}
    else:
        told = layout.labels if isinstance(layout, Points) else layout.coordinates if isinstance(layout, Series) else {}
        found = {key: values.numpy() for key, values in told.items()}
    return {key: values for key, values in found.items() if key not in recording.output.quantities}


def write_csv(recording: Recording, path: Path) -> list[Path]:
    """A row a frame: time, step, and each number; those of an array in columns name[0], name[1], ..."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    names = []
    for key, quantity in recording.output.quantities.items():
        shape = quantity.column.shape
        places = (",".join(map(str, place)) for place in np.ndindex(*shape))
        names += [f"{key}[{place}]" for place in places] if shape else [key]
    rows.writerow(["time", "step", *names])
    for frame in recording:
        numbers = [x for value in frame.values.values() for x in np.ravel(value)]
        rows.writerow([repr(frame.time), frame.step, *(np.format_float_positional(x, trim="-") if x == 0 else
                       np.format_float_scientific(x, trim="-") for x in numbers)])  # fmt: skip
    write_text(path, text.getvalue())
    return [path]
