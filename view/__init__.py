"""Pictures, movies and windows of results, drawn with PyVista when asked for.

    view.screenshot("runs/wake", "wake.png", field="vorticity")
    view.movie("runs/drop", "drop.gif")
    view.show("runs/argon")

Everything is drawn in a process of its own, so that nothing that goes wrong with graphics can take a simulation along.
Where a field has one value per sample it is shown as it is; of a vector its length ("velocity" is shown as speed) or a
component ("velocity_x"); of a tensor its determinant.
"""

if __name__ == "view":  # a second module beside the real one: every kernel would be built twice
    raise ImportError("import scenegrad.view: the bare name 'view' belongs to no package of ours")

from scenegrad.view.errors import ViewError
from scenegrad.view.front import mesh_screenshot, movie, screenshot, show, show_mesh
from scenegrad.view.rendering import probe_rendering, render_in_child

__all__ = [
    "ViewError", "mesh_screenshot", "movie", "probe_rendering", "render_in_child", "screenshot", "show", "show_mesh",
]  # fmt: skip
