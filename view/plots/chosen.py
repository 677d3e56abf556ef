"""Which plot shows an output of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scenegrad.view.errors import ViewError
from scenegrad.view.files import need_run, resolved
from scenegrad.view.plots.diagnostics import plot_diagnostics
from scenegrad.view.plots.history import plot_history
from scenegrad.view.plots.recorded import outputs_of, read_series
from scenegrad.view.plots.series import plot_rdf, plot_series
from scenegrad.view.plots.spectra import plot_spectrum
from scenegrad.view.plots.steps import plot_steps

__all__ = ["plot_output", "usual_output"]

TELLING = ("diagnostics", "thermo", "energy", "rdf", "spectrum")  # outputs by their usual names, best first


def plot_output(run: Any, output: str | None = None, out: str | Path | None = None) -> Path:
    """Draws an output of numbers in the plot that suits it and returns the path.

    output: its name, or one quantity of it: "energy", "energy.kinetic"; "spectrum" is made of the frames of a flow
    where it was not asked for, "steps" of the lengths of the steps. What tells most if left out; of a training its
    losses."""
    folder = resolved(run)
    if output is None and (folder / "log.jsonl").is_file():
        return plot_history(folder, out)
    known = outputs_of(run)
    name = output if output is not None else usual_output(run, known)
    if name not in known and name == "spectrum":
        return plot_spectrum(run, out)
    if name not in known and name == "steps":
        return plot_steps(run, out)
    kind = kind_of(run, name) if name in known else ""
    if kind == "diagnostics":
        return plot_diagnostics(run, out, name=name)
    return plot_rdf(run, out, name=name) if kind == "rdf" else plot_series(run, name, out)


def usual_output(run: Any, known: list[str]) -> str:
    """The output that tells most of a run."""
    if not known:
        need_run(resolved(run))
        raise ViewError(
            f"{resolved(run)} holds no numbers to plot: its scene asks for no series. Add an output such as "
            "Energy(every=...), look at its frames with `scenegrad view`, or draw its steps: `plot RUN steps`."
        )
    return next((name for name in TELLING if name in known), known[0])


def kind_of(run: Any, name: str) -> str:
    """ "diagnostics" or "rdf" where the output is one, whatever its name."""
    recorded = read_series(run, name)
    if "radius" in recorded.coordinates and "rdf" in recorded.quantities and len(recorded.quantities) == 1:
        return "rdf"
    told = [key for key in recorded.quantities if key.endswith(("_rate", "_residual"))]
    return "diagnostics" if told and name == "diagnostics" else ""
