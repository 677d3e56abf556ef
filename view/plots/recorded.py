"""The numbers that a run wrote to series.h5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.scenes.errors import nearest
from scenegrad.view.committed import committed_times, open_hdf5, setting_in, unit_of
from scenegrad.view.errors import ViewError
from scenegrad.view.files import resolved
from scenegrad.view.setting import Setting

__all__ = ["Recorded", "outputs_of", "read_series"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Recorded:
    """One output: quantities [frame, ...] over time, and axes that stand still, such as the radii of g(r)."""

    name: str
    times: Array
    time_unit: str
    quantities: Mapping[str, Array]
    coordinates: Mapping[str, Array]
    units: Mapping[str, str]


def read_series(run: Any, name: str) -> Recorded:
    """An output of a run, or one quantity of it: "energy" or "energy.total". run: its folder, its series.h5, a Run."""
    path = series_file(resolved(run))
    output, _, quantity = name.partition(".")
    with open_hdf5(path) as file:
        known = sorted(key for key in file if key != "scenegrad")
        if output not in known:
            raise ViewError(
                f"{path} has no output {output!r}; it has {', '.join(known) or 'none'}.{nearest(output, known)}"
            )
        group = file[output]
        listed = np.asarray(group["time"], dtype=np.float64) if "time" in group else None
        times = committed_times(file, output, listed)
        nodes = {key: node for key, node in group.items() if key != "time" and hasattr(node, "shape")}
        if quantity and quantity not in nodes:
            raise ViewError(f"{output} recorded {', '.join(nodes)}, but no {quantity!r}.{nearest(quantity, nodes)}")
        chosen = {quantity: nodes[quantity]} if quantity else nodes
        setting = setting_in(file)
        axes = dict(group["coordinates"].items()) if "coordinates" in group else {}
        return Recorded(
            output,
            times,
            setting.time_unit,
            {key: np.asarray(node[: len(times)], dtype=np.float64) for key, node in chosen.items()},
            {key: np.asarray(node, dtype=np.float64) for key, node in axes.items()},
            {key: unit_in(setting, unit_of(node)) for key, node in (chosen | axes).items()},
        )


def unit_in(setting: Setting, unit: str) -> str:
    """A unit whose power is the dimension, d, with the number of the scene."""
    return unit.replace("^d", f"^{setting.dim}" if setting.dim != 1 else "") if setting.dim else unit


def outputs_of(run: Any) -> list[str]:
    """Names of the outputs of numbers of a run; none where there is no series.h5."""
    path = resolved(run)
    try:
        path = series_file(path)
    except ViewError:
        return []
    with open_hdf5(path) as file:
        return sorted(key for key in file if key != "scenegrad")


def series_file(path: Path) -> Path:
    """The file of series in the folder of a run, finished or not."""
    if path.is_file():
        return path
    for name in ("series.h5", "series.part.h5"):
        if (path / name).is_file():
            return path / name
    raise ViewError(
        f"{path} holds no series.h5: its scene asks for no series of numbers. Add an output such as Energy(every=...)."
    )
