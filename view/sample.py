"""The smallest picture that tells whether pictures can be made."""

from __future__ import annotations

from scenegrad.view.errors import ViewError
from scenegrad.view.rendering import INSTALL
from scenegrad.view.stage import add_lights, stage

__all__ = ["draw_sample"]


def draw_sample() -> None:
    """Draws a red ball and looks whether it is there."""
    plotter = stage((48, 48))
    import pyvista

    add_lights(plotter)
    plotter.add_mesh(pyvista.Sphere(), color="red")
    picture = plotter.screenshot(return_img=True)
    plotter.close()
    if picture is None or int(picture.max()) == int(picture.min()):
        raise ViewError(f"VTK runs, but its pictures are blank. {INSTALL}.")
