"""Where the eye is: the whole subject in view, clear of the colour bar."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyvista

__all__ = ["Window", "look_at", "look_flat"]

VIEW_ANGLE = 24.0  # vertical, degrees: little distortion
FLAT_LEVEL = 10.0  # height of the eye above a flat picture, in heights of the subject


@dataclass(frozen=True)
class Window:
    """The part of the picture that the subject may take, as fractions of width and height from the lower left."""

    left: float = 0.04
    right: float = 0.84
    bottom: float = 0.07
    top: float = 0.96

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2


def look_at(
    plotter: pyvista.Plotter,
    bounds: NDArray[np.float64],
    up: tuple[float, float, float],
    window: Window,
    elevation: float = 16.0,
) -> None:
    """Perspective from the front right; the box [2, 3] just fits the window."""
    rise = np.asarray(up) / np.linalg.norm(up)
    toward = across(rise) * math.cos(math.radians(elevation)) + rise * math.sin(math.radians(elevation))
    right = np.cross(rise, toward)
    right /= np.linalg.norm(right)
    above = np.cross(toward, right)

    width, height = plotter.window_size
    tan_y = math.tan(math.radians(VIEW_ANGLE / 2))
    tan_x = tan_y * width / height
    middle_x, middle_y = (2 * part - 1 for part in window.middle)  # in [-1, 1] over the picture
    half_x, half_y = (window.right - window.left) * tan_x, (window.top - window.bottom) * tan_y

    focus = bounds.mean(axis=0)
    corners = np.stack(np.meshgrid(*bounds.T, indexing="ij"), -1).reshape(-1, 3) - focus
    x, y, depth = corners @ right, corners @ above, corners @ toward
    distance, shift_x, shift_y = 0.0, 0.0, 0.0
    for _ in range(20):  # the distance that fits, then the shift that centres what it shows; a few rounds settle it
        distance = float(np.max(depth + np.maximum(np.abs(x - shift_x) / half_x, np.abs(y - shift_y) / half_y)))
        seen_x, seen_y = (x - shift_x) / (distance - depth), (y - shift_y) / (distance - depth)
        shift_x += 0.5 * distance * float(seen_x.max() + seen_x.min())
        shift_y += 0.5 * distance * float(seen_y.max() + seen_y.min())
    target = focus + shift_x * right + shift_y * above

    camera = plotter.camera
    camera.parallel_projection = False
    camera.view_angle = VIEW_ANGLE
    camera.focal_point = tuple(target)
    camera.position = tuple(target + distance * toward)
    camera.up = tuple(rise)
    camera.SetWindowCenter(-middle_x, -middle_y)  # moves the picture, not the eye
    plotter.reset_camera_clipping_range()


def across(rise: NDArray[np.float64]) -> NDArray[np.float64]:
    """The horizontal direction from the subject to the eye: between -y and +x where z is up."""
    seed = np.array([0.55, -1.0, 0.0]) if abs(rise[2]) > 0.9 else np.array([0.55, 0.0, 1.0])
    if abs(rise @ seed) > 0.9 * np.linalg.norm(seed):
        seed = np.roll(seed, 1)
    level = seed - (seed @ rise) * rise
    unit: NDArray[np.float64] = level / np.linalg.norm(level)
    return unit


def look_flat(plotter: pyvista.Plotter, bounds: NDArray[np.float64], window: Window) -> None:
    """Straight down on the x-y plane, without perspective, x to the right and y up."""
    width, height = plotter.window_size
    extent = bounds[1, :2] - bounds[0, :2]
    pixels = np.array([width * (window.right - window.left), height * (window.top - window.bottom)])
    per_pixel = float(np.max(extent / pixels))
    middle = bounds.mean(axis=0)
    level = FLAT_LEVEL * max(*extent, 1e-12)
    shift = [(2 * part - 1) / 2 * size * per_pixel for part, size in zip(window.middle, (width, height), strict=True)]
    target = np.array([middle[0] - shift[0], middle[1] - shift[1], 0.0])

    camera = plotter.camera
    camera.parallel_projection = True
    camera.parallel_scale = per_pixel * height / 2
    camera.focal_point = tuple(target)
    camera.position = (target[0], target[1], level)
    camera.up = (0.0, 1.0, 0.0)
    plotter.reset_camera_clipping_range()
