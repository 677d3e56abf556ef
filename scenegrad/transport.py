"""How fast the atoms of a run wander, with error bars and a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenegrad.engine.errors import EngineError
from scenegrad.engine.jackknife import Estimate
from scenegrad.scenes.atom_outputs import MSD, VelocityCorrelation
from scenegrad.solvers.md.observables.transport import correlation, einstein, green_kubo

if TYPE_CHECKING:
    from scenegrad.runs import Run

__all__ = ["Curve", "Diffusion", "diffusion"]


@dataclass(frozen=True)
class Curve:
    """A correlation by lag, and the diffusion constants that follow from it: one, or one for each upper limit."""

    lag: Any  # [time]
    values: Estimate
    constant: Estimate
    limits: Any  # lags that the constants belong to
    units: str


@dataclass(frozen=True)
class Diffusion:
    """by_slope: from the mean square displacement; by_integral: from the velocity correlation, up to each even lag.
    None where the run has no such output."""

    by_slope: Curve | None
    by_integral: Curve | None
    time_unit: str
    folder: Path

    def plot(self, out: str | Path | None = None) -> Path:
        """Draws both with error bars and returns the path of the plot; diffusion.png in the folder of the run."""
        from scenegrad import view

        return view.plot_diffusion(self, out or self.folder / "diffusion.png")


def diffusion(
    run: Run, after: float | None = None, of: str | None = None, outputs: Sequence[str] | None = None
) -> Diffusion:
    """Diffusion constants of a run with an output MSD or VelocityCorrelation, or both.

    after: the lag from which on the mean square displacement is a line [time]; half the longest one if it is left out.
    of: a species; all atoms if it is left out. outputs: names of those to use, of a run that has several of a kind.
    """
    asked, dim = run.scene.outputs, int(run.scene.dim)
    names: dict[type[MSD | VelocityCorrelation], str] = {}
    for kind in (MSD, VelocityCorrelation):
        alike = [name for name, one in asked.items() if isinstance(one, kind) and name in (outputs or asked)]
        if len(alike) > 1:
            raise EngineError(f"{run.folder} has several outputs of a kind, {', '.join(alike)}; name one in outputs=.")
        if alike:
            names[kind] = alike[0]
    if not names:
        raise EngineError(f"{run.folder} has neither an MSD nor a VelocityCorrelation among its outputs; add one.")
    slope = integral = None
    for kind, name in names.items():
        output = run[name]
        lag, key = np.asarray(output.coordinates()["lag"]), asked[name].kind + (f"_{of}" if of else "")
        if key not in output.quantities:
            raise EngineError(f"{name} has no {key}; it recorded {', '.join(output.quantities)}.")
        frames, unit = np.asarray(output.quantities[key]), output.quantities[key].units
        if kind is MSD:
            begin = 0.5 * lag[-1] if after is None else after
            slope = Curve(lag, correlation(frames, lag), einstein(frames, lag, dim, begin), lag[lag >= begin], unit)
        else:
            found = green_kubo(frames, lag, dim)
            integral = Curve(lag, correlation(frames, lag), found, lag[::2][: len(found.mean)], unit)
    return Diffusion(slope, integral, run[next(iter(names.values()))].time_unit, run.folder)
