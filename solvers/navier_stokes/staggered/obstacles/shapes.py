"""Signed distance to the shapes of a scene as differentiable functions of their numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.shapes import (
    Box,
    Capsule,
    Cylinder,
    Difference,
    HalfSpace,
    Intersection,
    Mesh,
    Shape,
    Sphere,
    Union,
)
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.shared.edges import largest, snapped
from scenegrad.solvers.shared.regions import bounds_of, distance_to

__all__ = ["Distance", "distance_of", "learnable_shape"]

Places = Sequence[Tensor]  # coordinates of points along each axis, each [batch or 1, ...]
Distance = Callable[[Params, Places], Tensor]  # negative inside [m]

MARGIN = 4  # cells around a sampled shape


def learnable_shape(address: str, shape: Shape) -> list[str]:
    """Addresses of the numbers by which a distance can be differentiated."""
    match shape:
        case Sphere():
            fields = ["center", "radius"]
        case Box():
            fields = ["center", "size"]
        case Capsule() | Cylinder():
            fields = ["center", "radius", "height"]
        case Mesh():
            fields = [] if shape.center is None else ["center"]
        case Union() | Intersection():
            return [a for n, part in enumerate(shape.parts) for a in learnable_shape(f"{address}.parts.{n}", part)]
        case Difference():
            return learnable_shape(f"{address}.whole", shape.whole) + learnable_shape(
                f"{address}.removed", shape.removed
            )
        case _:
            fields = []
    return [f"{address}.{field}" for field in fields]


def distance_of(address: str, shapes: Sequence[Shape], grid: Grid) -> Distance:
    """shapes: that of each member, all of one kind."""
    first = shapes[0]

    def leaf(params: Params, field: str) -> Tensor:
        """[batch] -> [batch, 1, ...]; [batch, dim] -> [dim, batch, 1, ...]"""
        value = params[f"{address}.{field}"].to(grid.dtype)
        ones = [1] * grid.dim
        return value.view(-1, *ones) if value.ndim == 1 else value.T.reshape(value.shape[1], -1, *ones)

    def offset(params: Params, x: Places) -> list[Tensor]:
        return [a - c for a, c in zip(x, leaf(params, "center"), strict=True)]

    match first:
        case Sphere():
            return lambda params, x: norm(offset(params, x)) - leaf(params, "radius")
        case Box():

            def box(params: Params, x: Places) -> Tensor:
                halves = 0.5 * leaf(params, "size")
                away = [snapped(a, max(grid.size)).abs() for a in offset(params, x)]
                return rounded([a - s for a, s in zip(away, halves, strict=True)], grid)

            return box
        case Capsule():
            axis = unit(first.axis)

            def capsule(params: Params, x: Places) -> Tensor:
                away = offset(params, x)
                half = 0.5 * leaf(params, "height")
                along = dotted(away, axis).clamp(-half, half)
                return norm([a - n * along for a, n in zip(away, axis, strict=True)]) - leaf(params, "radius")

            return capsule
        case Cylinder():
            axis = unit(first.axis)

            def cylinder(params: Params, x: Places) -> Tensor:
                away = offset(params, x)
                along = dotted(away, axis)
                across = norm([a - n * along for a, n in zip(away, axis, strict=True)])
                return rounded([across - leaf(params, "radius"), along.abs() - 0.5 * leaf(params, "height")], grid)

            return cylinder
        case HalfSpace():
            normal = unit(first.normal)
            return lambda params, x: dotted(x, normal) - first.offset
        case Union() | Intersection():
            columns = zip(*(shape.parts for shape in shapes), strict=True)  # type: ignore[attr-defined]  # of one kind
            parts = [distance_of(f"{address}.parts.{n}", column, grid) for n, column in enumerate(columns)]
            join = torch.minimum if isinstance(first, Union) else torch.maximum
            return lambda params, x: reduce(join, [part(params, x) for part in parts])
        case Difference():
            whole = distance_of(f"{address}.whole", [s.whole for s in shapes], grid)  # type: ignore[attr-defined]
            removed = distance_of(f"{address}.removed", [s.removed for s in shapes], grid)  # type: ignore[attr-defined]
            return lambda params, x: torch.maximum(whole(params, x), -removed(params, x))
        case _:
            table = Sampled.of(shapes, grid)
            moves = isinstance(first, Mesh) and first.center is not None
            return lambda params, x: table.at(offset(params, x) if moves else x)


def unit(direction: Sequence[float]) -> list[float]:
    length = float(np.linalg.norm(direction))
    return [float(entry) / length for entry in direction]


def dotted(x: Places, direction: Sequence[float]) -> Tensor:
    return reduce(torch.add, [a * n for a, n in zip(x, direction, strict=True)])


def norm(x: Sequence[Tensor]) -> Tensor:
    """With no slope at zero."""
    square = reduce(torch.add, [a.square() for a in x])
    return torch.where(square > 0.0, torch.where(square > 0.0, square, 1.0).sqrt(), 0.0)


def rounded(beyond: Sequence[Tensor], grid: Grid) -> Tensor:
    """Distance to a box from how far a point is beyond each pair of its sides."""
    scale = max(grid.size)
    sides = [snapped(a, scale) for a in beyond]
    inside = largest(torch.stack(torch.broadcast_tensors(*sides), dim=-1), scale).clamp(max=0.0)
    return norm([a.clamp(min=0.0) for a in sides]) + inside


@dataclass(frozen=True)
class Sampled:
    """A distance known on a lattice of the width of the cells, linear between its points."""

    values: Tensor  # [batch, *points]
    origin: Tensor  # of each member, relative to the center of a shape that has one [dim, batch, 1, ...]
    spacing: tuple[float, ...]

    @classmethod
    def of(cls, shapes: Sequence[Shape], grid: Grid) -> Sampled:
        tables, origins = [], []
        boxes = [bounds_of(shape, grid.dim) for shape in shapes]
        reach = [
            max(int(np.ceil((hi[a] - lo[a]) / grid.spacing[a])) + 2 * MARGIN + 1 for lo, hi in boxes)
            for a in range(grid.dim)
        ]
        for shape, (lo, _) in zip(shapes, boxes, strict=True):
            corner = [lo[a] - MARGIN * grid.spacing[a] for a in range(grid.dim)]
            axes = [corner[a] + grid.spacing[a] * np.arange(reach[a]) for a in range(grid.dim)]
            points = np.stack([p.ravel() for p in np.meshgrid(*axes, indexing="ij")], axis=1)
            tables.append(distance_to(shape, points).reshape(reach))
            center = np.zeros(grid.dim)
            if isinstance(shape, Mesh) and shape.center is not None:
                from scenegrad.scenes.values import vector

                center = vector(shape.center)
            origins.append(np.array(corner) - center)
        values = torch.from_numpy(np.stack(tables)).to(grid.device, grid.dtype)
        origin = torch.from_numpy(np.stack(origins).T.copy()).to(grid.device, grid.dtype)
        return cls(values, origin.view(grid.dim, len(shapes), *[1] * grid.dim), grid.spacing)

    def at(self, x: Places) -> Tensor:
        """Beyond the lattice that of its nearest point."""
        dim, batch = len(x), self.values.shape[0]
        counts = self.values.shape[1:]
        place = [
            ((a - o) / h).clamp(0.0, n - 1.000001)
            for a, o, h, n in zip(x, self.origin, self.spacing, counts, strict=True)
        ]
        place = list(torch.broadcast_tensors(*place))
        left = [p.detach().floor().long().clamp(max=n - 2) for p, n in zip(place, counts, strict=True)]
        share = [p - i for p, i in zip(place, left, strict=True)]
        shape = place[0].shape
        flat = self.values.reshape(batch, -1)
        total: Tensor | float = 0.0
        for corner in product((0, 1), repeat=dim):
            index = left[0] + corner[0]
            for a in range(1, dim):
                index = index * counts[a] + left[a] + corner[a]
            weight = reduce(torch.mul, [s if c else 1.0 - s for s, c in zip(share, corner, strict=True)])
            total = total + weight * flat.gather(1, index.expand(batch, *shape[1:]).reshape(batch, -1)).view(
                batch, *shape[1:]
            )
        assert isinstance(total, Tensor)
        return total
