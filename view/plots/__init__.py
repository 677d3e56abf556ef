"""Plots of numbers over time, over a radius or over training, drawn with matplotlib when asked for."""

from scenegrad.view.plots.compare import compare_fields
from scenegrad.view.plots.diagnostics import plot_diagnostics
from scenegrad.view.plots.diffusion import plot_diffusion
from scenegrad.view.plots.history import plot_history
from scenegrad.view.plots.series import plot_rdf, plot_series
from scenegrad.view.plots.steps import plot_steps

__all__ = [
    "compare_fields",
    "plot_diagnostics",
    "plot_diffusion",
    "plot_history",
    "plot_rdf",
    "plot_series",
    "plot_steps",
]
