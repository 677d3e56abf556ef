"""Plots of numbers over time, over a radius or over training, drawn with matplotlib when asked for."""

from scenegrad.view.plots.chosen import plot_output
from scenegrad.view.plots.compare import compare_fields
from scenegrad.view.plots.convergence import plot_convergence
from scenegrad.view.plots.curves import Bars, Curve, Panel, plot_panels
from scenegrad.view.plots.diagnostics import plot_diagnostics
from scenegrad.view.plots.diffusion import plot_diffusion
from scenegrad.view.plots.history import plot_history
from scenegrad.view.plots.series import plot_rdf, plot_series
from scenegrad.view.plots.spectra import plot_spectrum
from scenegrad.view.plots.steps import plot_steps
from scenegrad.view.plots.tiles import Row, plot_tiles

__all__ = [
    "Bars",
    "Curve",
    "Panel",
    "Row",
    "compare_fields",
    "plot_convergence",
    "plot_diagnostics",
    "plot_diffusion",
    "plot_history",
    "plot_output",
    "plot_panels",
    "plot_rdf",
    "plot_series",
    "plot_spectrum",
    "plot_steps",
    "plot_tiles",
]
