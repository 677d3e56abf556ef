"""Particles and atoms as lit spheres in their box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.camera import Window, look_at, look_flat
from scenegrad.view.colours import Colouring
from scenegrad.view.extent import flat_extent, room_of, some_frames, subject, touched_sides
from scenegrad.view.frames import PlacedFrames
from scenegrad.view.h5md import AtomFrames
from scenegrad.view.overlay import (
    KeyPlace,
    TimeLabel,
    add_axes,
    add_colour_key,
    at_the_right,
    beside,
    flat_window,
    key_breadth,
)
from scenegrad.view.quantities import labelled
from scenegrad.view.setting import Wall
from scenegrad.view.skin import Skin
from scenegrad.view.solids import Solids, placed_solids
from scenegrad.view.spheres import Spheres, spacing
from scenegrad.view.stage import add_lights, shade
from scenegrad.view.surfaces import add_body, surface
from scenegrad.view.surroundings import add_box, add_walls
from scenegrad.view.trails import BEAD, Trails, leave_trails

if TYPE_CHECKING:
    import pyvista

__all__ = ["Particles"]

TOUCHING = 0.55  # radius of a particle in spacings: neighbours just overlap and leave no holes
COVERING = 0.7  # of one in the plane: half the diagonal of a square
SKINS = ("#e3ab3d", "#5b8db8", "#b8584f", "#6a9a58")
ATOM = 0.42  # of an atom: neighbours stay apart
WIDE = Window(right=0.96)  # where there is no colour bar
PEEKS = 5  # frames in which solids are asked whether they hide particles


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
        room = room_of(frames)
        solids = [] if atoms else placed_solids(frames, room)
        if flat:
            stage = room if atoms else flat_extent(frames, solids, radius)
            key = self.look_at_plane(stage)
        else:
            stage = room if atoms else subject(frames, solids, radius)
            stage, key = self.look_at_space(stage, 2 * distance if atoms else 6 * distance)
        add_lights(plotter)
        self.solids = Solids(plotter, solids, stage, flat)
        if not flat:
            self.solids.reveal({index: frames.positions(index) for index in some_frames(frames, PEEKS)})
        self.bare = np.ones(len(first), dtype=bool)
        for skin in skins:
            self.bare[skin.members] = False
        self.trails = Trails(plotter, frames) if isinstance(frames, AtomFrames) and leave_trails(frames) else None
        if self.trails is not None:
            radius = min(radius, BEAD * float(np.linalg.norm(stage[1] - stage[0])))
        self.spheres = Spheres(plotter, radius, colours, flat) if self.bare.any() else None
        if colours is not None:
            add_colour_key(plotter, colours, key)
        self.time = TimeLabel(plotter, frames.times, frames.setting.time_unit)

    def look_at_plane(self, stage: NDArray[np.float64]) -> KeyPlace:
        """The frame around it, the ground, and where the colour bar goes."""
        look_flat(self.plotter, stage, flat_window(self.plotter, key_breadth(self.plotter, self.colours)))
        add_axes(self.plotter, stage, [labelled(axis, self.frames.setting.length_unit) for axis in "xy"])
        if not isinstance(self.frames, AtomFrames):
            add_walls(self.plotter, self.frames.setting, stage)
        return beside(self.plotter, stage)

    def look_at_space(self, stage: NDArray[np.float64], reach: float) -> tuple[NDArray[np.float64], KeyPlace]:
        """What the eye takes in at last, and where the colour bar goes. reach: how far things shade their neighbours.

        The box is outlined where all of it is seen; else its sides stand as walls where matter meets them."""
        atoms, setting = isinstance(self.frames, AtomFrames), self.frames.setting
        sides: list[Wall] = []
        if atoms or (setting.box is not None and np.array_equal(stage, setting.box)):
            add_box(self.plotter, stage)
        else:
            stage, sides = touched_sides(self.frames, stage)
        key = at_the_right(self.plotter, self.colours)
        window = Window(right=key.left - 0.035) if self.colours else WIDE
        look_at(self.plotter, stage, setting.up, window, elevation=20.0 if atoms else 14.0)
        if not atoms:
            eye = np.asarray(self.plotter.camera.position)
            behind = [side for side in sides if eye @ side.normal > side.offset]
            add_walls(self.plotter, setting, stage, behind)
        shade(self.plotter, reach)
        return stage, key

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
        if self.trails is not None:
            self.trails.show(index)
        self.solids.show(index)
        self.time.show(index)
