"""Particles and atoms as lit spheres in their box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.blobs import Blob
from scenegrad.view.bonds import MANY, NO_BONDS, Sticks, bonds_of, length_of
from scenegrad.view.camera import Window, look_at, look_flat
from scenegrad.view.choices import Clip
from scenegrad.view.clipping import cut_away
from scenegrad.view.colour_bar import KeyPlace, add_colour_key, at_the_right, beside, key_breadth
from scenegrad.view.colours import Colouring
from scenegrad.view.extent import flat_extent, outlined, room_of, some_frames, subject, touched_sides
from scenegrad.view.frames import PlacedFrames
from scenegrad.view.h5md import AtomFrames
from scenegrad.view.overlay import TimeLabel, add_axes, flat_window
from scenegrad.view.quantities import labelled
from scenegrad.view.setting import Wall
from scenegrad.view.skin import Skin
from scenegrad.view.solids import Solids, placed_solids
from scenegrad.view.spheres import Spheres, spacing
from scenegrad.view.stage import add_lights, shade
from scenegrad.view.styles import Style, Surface
from scenegrad.view.surfaces import add_body, surface
from scenegrad.view.surroundings import add_box, add_walls
from scenegrad.view.trails import BEAD, Trails, leave_trails
from scenegrad.view.vtkhdf import PointFrames

if TYPE_CHECKING:
    import pyvista

__all__ = ["Particles"]

TOUCHING = 0.55  # radius of a particle in spacings: neighbours just overlap and leave no holes
COVERING = 0.7  # of one in the plane: half the diagonal of a square
SKINS = ("#e3ab3d", "#5b8db8", "#b8584f", "#6a9a58")
ATOM = 0.42  # of an atom: neighbours stay apart
STICK_ENDS = 0.27  # of one with bonds: the sticks are seen
STICK = 0.4  # radius of a bond, in radii of an atom
WIDE = Window(right=0.96)  # where there is no colour bar
PEEKS = 5  # frames in which solids are asked whether they hide particles


class Particles:
    """The look of particles, in the plane or in space; bodies whose surface is known are drawn as such.

    colours: None where the bodies are to have plain colours of their own."""

    def __init__(
        self,
        plotter: pyvista.Plotter,
        frames: PlacedFrames,
        colours: Colouring | None,
        skins: Sequence[Skin],
        style: Style,
        clip: Clip | None = None,
    ):
        self.plotter, self.frames, self.colours, self.skins = plotter, frames, colours, skins
        self.style, self.clip = style, clip
        atoms, flat = isinstance(frames, AtomFrames), frames.dim == 2
        first = frames.positions(0)
        distance = spacing(first)
        self.bonds = self.joined(style)
        if len(self.bonds):
            distance = length_of(first, self.bonds, self.repeats(0))
        usual = STICK_ENDS if len(self.bonds) else ATOM if atoms else COVERING if flat else TOUCHING
        radius = getattr(style, "radius", 1.0) * usual * distance
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
        self.blob = Blob(plotter, colours, distance, flat) if isinstance(style, Surface) and self.bare.any() else None
        bare = self.bare.any() and self.blob is None
        self.spheres = Spheres(plotter, radius, colours, flat) if bare else None
        self.sticks = Sticks(plotter, self.bonds, STICK * radius, colours) if len(self.bonds) else None
        if not flat:
            for _, actors in self.solids.actors:
                for actor in actors:
                    cut_away(actor, clip)
        if colours is not None:
            add_colour_key(plotter, colours, key)
        self.time = TimeLabel(plotter, frames.times, frames.setting.time_unit)

    def joined(self, style: Style) -> NDArray[np.int64]:
        """Particles between which a stick is drawn: bonds of atoms, springs of masses."""
        if isinstance(self.frames, AtomFrames):
            return bonds_of(self.frames) if getattr(style, "bonds", False) else NO_BONDS
        pairs = self.frames.pairs if isinstance(self.frames, PointFrames) else NO_BONDS
        return pairs if len(pairs) <= MANY else NO_BONDS

    def repeats(self, index: int) -> NDArray[np.float64]:
        """Edges of the box that repeats itself [3], infinite where it does not."""
        return self.frames.repeats(index) if isinstance(self.frames, AtomFrames) else np.full(3, np.inf)

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
        if isinstance(self.frames, AtomFrames):
            if outlined(self.frames, stage):
                add_box(self.plotter, stage)
        elif setting.box is not None and np.array_equal(stage, setting.box):
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
        kept = np.ones(len(positions), dtype=bool)
        if self.skins:
            kept = self.bare.copy()
        if self.clip is not None:
            kept &= self.clip.height(positions) <= 0
        for look in (self.spheres, self.blob):
            if look is not None:
                look.show(positions[kept], None if colour is None else colour[kept])
        if self.sticks is not None:
            self.sticks.show(positions, self.repeats(index), kept, colour)
        for skin in self.skins:
            shape, name = surface(skin.moved(positions)), f"skin {skin.number}"
            if colour is None or self.colours is None:
                actor = add_body(self.plotter, shape, SKINS[skin.number % len(SKINS)], name=name)
            else:
                shape.point_data["colour"] = skin.blend @ colour[skin.members].astype(np.float64)
                actor = add_body(self.plotter, shape, None, name=name, scalars="colour", cmap=self.colours.table())
            cut_away(actor, self.clip)
        if self.trails is not None:
            self.trails.show(index)
        self.solids.show(index)
        self.time.show(index)
