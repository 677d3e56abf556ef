"""Particles and atoms as lit spheres in their box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.camera import Window, look_at, look_flat
from scenegrad.view.colours import Colouring
from scenegrad.view.frames import PlacedFrames
from scenegrad.view.h5md import AtomFrames
from scenegrad.view.overlay import KeyPlace, TimeLabel, add_axes, add_colour_key, beside, flat_window
from scenegrad.view.skin import Skin
from scenegrad.view.spheres import Spheres, spacing
from scenegrad.view.stage import add_lights
from scenegrad.view.surfaces import add_body, surface
from scenegrad.view.surroundings import add_box, add_walls

if TYPE_CHECKING:
    import pyvista

__all__ = ["Particles", "box_around", "subject"]

FLAT_TOUCHING = 0.55  # radius of a particle in spacings: neighbours just overlap and leave no holes
TOUCHING = 0.55  # radius of a particle in spacings: neighbours just overlap and leave no holes
COVERING = 0.7  # of one in the plane: half the diagonal of a square
SKINS = ("#e3ab3d", "#5b8db8", "#b8584f", "#6a9a58")
ATOM = 0.42  # of an atom: neighbours stay apart
GROUND = 0.4  # ground around the particles, in parts of the breadth they need
WIDE = Window(right=0.96)  # where there is no colour bar
MOST = 0.7  # of the box, along each axis
LOOKED_AT = 16  # frames that decide what the eye takes in


class Particles:
    """The look of particles, in the plane or in space; bodies whose surface is known are drawn as such.

    colours: None where the bodies are to have plain colours of their own."""

    def __init__(
        self, plotter: pyvista.Plotter, frames: PlacedFrames, colours: Colouring | None, skins: Sequence[Skin]
    ):
        self.plotter, self.frames, self.colours, self.skins = plotter, frames, colours, skins
        atoms, flat = isinstance(frames, AtomFrames), frames.dim == 2
        first = frames.positions(0)
        distance = spacing(first)
        radius = (ATOM if atoms else COVERING if flat else TOUCHING) * distance
        box = box_around(frames)
        key = KeyPlace()
        if flat:
            look_flat(plotter, box, flat_window(plotter))
            add_axes(plotter, box, frames.setting.length_unit)
            key = beside(plotter, box)
            stage = box
        else:
            stage = box if atoms else subject(frames, box, radius)
            if stage is box:
                add_box(plotter, box)
            look_at(plotter, stage, frames.setting.up, Window() if colours else WIDE, elevation=20.0 if atoms else 14.0)
            reach = 2 * distance if atoms else 6 * distance
            plotter.enable_ssao(radius=reach, bias=0.05 * reach, kernel_size=16, blur=True)
        if not atoms:
            add_walls(plotter, frames.setting, stage)
        add_lights(plotter)
        self.bare = np.ones(len(first), dtype=bool)
        for skin in skins:
            self.bare[skin.members] = False
        self.spheres = Spheres(plotter, radius, colours, flat) if self.bare.any() else None
        if colours is not None:
            add_colour_key(plotter, colours, key)
        self.time = TimeLabel(plotter, frames.times, frames.setting.time_unit)

    def show(self, index: int) -> None:
        positions = self.frames.positions(index)
        colour = None if self.colours is None else self.colours.quantity.of(self.frames, index)
        if self.spheres is not None and not self.skins:
            self.spheres.show(positions, colour)
        elif self.spheres is not None:
            self.spheres.show(positions[self.bare], None if colour is None else colour[self.bare])
        for skin in self.skins:
            shape, name = surface(skin.moved(positions)), f"skin {skin.number}"
            if colour is None or self.colours is None:
                add_body(self.plotter, shape, SKINS[skin.number % len(SKINS)], name=name)
            else:
                shape.point_data["colour"] = skin.blend @ colour[skin.members].astype(np.float64)
                add_body(self.plotter, shape, None, name=name, scalars="colour", cmap=self.colours.table())
        self.time.show(index)


def some_frames(frames: PlacedFrames) -> list[int]:
    """A few frames from the first to the last."""
    return sorted({round(k) for k in np.linspace(0, len(frames.times) - 1, LOOKED_AT)})


def box_around(frames: PlacedFrames) -> NDArray[np.float64]:
    """The box of the scene or of the atoms; without one, what the particles ever reach [2, 3]."""
    if isinstance(frames, AtomFrames):
        box = np.zeros((2, 3))
        box[1, : frames.dim] = frames.box(0)
        return box
    if frames.setting.box is not None:
        return frames.setting.box
    reached = [frames.positions(index) for index in some_frames(frames)]
    return np.stack(
        [np.min([p.min(axis=0) for p in reached], axis=0), np.max([p.max(axis=0) for p in reached], axis=0)]
    )


def subject(frames: PlacedFrames, box: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """What the eye should take in [2, 3]: all places of the particles down to the floor, and some ground around them.

    Where they need most of the box, it is the box itself."""
    reached = [frames.positions(index) for index in some_frames(frames)]
    low = np.min([p.min(axis=0) for p in reached], axis=0) - radius
    high = np.max([p.max(axis=0) for p in reached], axis=0) + radius
    if np.all(high - low > MOST * (box[1] - box[0])):
        return box
    axis = int(np.argmax(np.abs(frames.setting.up)))
    below = 0 if frames.setting.up[axis] > 0 else 1
    margin = np.full(3, GROUND * float(np.max(np.delete(high - low, axis))))
    margin[axis] = 0.0
    stage = np.stack([np.maximum(low - margin, box[0]), np.minimum(high + margin, box[1])])
    stage[below, axis] = floor_level(frames, box)
    return stage


def floor_level(frames: PlacedFrames, box: NDArray[np.float64]) -> float:
    """Height of the highest wall that lies level, or else of the bottom of the box."""
    up = np.asarray(frames.setting.up)
    axis = int(np.argmax(np.abs(up)))
    if up[axis] < 0:
        return float(box[1, axis])
    level = [float(box[0, axis])]
    for wall in frames.setting.walls:
        normal = np.asarray(wall.normal)
        if len(normal) == 3 and normal @ up > 0.99 * np.linalg.norm(normal):
            level.append(wall.offset / float(np.linalg.norm(normal)))
    return max(level)
