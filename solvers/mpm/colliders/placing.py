"""From the colliders, rigid bodies and walls of scenes to obstacles."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import spline_filter
from torch import Tensor

from scenegrad.scenes.colliders import Collider, Moving, RigidBody
from scenegrad.scenes.domain import Coulomb, Separate, SideCondition, Slip, Stick
from scenegrad.scenes.outputs import Force
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.shapes import Box, Capsule, Cylinder, HalfSpace, Shape, Sphere
from scenegrad.scenes.values import number, vector
from scenegrad.solvers.mpm.colliders.contact import COULOMB, NOTHING, SEPARATE, SLIP, STICK
from scenegrad.solvers.mpm.colliders.felt import Watch
from scenegrad.solvers.mpm.colliders.obstacles import Drive, Leaf, Mass, Obstacle, Obstacles, Place
from scenegrad.solvers.mpm.colliders.shapes import BALL, BOX, CAPSULE, CYLINDER, HALF_SPACE, SAMPLED
from scenegrad.solvers.mpm.colliders.standing import middle_of, quaternion
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.rigid.mass import filled, surface_points
from scenegrad.solvers.mpm.walls import LEAVABLE, walls_of
from scenegrad.solvers.shared.regions import bounds_of, distance_to

__all__ = ["obstacles_of"]

Array = NDArray[np.float64]

TOUCH = {Separate: SEPARATE, Coulomb: COULOMB, Slip: SLIP, Stick: STICK}
ENDLESS = 1e18  # [m]
HOLDING = 1e6  # friction coefficient of what bodies stick to
FINEST = 160  # samples of a distance along the longest edge of a shape


def obstacles_of(scenes: Sequence[Scene], grid: Grid, like: Tensor) -> Obstacles:
    """Nothing at all where a scene has neither colliders nor rigid bodies, nor asks for a force: walls alone have
    kernels of their own."""
    entities = scenes[0].entities
    bodies = [name for name, entity in entities.items() if isinstance(entity, RigidBody)]
    colliders = [name for name, entity in entities.items() if isinstance(entity, Collider)]
    forces = [output for output in scenes[0].outputs.values() if isinstance(output, Force)]
    if not bodies and not colliders and not forces:
        return Obstacles(grid.dim)
    named = bodies + sorted(colliders, key=lambda name: entities[name].motion is None)  # type: ignore[attr-defined]
    builder = Builder(scenes, grid, like)
    found = [builder.solid(name) for name in named]
    walls = sorted(walls_of(scenes[0]), key=lambda name: name not in entities)
    wanted = {output.on for output in forces}
    held = [
        builder.wall(name)
        for name in walls
        if bodies or name in wanted or isinstance(walls_of(scenes[0])[name][2], LEAVABLE)
    ]
    names = [obstacle.name for obstacle in (*found, *held)]
    start = scenes[0].time.warmup
    watched = tuple(Watch(names.index(output.on), output.on not in named, output.every, start) for output in forces)
    sides = sum(wall.name not in entities for wall in held)
    points, owner = builder.points(bodies)
    return Obstacles(
        grid.dim,
        (*found, *held),
        sides,
        builder.samples(),
        (*builder.samples_at, *([(0, 0, 0, 0)] * len(held))),
        points,
        owner,
        watched,
    )


class Builder:
    """Obstacles of a batch of scenes. Sampled distances gather here while obstacles are made."""

    def __init__(self, scenes: Sequence[Scene], grid: Grid, like: Tensor):
        self.scenes, self.grid, self.like = scenes, grid, like
        self.parts: list[Array] = []  # [batch, sample]
        self.samples_at: list[tuple[int, int, int, int]] = []

    def tensor(self, rows: Sequence[object] | Array) -> Tensor:
        return torch.from_numpy(np.array(rows, dtype=np.float64)).to(self.like.device)

    def solid(self, name: str) -> Obstacle:
        """A collider or a rigid body."""
        entities = [scene.entities[name] for scene in self.scenes]
        assert all(isinstance(entity, Collider | RigidBody) for entity in entities)
        shapes: list[Shape] = [entity.shape for entity in entities]  # type: ignore[attr-defined]
        entity = entities[0]
        middles = self.tensor([middle_of(shape, self.grid.dim) for shape in shapes])
        learns = getattr(shapes[0], "center", None) is not None
        middle = Place(f"{name}.shape.center" if learns else middles)
        kind, numbers, reach = self.shape(shapes)
        touch, friction = self.contact(f"{name}.contact", entity.contact)  # type: ignore[attr-defined]
        turn = self.tensor([quaternion(entity.rotation) for entity in entities])  # type: ignore[attr-defined]
        center, drive, mass = middle, None, None
        if isinstance(entity, RigidBody):
            fillings = [filled(shape, self.grid.dim) for shape in shapes]
            center = Place(middle.value, shift=self.tensor([f.center for f in fillings]) - middles)
            mass = self.mass(
                name,
                entity,
                self.tensor([f.volume for f in fillings]),
                self.tensor([f.inertia / f.volume for f in fillings]),
            )
        elif entity.motion is not None:  # type: ignore[attr-defined]
            drive = driven(f"{name}.motion", entity.motion)  # type: ignore[attr-defined]
            if entity.motion.center is not None:  # type: ignore[attr-defined]
                center = Place(f"{name}.motion.center")
        return Obstacle(name, kind, touch, friction, numbers, reach, middle, center, turn, drive, mass)

    def wall(self, name: str) -> Obstacle:
        """A wall, or a side of the box. What clings to it is the nodes' business; bodies stick or slip on it."""
        members = [walls_of(scene)[name] for scene in self.scenes]
        _, _, condition, address = members[0]
        touch, friction = self.contact(address or name, condition)
        normals = self.tensor([normal for normal, _, _, _ in members])
        learns = name in self.scenes[0].entities and isinstance(condition, LEAVABLE)
        offset: Leaf = f"{name}.offset" if learns else self.tensor([offset for _, offset, _, _ in members])
        place = Place(offset, along=normals)
        numbers = torch.nn.functional.pad(normals, (0, 5 - normals.shape[1]))
        reach, turn = torch.full_like(normals[:, 0], ENDLESS), self.tensor([[0.0, 0.0, 0.0, 1.0]] * len(members))
        touch = touch if isinstance(condition, LEAVABLE) else NOTHING
        return Obstacle(name, HALF_SPACE, touch, friction, numbers, reach, place, place, turn)

    def contact(self, address: str, condition: SideCondition) -> tuple[int, Leaf]:
        if isinstance(condition, Coulomb):
            return COULOMB, f"{address}.friction"
        return TOUCH[type(condition)], self.tensor([HOLDING * isinstance(condition, Stick)] * len(self.scenes))

    def mass(self, name: str, body: RigidBody, volume: Tensor, shape: Tensor) -> Mass:
        dim, batch = self.grid.dim, len(self.scenes)
        axes = [(0.0, 0.0, 1.0) if b.hinge is None or dim == 2 else b.hinge.axis for b in self.members(name)]
        axis = self.tensor([np.array(a) / np.linalg.norm(a) for a in axes])
        return Mass(
            volume,
            shape,
            f"{name}.density",
            None if body.mass is None else f"{name}.mass",
            None if body.inertia is None else f"{name}.inertia",
            self.tensor(np.zeros((batch, dim))) if body.velocity is None else f"{name}.velocity",
            self.tensor(np.zeros(batch)) if body.angular_velocity is None else f"{name}.angular_velocity",
            None if body.hinge is None else f"{name}.hinge.point",
            axis,
        )

    def members(self, name: str) -> list[RigidBody]:
        return [scene.entities[name] for scene in self.scenes]  # type: ignore[misc]

    def shape(self, shapes: Sequence[Shape]) -> tuple[int, Tensor, Tensor]:
        """Kind, numbers [batch, 5] and reach [batch]; see `distance`."""
        dim, rows = self.grid.dim, []
        self.samples_at.append((0, 0, 0, 0))
        match shapes[0]:
            case Sphere():
                kind, rows = BALL, [[number(s.radius)] for s in shapes]  # type: ignore[attr-defined]
                reach = [row[0] for row in rows]
            case Box():
                kind, rows = BOX, [[*(vector(s.size) / 2)] for s in shapes]  # type: ignore[attr-defined]
                reach = [float(np.linalg.norm(row)) for row in rows]
                rows = [[*row, ENDLESS][:3] for row in rows]
            case Capsule():
                kind = CAPSULE
                rows = [[*pad(s.half_axis()), number(s.radius)] for s in shapes]  # type: ignore[attr-defined]
                reach = [float(np.linalg.norm(row[:3])) + row[3] for row in rows]
            case Cylinder():
                kind = CYLINDER
                rows = [[*s.frame(), number(s.radius), number(s.height) / 2] for s in shapes]  # type: ignore[attr-defined]
                reach = [float(np.hypot(row[3], row[4])) for row in rows]
            case HalfSpace():
                kind = HALF_SPACE
                rows = [[*pad(np.array(s.normal) / np.linalg.norm(s.normal))] for s in shapes]  # type: ignore[attr-defined]
                reach = [ENDLESS] * len(rows)
            case _:
                kind = SAMPLED
                rows, reach = self.sampled(shapes, dim)
        return kind, self.tensor([[*row, *([0.0] * (5 - len(row)))] for row in rows]), self.tensor(reach)

    def sampled(self, shapes: Sequence[Shape], dim: int) -> tuple[list[list[float]], list[float]]:
        """Samples half a cell apart, with three beyond the shape on each side, as many for every member."""
        boxes = [finite_bounds(shape, self.grid) for shape in shapes]
        steps = [max(self.grid.dx / 2, float((high - low).max()) / FINEST) for low, high in boxes]
        counts = np.max(
            [np.ceil((high - low) / h).astype(int) + 7 for (low, high), h in zip(boxes, steps, strict=True)], axis=0
        )
        rows: list[list[float]] = []
        reach: list[float] = []
        parts: list[Array] = []
        for shape, (low, high), h in zip(shapes, boxes, steps, strict=True):
            middle = middle_of(shape, self.grid.dim)
            lowest = 0.5 * (low + high) - 0.5 * h * (counts - 1)
            axes = [start + h * np.arange(n) for start, n in zip(lowest, counts, strict=True)]
            at = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, dim)
            if parts and shape == shapes[0]:
                parts.append(parts[0])
            else:
                parts.append(coefficients(distance_to(shape, at).reshape(counts)).ravel())
            rows.append([*pad(lowest - middle), h])
            corners = np.array(list(product(*zip(low, high, strict=True))))
            reach.append(float(np.linalg.norm(corners - middle, axis=1).max()))
        begin = sum(part.shape[1] for part in self.parts)
        self.parts.append(np.stack(parts))
        i, j, k = [*map(int, counts), 1][:3]
        self.samples_at[-1] = (begin, i, j, k)
        return rows, reach

    def samples(self) -> Tensor:
        """B-spline coefficients of the sampled distances [batch, sample]; one number of no meaning where none are."""
        found = np.concatenate(self.parts, axis=1) if self.parts else np.zeros((len(self.scenes), 1))
        return torch.from_numpy(found).to(self.like.device, self.like.dtype).contiguous()

    def points(self, bodies: Sequence[str]) -> tuple[Tensor | None, tuple[int, ...]]:
        """Points of the surfaces, see POINT; those that a member has fewer of than another have no stiffness."""
        dim, dx = self.grid.dim, self.grid.dx
        columns: list[Array] = []
        owner: list[int] = []
        for index, name in enumerate(bodies):
            members = []
            for body in self.members(name):
                found = surface_points(body.shape, dim, dx / 2)
                places = found[:, :dim] - filled(body.shape, dim).center
                places = np.pad(places, ((0, 0), (0, 3 - dim)))
                stiffness = found[:, dim + 1] * body.stiffness / dx
                members.append(np.column_stack([places, found[:, dim], stiffness, np.full(len(found), body.damping)]))
            most = max(map(len, members))
            columns.append(np.stack([np.pad(rows, ((0, most - len(rows)), (0, 0))) for rows in members]))
            owner += [index] * most
        if not columns:
            return None, ()
        return torch.from_numpy(np.concatenate(columns, axis=1)).to(self.like.device, self.like.dtype), tuple(owner)


