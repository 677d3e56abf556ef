"""Pictures, movies, windows and pages of results, drawn with PyVista when asked for.

    view.screenshot("runs/wake", "wake.png", field="vorticity")
    view.screenshot("runs/turbulence", style=view.Isosurfaces(of="q_criterion"), clip="x=0.5", cmap="magma")
    view.compare("runs/solver", "runs/surrogate", "compare.mp4")
    view.movie("runs/drop", "drop.gif")
    view.show("runs/argon")
    view.serve("runs/argon")

Everything is drawn in a process of its own, so that nothing that goes wrong with graphics can take a simulation along.
Where a field has one value per sample it is shown as it is; of a vector its length ("velocity" is shown as speed) or a
component ("velocity_x"); of a deformation its determinant, the ratio of volumes. Where there are several bodies they
are told apart by colour unless a field is asked for. Colliders and rigid bodies stand where the run recorded them by
`RigidPose`, else where the scene moves them; faintly, where they started, if neither tells. Plots of numbers are drawn
with matplotlib, in the process of the caller.
"""

if __name__ == "view":  # a second module beside the real one: every kernel would be built twice
    raise ImportError("import scenegrad.view: the bare name 'view' belongs to no package of ours")

from importlib import import_module
from typing import TYPE_CHECKING, Any

from scenegrad.view.choices import Clip
from scenegrad.view.errors import ViewError
from scenegrad.view.front import compare, mesh_screenshot, movie, screenshot, serve, show, show_mesh
from scenegrad.view.rendering import probe_rendering, render_in_child
from scenegrad.view.styles import Arrows, Atoms, Image, Isosurfaces, Particles, Slices, Streamlines, Surface, Volume

if TYPE_CHECKING:
    from scenegrad.view.plots import (
        compare_fields,
        plot_convergence,
        plot_diagnostics,
        plot_diffusion,
        plot_history,
        plot_output,
        plot_rdf,
        plot_series,
        plot_spectrum,
        plot_steps,
    )

__all__ = [
    "Arrows", "Atoms", "Clip", "Image", "Isosurfaces", "Particles", "Slices", "Streamlines", "Surface", "ViewError",
    "Volume", "compare", "compare_fields", "mesh_screenshot", "movie", "plot_convergence", "plot_diagnostics",
    "plot_diffusion", "plot_history", "plot_output", "plot_rdf", "plot_series", "plot_spectrum", "plot_steps",
    "probe_rendering", "render_in_child", "screenshot", "serve", "show", "show_mesh",
]  # fmt: skip

PLOTS = (
    "compare_fields",
    "plot_convergence",
    "plot_diagnostics",
    "plot_diffusion",
    "plot_history",
    "plot_output",
    "plot_rdf",
    "plot_series",
    "plot_spectrum",
    "plot_steps",
)


def __getattr__(name: str) -> Any:
    """Plots are loaded when they are first used: they need numpy, the rest of this module nothing."""
    if name in PLOTS:
        return getattr(import_module("scenegrad.view.plots"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
