"""A run that has been made: its numbers, its pictures, and whether it obeyed the laws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenegrad.engine.errors import EngineError, FileError
from scenegrad.engine.files.recorded import Output, Quantity, open_outputs
from scenegrad.engine.files.steps import Steps, read_steps
from scenegrad.engine.run_folder import RunFolder

if TYPE_CHECKING:
    from scenegrad.differences import Difference
    from scenegrad.scenes.scene import Scene

__all__ = ["CheckFailed", "Run", "open_run"]

TOTALS = ("total", "total_energy", "energy")  # names under which solvers report the energy that should stay


class CheckFailed(EngineError):
    """A run broke a law that it was asked to obey."""


class Run:
    """The folder of a run: `run["drag"]` is an output, `run["fields"].vorticity[-1]` the last frame of a quantity."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.record = RunFolder(self.folder).read()

    @property
    def status(self) -> str:
        """running, done, diverged, interrupted or failed."""
        return str(self.record["status"])

    @cached_property
    def scene(self) -> Scene:
        import json

        from scenegrad.scenes.scene import Scene

        return Scene.parse(json.loads(self.record["provenance"]["scene"]))

    @property
    def outputs(self) -> Mapping[str, Output]:
        """By name, as far as they are committed."""
        return open_outputs(self.folder)

    @property
    def steps(self) -> Steps:
        """Every attempt at a step, accepted or not, as far as they are on the disk."""
        return read_steps(self.folder)

    def plot_steps(self, out: str | Path | None = None) -> Path:
        """Draws dt through time, its bound and what was refused; see scenegrad.view.plot_steps."""
        from scenegrad import view

        return view.plot_steps(self.folder, out)

    def __getitem__(self, name: str) -> Output:
        found = self.outputs
        if name not in found:
            raise KeyError(f"{self.folder} has no output {name!r}; it has {', '.join(found) or 'none yet'}")
        return found[name]

    def __repr__(self) -> str:
        rows = "".join(f"\n  {output}" for output in self.outputs.values())
        return f"Run({self.folder}: {self.status}, t = {self.record['time']:g}, {self.record['steps']} steps){rows}"

    def _repr_html_(self) -> str:
        from scenegrad.run_table import run_table

        return run_table(self.folder, self.record, self.outputs)

    def view(self, **how: Any) -> None:
        """Opens a window with a slider for time, or shows the run below the cell of a notebook; see scenegrad.view.show
        for what it takes."""
        from scenegrad import view

        view.show(self.folder, **how)

    def screenshot(self, path: str | Path | None = None, **how: Any) -> Path:
        """Draws one frame into a picture file; see scenegrad.view.screenshot for what it takes."""
        from scenegrad import view

        return view.screenshot(self.folder, path, **how)

    def movie(self, path: str | Path | None = None, **how: Any) -> Path:
        """Draws all frames into a film, or a page with a slider (.html); see scenegrad.view.movie for what it takes."""
        from scenegrad import view

        return view.movie(self.folder, path, **how)

    def diff(self, other: Run | str | Path, tolerance: float = 0.0, only: Sequence[str] = ()) -> Difference:
        """Where another run parts from this one; see scenegrad.diff."""
        from scenegrad.differences import diff

        return diff(self, other, tolerance, only)

    def export(self, to: str, out: str | Path | None = None, **how: Any) -> list[Path]:
        """Writes the run in another format, such as "pvd"; see scenegrad.export for what it takes."""
        from scenegrad.exporting import export

        return export(self, to, out, **how)

    def check(
        self, *, energy_drift: float | None = None, momentum_drift: float | None = None, finite: bool = True
    ) -> Run:
        """Raises CheckFailed where the run broke a law, and returns the run where it did not.

        energy_drift: largest allowed change of the total energy, relative to its largest size. momentum_drift: the same
        for each component of the momentum, relative to the largest momentum of all.
        """
        broken: list[str] = []
        if finite:
            broken += self.not_finite()
        if energy_drift is not None:
            broken += self.drifted("the total energy", self.find(TOTALS), energy_drift)
        if momentum_drift is not None:
            broken += self.drifted("the momentum", self.find(("momentum",)), momentum_drift)
        if self.status == "diverged":
            broken.append(f"the run diverged: {self.record['error']}")
        if broken:
            raise CheckFailed(f"{self.folder}: " + "; ".join(broken) + ".")
        return self

    def not_finite(self) -> list[str]:
        return [
            f"{output.name}.{key} is not finite in frame {frame}"
            for output in self.outputs.values()
            for key, quantity in output.quantities.items()
            if first_bad_frame(quantity) is not None
            and (frame := first_bad_frame(quantity, *self.looking_back(output.name))) is not None
        ]

    def looking_back(self, name: str) -> tuple[int, int | None]:
        """Frames before an output's history is complete; until then, some of its numbers are none. And how many numbers
        of a frame are then always there: of lags further apart than frames are, not all."""
        output = self.scene.outputs.get(name)
        lags = int(getattr(output, "lags", 0))
        return lags, lags + 1 if getattr(output, "doublings", 0) else None

    def find(self, names: tuple[str, ...]) -> Quantity:
        series = [output for output in self.outputs.values() if output.kind == "series"]
        for name in names:
            for output in series:
                if name in output.quantities:
                    return output.quantities[name]
        recorded = ", ".join(f"{o.name}.{key}" for o in series for key in o.quantities) or "no series"
        raise FileError(
            f"{self.folder} recorded no {' or '.join(names)}, but {recorded}. Add an output such as "
            f"Energy(every=...) or Thermo(every=...) to the scene."
        )

    def drifted(self, what: str, quantity: Quantity, allowed: float) -> list[str]:
        values = np.asarray(quantity, dtype=np.float64)
        scale = max(float(np.abs(values).max()), 1e-300)
        drift = np.abs(values - values[0]).reshape(len(values), -1).max(axis=1) / scale
        worst = int(drift.argmax())
        if drift[worst] <= allowed:
            return []
        return [f"{what} drifted by {drift[worst]:.3g} at t = {quantity.time[worst]:g}, allowed is {allowed:g}"]


def first_bad_frame(quantity: Quantity, after: int = 0, first: int | None = None) -> int | None:
    """The first frame after some that holds what is not finite, among its `first` numbers or among all."""
    if quantity.dtype.kind != "f":
        return None
    frames = (np.atleast_1d(quantity[n])[..., :first] for n in range(after, len(quantity)))
    return next((n for n, frame in enumerate(frames, after) if not np.isfinite(frame).all()), None)


def open_run(path: str | Path) -> Run:
    """The run in a folder, finished or not; a FileError where there is none."""
    return Run(path)
