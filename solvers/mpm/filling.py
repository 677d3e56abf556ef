"""From the shape of a body to its particles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.geometry import check_cells, check_simple, check_watertight, lattice_within, volume_mesh_points
from scenegrad.engine.geometry.splat_filling import fill_gaussians
from scenegrad.scenes.shapes import Difference, Intersection, Mesh, Shape, Union
from scenegrad.scenes.sources import Image, Points, Splats
from scenegrad.solvers.shared.regions import bounds_of, distance_to, loaded, placed_mesh
from scenegrad.solvers.shared.sources import placed_picture, placed_points, placed_splats

__all__ = ["Closer", "fill_shape", "parts_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Closer:
    """A box in which a lattice is `factor` times as fine along each axis."""

    middle: Array  # [m]
    half: Array  # of its edges [m]
    period: Array  # of its images along each axis [m], 0 where there are none
    factor: int

    def distance(self, places: Array) -> Array:
        """Not positive within; it grows by no more than the way to a place [m], [n]."""
        away = places - self.middle
        away -= self.period * np.rint(away / np.where(self.period > 0, self.period, 1.0))
        return np.asarray((np.abs(away) - self.half).max(axis=1))


@dataclass(frozen=True)
class Spread:
    """How a lattice lies where nothing else says where particles are."""

    domain: Array  # [dim], ends what has no end
    spacing: float
    jitter: float = 0.0
    seed: np.random.SeedSequence | None = None
    closer: Closer | None = None


def fill_shape(
    shape: Shape,
    domain: Array,
    dx: float,
    particles_per_cell: int,
    jitter: float = 0.0,
    seed: np.random.SeedSequence | None = None,
    closer: Closer | None = None,
) -> tuple[Array, Array]:
    """Places [n, dim] and volumes [n] of particles that fill a shape.

    The cells of a volume mesh are particles as they are, cut where they are larger than a particle should be. Points
    and Gaussians are particles, also of a shape that something was taken from or added to. All else is filled by a
    lattice that fits the box around the shape: a box is filled exactly. Where a shape has no end, the domain [dim] ends
    it. jitter: each point of the lattice is moved within this share of its cell, at random, as long as it stays inside.
    closer: where the lattice is finer: its cells stay whole or are cut into factor^dim, and fill the same space.
    """
    dim = len(domain)
    spacing = dx / particles_per_cell ** (1 / dim)
    if isinstance(shape, Mesh):
        mesh = placed_mesh(shape, dim)
        if any(name != "line" for name in mesh.cells):
            check_cells(mesh)
            return volume_mesh_points(mesh, spacing)
    for part in parts_of(shape):
        if isinstance(part, Mesh):
            check_surface(part.path, part.sha256, part.group)
    return particles_of(shape, Spread(domain, spacing, jitter, seed, closer))


@lru_cache(maxsize=64)
def check_surface(path: str, sha256: str, group: str | None) -> None:
    mesh = loaded(path, sha256, group)
    check_watertight(mesh)
    check_simple(mesh)


def parts_of(shape: Shape) -> Iterator[Shape]:
    """The shape and all that it is made of."""
    yield shape
    parts: tuple[Shape, ...] = ()
    match shape:
        case Difference():
            parts = (shape.whole, shape.removed)
        case Union() | Intersection():
            parts = shape.parts
    for part in parts:
        yield from parts_of(part)


def particles_of(shape: Shape, spread: Spread) -> tuple[Array, Array]:
    dim = len(spread.domain)
    match shape:
        case Points():
            cloud = placed_points(shape, dim)
            assert cloud.volume is not None
            return cloud.position, cloud.volume
        case Splats():
            splats = placed_splats(shape)
            return fill_gaussians(splats.mean, splats.axes, splats.opacity, spread.spacing, shape.fill)
        case Difference() if holds_points(shape.whole):
            places, volumes = particles_of(shape.whole, spread)
            outside = distance_to(shape.removed, places) > 0
            return places[outside], volumes[outside]
        case Intersection() if holds_points(shape):
            whole = next(part for part in shape.parts if holds_points(part))
            places, volumes = particles_of(whole, spread)
            inside = np.all([distance_to(part, places) <= 0 for part in shape.parts if part is not whole], axis=0)
            return places[inside], volumes[inside]
        case Union() if holds_points(shape):
            places, volumes = particles_of(shape.parts[0], spread)
            for n, part in enumerate(shape.parts[1:], start=1):
                more, theirs = particles_of(part, spread)
                fresh = distance_to(Union(parts=shape.parts[:n]), more) > 0
                places, volumes = np.concatenate([places, more[fresh]]), np.concatenate([volumes, theirs[fresh]])
            return places, volumes
        case _:
            return lattice(shape, spread)


def holds_points(shape: Shape) -> bool:
    """Whether particles of it come from a file, so that no lattice must fill it."""
    match shape:
        case Points() | Splats():
            return True
        case Difference():
            return holds_points(shape.whole)
        case Union() | Intersection():
            return any(map(holds_points, shape.parts))
        case _:
            return False


def lattice(shape: Shape, spread: Spread) -> tuple[Array, Array]:
    dim = len(spread.domain)
    low, high = bounds_of(shape, dim)
    low, high = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, spread.domain)
    if (high <= low).any():
        return np.empty((0, dim)), np.empty(0)
    count = np.maximum(np.rint((high - low) / spread.spacing), 1).astype(np.int64)
    width = (high - low) / count
    pixels = [placed_picture(part).silhouette.pixel.max() for part in parts_of(shape) if isinstance(part, Image)]
    slack = max(pixels, default=0.0)
    places = lattice_within(lambda x: distance_to(shape, x), low, width, count, slack)
    widths = np.broadcast_to(width, places.shape)
    if spread.closer is not None:
        within = cut(shape, spread.closer, low, width, count, slack)
        whole = places[spread.closer.distance(places) >= 0]
        places = np.concatenate([whole, within])
        widths = np.repeat([width, width / spread.closer.factor], [len(whole), len(within)], axis=0)
    if spread.jitter:
        random = np.random.default_rng(spread.seed)
        moved = places + spread.jitter * widths * (random.random(places.shape) - 0.5)
        places = np.where(distance_to(shape, moved)[:, None] <= 0, moved, places)
    return places, np.prod(widths, axis=1)


def cut(shape: Shape, closer: Closer, low: Array, width: Array, count: NDArray[np.int64], slack: float) -> Array:
    """Points of the finer lattice in those cells of the coarse one whose middles it is for."""
    beyond = 0.5 * float(np.linalg.norm(width))  # from a point to the middle of its cell at most

    def distance(x: Array) -> Array:
        return np.maximum(distance_to(shape, x), closer.distance(x) - beyond)

    places = lattice_within(distance, low, width / closer.factor, count * closer.factor, slack)
    middles = low + (np.floor((places - low) / width) + 0.5) * width
    return places[closer.distance(middles) < 0]
