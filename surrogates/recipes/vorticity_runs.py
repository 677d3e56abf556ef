"""Runs of models and solvers along the same vorticities: how long they stay with the truth, and how that looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from scenegrad.surrogates.constraints import divergence
from scenegrad.surrogates.data.samples import Samples, Window
from scenegrad.surrogates.evaluation.cost import Coarse
from scenegrad.surrogates.evaluation.forecasts import blocks, chance_of
from scenegrad.surrogates.evaluation.rollouts import carry, correlation, steps_above
from scenegrad.surrogates.evaluation.spectrum import power_spectrum, spectrum_error
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.recipes.plane_flow import velocity_of
from scenegrad.view.plots import Curve, Panel, Row, plot_panels, plot_tiles
from scenegrad.view.report import Picture

__all__ = ["Run", "carried", "draw_runs", "relative_divergence", "solved"]


@dataclass(frozen=True)
class Run:
    """frames, true: the vorticity after each step along the test trajectories [trajectory, step, nx, ny]. every: [s]
    between them."""

    name: str
    frames: Tensor
    true: Tensor
    every: float

    @property
    def correlated(self) -> Tensor:
        """[trajectory, step]"""
        steps = [correlation(a, b) for a, b in zip(self.frames.unbind(1), self.true.unbind(1), strict=True)]
        return torch.stack(steps, dim=1)

    @property
    def correlation_time(self) -> float:
        """How long the correlation stays above 0.8 [s]."""
        return steps_above(self.correlated, 0.8) * self.every

    @property
    def spectrum(self) -> float:
        """Mean |log10| of the ratio of the spectra over the last quarter."""
        late = [x[:, -(x.shape[1] // 4 + 1) :].flatten(0, 1) for x in (self.frames, self.true)]
        return spectrum_error(late[0], late[1], 2)


def carried(name: str, model: Dressed, samples: Samples) -> Run:
    """A model of vorticities, by itself; of one that draws, one draw."""
    window = next(blocks(model, samples, "test"))
    with chance_of(0):
        return run(name, [made["vorticity"] for made in carry(model, window)], window)


def solved(coarse: Coarse, cells: int, model: Dressed, samples: Samples) -> Run:
    """The solver on another grid."""
    window = next(blocks(model, samples, "test"))
    return run(f"solver, {cells} cells", [made["vorticity"] for made in coarse(cells, window)()], window)


def run(name: str, frames: Sequence[Tensor], window: Window) -> Run:
    true = [one["vorticity"] for one in window.targets]
    return Run(name, torch.stack(list(frames), 1).cpu(), torch.stack(true, 1).cpu(), float(window.dt[0]))


def relative_divergence(model: Any, samples: Samples) -> float:
    """Of the velocities after one step, the root mean square over that of their vorticity."""
    window = next(blocks(model, samples, "test"))
    with torch.no_grad():
        u = model({"velocity": velocity_of(window.inputs["vorticity"])}, window.params, window.dt)["velocity"]
    turned = torch.stack([u[..., 1], -u[..., 0]], dim=-1)
    return float(divergence(u).square().mean().sqrt() / divergence(turned).square().mean().sqrt())


def draw_runs(folder: Path, models: Sequence[Run], solvers: Sequence[Run]) -> tuple[Picture, ...]:
    """Vorticities side by side, correlations over time, spectra at the end."""
    true, every, steps = models[0].true, models[0].every, models[0].true.shape[1]
    at = sorted({min(steps - 1, n) for n in (0, steps // 8, steps // 3, steps - 1)})
    shown = [true[0, n].numpy() for n in at]
    rows = [Row("truth", shown, [f"{(n + 1) * every:g} s" for n in at], "vorticity", "1/s")]
    rows += [Row(r.name, [r.frames[0, n].numpy() for n in at], like=shown) for r in (*models, *solvers[:1])]
    times, count = every * torch.arange(1, steps + 1), len(models)
    curves = [Curve(times, r.correlated.mean(0), r.name, "-" if n < count else "--", n)
              for n, r in enumerate((*models, *solvers))]  # fmt: skip
    k = torch.arange(1, true.shape[-1] // 2)
    ends: Mapping[str, Tensor] = {"truth": true[:, -1], **{r.name: r.frames[:, -1] for r in models}}
    spectra = [
        Curve(k, power_spectrum(w, 2).mean(0)[1 : len(k) + 1], name, colour=n - 1 if n else "soft")
        for n, (name, w) in enumerate(ends.items())
    ]
    panels = [
        Panel(curves, x="time [s]", y="correlation with the truth", levels={"": 0.8}, floor=-0.1),
        Panel(spectra, x="wavenumber", y="power of the vorticity at the end", log="xy"),
    ]
    return (
        Picture(plot_tiles(rows, folder / "vorticity.png"),
                "Vorticity of one test trajectory, each model carried on by itself from the first frame."),
        Picture(plot_panels(panels, folder / "correlation.png"),
                "Left: correlation with the truth, the mean over the test trajectories; dashed, the solver on other "
                "grids. Right: spectra at the end."),
    )  # fmt: skip
