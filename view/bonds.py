"""Bonds between atoms, as far as the scene tells of them, as sticks in the colours of their ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.colours import Colouring
from scenegrad.view.frames import Array
from scenegrad.view.h5md import AtomFrames

if TYPE_CHECKING:
    import pyvista

__all__ = ["MANY", "NO_BONDS", "Sticks", "bonds_of", "length_of"]

KINDS = ("harmonic_bond", "fene", "rigid_bond")  # of entities that join two atoms
NO_BONDS: NDArray[np.int64] = np.empty((0, 2), dtype=np.int64)
MANY = 20_000  # bonds or springs above which they are not drawn
SIDES = 10  # of a stick
PLAIN = "#8f99a5"


def bonds_of(frames: AtomFrames) -> NDArray[np.int64]:
    """The two atoms of each bond [bond, 2], each bond once."""
    entities: Mapping[str, Any] = frames.setting.table.get("entities") or {}
    atoms = [name for name, part in entities.items() if part.get("kind") == "atoms"]
    species = np.asarray(frames.values("species", 0)) if "species" in frames.fields() else np.zeros(0, dtype=int)
    first = {name: int(np.sum(species < number)) for number, name in enumerate(atoms)}
    found: list[NDArray[np.int64]] = []
    for part in (part for part in entities.values() if part.get("kind") in KINDS):
        of = part.get("of")
        if part.get("groups"):
            found.append(np.asarray(part["groups"], dtype=np.int64) + (first.get(of, 0) if of else 0))
            continue
        for name in [of] if of else atoms:
            lattice = entities.get(name, {}).get("lattice") or {}
            if lattice.get("kind") == "chains":
                beads = np.arange(int(lattice["count"]) * int(lattice["length"])).reshape(-1, int(lattice["length"]))
                found.append(first.get(name, 0) + np.stack([beads[:, :-1], beads[:, 1:]], axis=-1).reshape(-1, 2))
    if not found:
        return NO_BONDS
    pairs = np.unique(np.sort(np.concatenate(found), axis=1), axis=0)
    known = pairs[(pairs >= 0).all(axis=1) & (pairs < len(frames.positions(0))).all(axis=1)]
    return known if len(known) <= MANY else NO_BONDS


def ways(positions: NDArray[np.float64], bonds: NDArray[np.int64], repeats: NDArray[np.float64]) -> NDArray[np.float64]:
    """From the first atom of each bond to the nearest image of the second [bond, 3]."""
    way = positions[bonds[:, 1]] - positions[bonds[:, 0]]
    edges = np.where(np.isfinite(repeats), repeats, 0.0)
    return way - np.round(way / repeats) * edges


def length_of(positions: NDArray[np.float64], bonds: NDArray[np.int64], repeats: NDArray[np.float64]) -> float:
    """The usual length of a bond."""
    return float(np.median(np.linalg.norm(ways(positions, bonds, repeats), axis=1)))


class Sticks:
    """Each bond in two halves, one from either atom to the middle; over the ends of a box that repeats itself, each
    half stays with its own atom."""

    def __init__(self, plotter: pyvista.Plotter, bonds: NDArray[np.int64], radius: float, colours: Colouring | None):
        self.plotter, self.bonds, self.radius, self.colours = plotter, bonds, radius, colours

    def show(
        self,
        positions: NDArray[np.float64],
        repeats: NDArray[np.float64],
        kept: NDArray[np.bool_],
        colour: Array | None,
    ) -> None:
        """repeats: lengths of the box [3], infinite where it has an end. kept: atoms that are drawn."""
        import pyvista

        ends = np.concatenate([self.bonds, self.bonds[:, ::-1]])
        ends = ends[kept[ends[:, 0]]]
        start, way = positions[ends[:, 0]], positions[ends[:, 1]] - positions[ends[:, 0]]
        turns = np.round(np.where(np.isfinite(repeats), way / repeats, 0.0))
        way = way - turns * np.where(np.isfinite(repeats), repeats, 0.0)
        points = np.stack([start, start + 0.5 * way], axis=1).reshape(-1, 3)
        if not len(points):
            self.plotter.remove_actor("bonds", reset_camera=False, render=False)
            return
        rows = np.insert(np.arange(len(points)).reshape(-1, 2), 0, 2, axis=1).ravel()
        lines = pyvista.PolyData(points, lines=rows)
        style: dict[str, Any] = {"color": PLAIN}
        if colour is not None and self.colours is not None:
            lines.point_data["colour"] = np.repeat(np.asarray(colour, dtype=np.float64)[ends[:, 0]], 2)
            style = {"scalars": "colour", "cmap": self.colours.table(), "show_scalar_bar": False}
        self.plotter.add_mesh(
            lines.tube(radius=self.radius, n_sides=SIDES), name="bonds", smooth_shading=True, ambient=0.15, diffuse=0.9,
            specular=0.15, reset_camera=False, render=False, pickable=False, **style,
        )  # fmt: skip
