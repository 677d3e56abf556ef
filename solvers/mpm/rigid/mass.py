"""Volume, centre and second moments of a shape, and points of its surface."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import pi

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.geometry import Mesh as Surface
from scenegrad.engine.geometry import check_watertight
from scenegrad.scenes.shapes import Box, Capsule, Cylinder, Mesh, Shape, Sphere
from scenegrad.scenes.values import number, vector
from scenegrad.solvers.shared.regions import bounds_of, distance_to, placed_mesh

__all__ = ["Filled", "filled", "summed", "surface_points"]

Array = NDArray[np.float64]

FINE = {2: 256, 3: 96}  # cells along the longest edge with which the moments of a combined shape are summed


@dataclass(frozen=True)
class Filled:
    """A shape of density 1."""

    volume: float  # [m^dim]
    center: Array  # of mass [dim]
    moments: Array  # integral of y y' about the centre [dim, dim]

    @property
    def inertia(self) -> Array:
        """tr(S) 1 - S [3, 3]; in two dimensions the moment about z, along every axis."""
        if len(self.center) == 2:
            return np.eye(3) * np.trace(self.moments)
        return np.eye(3) * np.trace(self.moments) - self.moments


def filled(shape: Shape, dim: int) -> Filled:
    """Closed forms for primitives, the divergence theorem for meshes, sums over a fine lattice for combinations."""
    match shape:
        case Sphere():
            radius = number(shape.radius)
            volume = pi * radius**2 if dim == 2 else 4 / 3 * pi * radius**3
            return Filled(volume, vector(shape.center), np.eye(dim) * volume * radius**2 / (dim + 2))
        case Box():
            size = vector(shape.size)
            volume = float(size.prod())
            return Filled(volume, vector(shape.center), np.diag(volume * size**2 / 12))
        case Cylinder():
            radius, height, axis = number(shape.radius), number(shape.height), shape.frame()
            volume = pi * radius**2 * height
            return Filled(volume, vector(shape.center), about(axis, volume * height**2 / 12, volume * radius**2 / 4))
        case Capsule():
            return capsule(shape, dim)
        case Mesh():
            return enclosed(placed_mesh(shape, dim))
        case _:
            return summed(shape, dim)


def about(axis: Array, along: float, across: float) -> Array:
    """The matrix with one value along an axis and another across it."""
    n = axis / np.linalg.norm(axis)
    return across * np.eye(len(n)) + (along - across) * np.outer(n, n)


def capsule(shape: Capsule, dim: int) -> Filled:
    """A bar and two half balls, whose centres of mass lie 3r/8 (4r/3pi in the plane) beyond its ends."""
    r, h = number(shape.radius), number(shape.height)
    bar, balls = (2 * r * h, pi * r**2) if dim == 2 else (pi * r**2 * h, 4 / 3 * pi * r**3)
    beyond, of_ball, of_bar = (4 * r / (3 * pi), r**2 / 4, r**2 / 3) if dim == 2 else (3 * r / 8, r**2 / 5, r**2 / 4)
    along = bar * h**2 / 12 + balls * (of_ball + h**2 / 4 + h * beyond)
    return Filled(bar + balls, vector(shape.center), about(shape.half_axis(), along, bar * of_bar + balls * of_ball))


def enclosed(mesh: Surface) -> Filled:
    """Sums over the simplices between each facet and the middle: int y y' = det / (d + 2)! (sum_i v_i v_i' + s s'), s
    the sum of the corners."""
    check_watertight(mesh)
    middle = mesh.bounds.mean(axis=0)
    corners, dim = mesh.vertices[mesh.boundary] - middle, mesh.dim
    det = np.linalg.det(corners) * np.sign(mesh.volume)
    total = corners.sum(axis=1)
    volume = det.sum() / (2 if dim == 2 else 6)
    first = (det[:, None] * total).sum(axis=0) / (6 if dim == 2 else 24)
    second = np.einsum("f,fci,fcj->ij", det, corners, corners) + np.einsum("f,fi,fj->ij", det, total, total)
    second /= 24 if dim == 2 else 120
    center = first / volume
    return Filled(float(volume), middle + center, second - volume * np.outer(center, center))


def summed(shape: Shape, dim: int) -> Filled:
    low, high = bounds_of(shape, dim)
    cell = float((high - low).max()) / FINE[dim]
    axes = [np.arange(a + cell / 2, b, cell) for a, b in zip(low, high, strict=True)]
    at = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, dim)
    share = np.clip(0.5 - distance_to(shape, at) / cell, 0.0, 1.0) * cell**dim  # of a cell at the surface, its part
    volume = float(share.sum())
    center = (share[:, None] * at).sum(axis=0) / volume
    y = at - center
    return Filled(volume, center, np.einsum("n,ni,nj->ij", share, y, y) + np.eye(dim) * volume * cell**2 / 12)


def surface_points(shape: Shape, dim: int, spacing: float) -> Array:
    """Small balls whose outer hull is the surface: place [dim], radius and area of each [point, dim + 2].

    Round shapes are a ball or a row of them, exactly; a box has a lattice on each face, corners included; what else
    there is, the nearest surface point of each cell of a lattice that it cuts.
    """
    match shape:
        case Sphere():
            radius = number(shape.radius)
            return np.array([[*vector(shape.center), radius, radius ** (dim - 1)]])
        case Capsule():
            radius, height, half = number(shape.radius), number(shape.height), shape.half_axis()
            count = max(2, int(np.ceil(height / spacing)) + 1)
            places = vector(shape.center) + np.linspace(-1, 1, count)[:, None] * half
            area = (height + radius) / count * radius ** (dim - 2)
            return np.column_stack([places, np.full(count, radius), np.full(count, area)])
        case Box():
            places = faces_of(vector(shape.center), vector(shape.size), spacing)
            area = 2 * sum(np.delete(vector(shape.size), axis).prod() for axis in range(dim)) / len(places)
            return np.column_stack([places, np.zeros(len(places)), np.full(len(places), area)])
        case _:
            places = cut_cells(shape, dim, spacing)
            return np.column_stack([places, np.zeros(len(places)), np.full(len(places), spacing ** (dim - 1))])


def faces_of(center: Array, size: Array, spacing: float) -> Array:
    counts = np.maximum(np.ceil(size / spacing - 1e-9).astype(int), 1)
    ranges = [np.arange(n + 1) for n in counts]
    lattice = np.array(list(product(*ranges)))
    outer = ((lattice == 0) | (lattice == counts)).any(axis=1)
    places: Array = center + (lattice[outer] / counts - 0.5) * size
    return places


def cut_cells(shape: Shape, dim: int, spacing: float) -> Array:
    """x - phi grad phi, from the centres of the cells with |phi| <= spacing / 2."""
    low, high = bounds_of(shape, dim)
    axes = [np.arange(a - spacing, b + spacing, spacing) for a, b in zip(low, high, strict=True)]
    at = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, dim)
    phi = distance_to(shape, at)
    near = np.abs(phi) <= spacing / 2
    at, phi, h = at[near], phi[near], 1e-4 * spacing
    slopes = [(distance_to(shape, at + h * e) - distance_to(shape, at - h * e)) / (2 * h) for e in np.eye(dim)]
    places: Array = at - phi[:, None] * np.stack(slopes, axis=1)
    return places
