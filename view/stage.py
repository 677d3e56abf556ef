"""A plotter as all pictures share it: white paper, white light, smooth edges."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from scenegrad.view.colours import PAPER
from scenegrad.view.errors import ViewError
from scenegrad.view.frames import Frames
from scenegrad.view.vtkhdf import ElementFrames

if TYPE_CHECKING:
    import pyvista

__all__ = ["add_lights", "choose_backend", "fitting_size", "shade", "smooth_edges", "stage"]


def choose_backend() -> None:
    """Without a display VTK draws through EGL; it must know before it is imported."""
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")


WIDTH, HEIGHT = 1024, 768
LOWEST = 340


def fitting_size(frames: Frames) -> tuple[int, int]:
    """1024 x 768 pixels, and less height for a long low picture of the plane."""
    box = frames.setting.box
    if isinstance(frames, ElementFrames):
        box = np.ptp(frames.positions(0), axis=0) * [[0.0], [1.0]]
    if frames.dim != 2 or box is None:
        return WIDTH, HEIGHT
    breadth, height = box[1, 0], box[1, 1]
    wanted = (WIDTH - 260) * height / breadth + 118  # what `overlay.flat_window` leaves
    return WIDTH, min(HEIGHT, max(LOWEST, 2 * round(wanted / 2)))


def stage(size: Sequence[int], off_screen: bool = True) -> pyvista.Plotter:
    """An empty picture of width x height pixels."""
    choose_backend()
    import pyvista

    if len(size) != 2 or min(size) < 16 or max(size) > 16384:
        raise ViewError(f"size={tuple(size)} is not understood; it is width and height in pixels, such as (1024, 768).")
    plotter = pyvista.Plotter(off_screen=off_screen, window_size=list(size), lighting="none", border=False)
    plotter.set_background(PAPER)
    smooth_edges(plotter)
    return plotter


def smooth_edges(plotter: pyvista.Plotter, smoke: bool = False) -> None:
    """By drawing larger; not of smoke, which VTK cannot draw in that way. Whatever shading there was is gone."""
    plotter.renderer.disable_anti_aliasing()
    plotter.renderer.SetPass(None)
    if not smoke:
        plotter.enable_anti_aliasing("ssaa")


def add_lights(plotter: pyvista.Plotter) -> None:
    """A key light over the left shoulder, a weak one from the right, and a little from the eye."""
    import pyvista

    for place, intensity in (((-0.6, 0.9, 0.8), 0.75), ((0.9, 0.1, 0.5), 0.25), ((0.0, 0.0, 1.0), 0.45)):
        light = pyvista.Light(position=place, focal_point=(0, 0, 0), color="white", light_type="camera light")
        light.intensity = intensity
        plotter.add_light(light)


PEELS = 8  # surfaces that are seen through one another


def shade(plotter: pyvista.Plotter, reach: float) -> None:
    """Opaque things shade what is nearer to them than `reach`; what is seen through is drawn over them, from the back.

    PyVista's own shading takes what is seen through for opaque."""
    from vtkmodules.vtkRenderingOpenGL2 import (
        vtkCameraPass,
        vtkDualDepthPeelingPass,
        vtkOpaquePass,
        vtkSSAOPass,
        vtkTranslucentPass,
    )

    shading = vtkSSAOPass()
    shading.SetRadius(reach)
    shading.SetBias(0.05 * reach)
    shading.SetKernelSize(16)
    shading.BlurOn()
    cleared = vtkCameraPass()
    cleared.SetDelegatePass(vtkOpaquePass())
    shading.SetDelegatePass(cleared)
    peeling = vtkDualDepthPeelingPass()
    peeling.SetTranslucentPass(vtkTranslucentPass())
    peeling.SetMaximumNumberOfPeels(PEELS)
    peeling.SetOcclusionRatio(0.0)
    passes = plotter.renderer.GetPass()  # those of `stage`, around the steps that VTK draws in
    while hasattr(passes, "GetDelegatePass"):
        passes = passes.GetDelegatePass()
    steps = passes.GetPasses().GetItemAsObject(0)
    steps.SetOpaquePass(shading)
    steps.SetTranslucentPass(peeling)