def coefficients(values: Array) -> Array:
    """Of the cubic B-splines that meet the values, which go on linearly beyond the last ones: a bend there would be
    felt by 0.27 of its size in the next sample, and by as much of that in the one after."""
    beyond = 8
    found = spline_filter(np.pad(values, beyond, mode="reflect", reflect_type="odd"), order=3, mode="mirror")
    inner: Array = found[(slice(beyond, -beyond),) * values.ndim]
    return inner


def pad(row: Array) -> Array:
    return np.pad(row, (0, 3 - len(row)))


def finite_bounds(shape: Shape, grid: Grid) -> tuple[Array, Array]:
    """Of a shape without an end, the part within two cells of the box."""
    low, high = bounds_of(shape, grid.dim)
    size, beyond = np.array(grid.cells) * grid.dx, 2 * grid.dx
    return np.where(np.isfinite(low), low, -beyond), np.where(np.isfinite(high), high, size + beyond)


def driven(address: str, motion: Moving) -> Drive:
    """Component by component, for signals stand in some of them."""
    linear = tuple((f"{address}.velocity.{i}", value) for i, value in enumerate(motion.velocity or ()))
    turning = motion.angular_velocity
    if turning is None:
        return Drive(linear)
    if isinstance(turning, tuple):
        return Drive(linear, tuple((f"{address}.angular_velocity.{i}", value) for i, value in enumerate(turning)))
    return Drive(linear, ((f"{address}.angular_velocity", turning),))
