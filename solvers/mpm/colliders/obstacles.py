"""What is known of colliders and rigid bodies when a scene is compiled, and the tables that kernels read of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.mpm.colliders.contact import NOTHING
from scenegrad.solvers.mpm.colliders.felt import Watch
from scenegrad.solvers.mpm.rigid.frames import FREE, HINGED, LED
from scenegrad.solvers.mpm.rigid.numbers import POSE
from scenegrad.solvers.shared.signals import addresses as signal_addresses
from scenegrad.solvers.shared.signals import peak, value_at

__all__ = ["Drive", "Mass", "Obstacle", "ObstacleTables", "Obstacles", "Place"]

Leaf = str | Tensor  # an address, or a plain tensor [batch, ...] where there is none


def look(params: Params, value: Leaf) -> Tensor:
    return (params[value] if isinstance(value, str) else value).double()


def found(*leaves: Leaf | None) -> tuple[str, ...]:
    """The addresses among them."""
    return tuple(leaf for leaf in leaves if isinstance(leaf, str))


def spatial(vector: Tensor) -> Tensor:
    """[batch, dim] -> [batch, 3]"""
    return torch.nn.functional.pad(vector, (0, 3 - vector.shape[1]))


@dataclass(frozen=True)
class Place:
    """A place in the scene [m]: a vector [batch, dim], or a number [batch] times a direction [batch, dim]; then a
    shift [batch, dim]."""

    value: Leaf
    along: Tensor | None = None
    shift: Tensor | None = None

    def at(self, params: Params) -> Tensor:
        value = look(params, self.value)
        if self.along is not None:
            value = value[:, None] * self.along.double()
        return spatial(value if self.shift is None else value + self.shift.double())


@dataclass(frozen=True)
class Drive:
    """A prescribed motion, component by component: (address, signal or number) of each."""

    linear: tuple[tuple[str, Any], ...] = ()  # of x, y(, z); nothing means rest
    angular: tuple[tuple[str, Any], ...] = ()  # of z in two dimensions, of x, y, z in three

    def addresses(self) -> tuple[str, ...]:
        return tuple(a for address, value in (*self.linear, *self.angular) for a in signal_addresses(address, value))

    def at(self, params: Params, time: Tensor, like: Tensor) -> Tensor:
        """Velocity and angular velocity [batch, 6]; like: zeros [batch], float64."""
        linear = [value_at(params, address, value, time) for address, value in self.linear]
        angular = [value_at(params, address, value, time) for address, value in self.angular]
        linear += [like] * (3 - len(linear))
        angular = [like] * (3 - len(angular)) + angular
        return torch.stack(linear + angular, dim=1)

    def peaks(self, params: Params, like: Tensor) -> tuple[Tensor, Tensor]:
        """Upper bounds of the speed and of the turning speed at any time [batch]."""
        sizes = [
            torch.stack([peak(params, address, value) for address, value in part]).norm(dim=0) if part else like
            for part in (self.linear, self.angular)
        ]
        return sizes[0], sizes[1]


@dataclass(frozen=True)
class Mass:
    """What a rigid body resists with, and how it moves at first."""

    volume: Tensor  # [m^dim], [batch]
    shape: Tensor  # moment of inertia for each unit of mass, about the axes of the body [batch, 3, 3]
    density: Leaf
    mass: Leaf | None
    inertia: Leaf | None  # [batch], or [batch, 3] along the axes of the body
    velocity: Leaf  # [batch, dim]
    angular_velocity: Leaf  # [batch], or [batch, 3]
    hinge: Leaf | None  # its point [batch, dim]
    axis: Tensor  # of the hinge, of length 1 [batch, 3]

    def addresses(self) -> tuple[str, ...]:
        mass = self.density if self.mass is None else self.mass
        linear = None if self.hinge is not None else self.velocity
        return found(mass, self.inertia, linear, self.angular_velocity, self.hinge)

    def total(self, params: Params) -> Tensor:
        """[kg], [batch]"""
        return look(params, self.density) * self.volume.double() if self.mass is None else look(params, self.mass)

    def row(self, params: Params) -> Tensor:
        """[batch, INERTIA]"""
        mass = self.total(params)
        if self.inertia is None:
            tensor = mass[:, None, None] * self.shape.double()
        else:
            given = look(params, self.inertia)
            tensor = torch.diag_embed(given if given.ndim == 2 else given[:, None].expand(-1, 3))
        six = [tensor[:, i, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0))]
        point = torch.zeros_like(self.axis) if self.hinge is None else spatial(look(params, self.hinge))
        return torch.cat([torch.stack([mass, *six], dim=1), point, self.axis.double()], dim=1)

    def twist(self, params: Params, place: Tensor) -> Tensor:
        """Velocity and angular velocity at first [batch, 6]."""
        linear, angular = spatial(look(params, self.velocity)), look(params, self.angular_velocity)
        if angular.ndim == 1:
            angular = torch.nn.functional.pad(angular[:, None], (2, 0))
        if self.hinge is not None:
            axis = self.axis.double()
            angular = (angular * axis).sum(1, keepdim=True) * axis
            linear = torch.linalg.cross(angular, place - spatial(look(params, self.hinge)))
        return torch.cat([linear, angular], dim=1)


@dataclass(frozen=True)
class Obstacle:
    """Something that matter cannot enter: a rigid body, a collider that moves or stands, a wall or side of the box."""

    name: str
    kind: int  # of its shape, see colliders/shapes.py
    touch: int  # what it does to matter, see colliders/contact.py
    friction: Leaf
    numbers: Tensor  # of its shape [batch, 5]
    reach: Tensor  # radius of a ball about its middle that holds it [m], [batch]
    middle: Place  # of its shape, before it is turned
    center: Place  # about which it turns: the centre of mass of a body
    turn: Tensor  # quaternion (x, y, z, w) at the start [batch, 4]
    drive: Drive | None = None  # of a collider that moves
    mass: Mass | None = None  # of a rigid body

    @property
    def moves(self) -> bool:
        return self.drive is not None or self.mass is not None

    @property
    def motion(self) -> int:
        return LED if self.mass is None else FREE if self.mass.hinge is None else HINGED

    def addresses(self) -> tuple[str, ...]:
        own = found(self.friction, self.middle.value, self.center.value)
        own += () if self.drive is None else self.drive.addresses()
        return own + (() if self.mass is None else self.mass.addresses())

    def shape(self, params: Params) -> Tensor:
        """[batch, SHAPE]"""
        middle = self.middle.at(params) - self.center.at(params)
        reach = self.reach.double() + middle.detach().norm(dim=1)
        return torch.cat([look(params, self.friction)[:, None], reach[:, None], middle, self.numbers.double()], dim=1)

    def pose(self, params: Params) -> Tensor:
        """At the start [batch, POSE]."""
        place = self.center.at(params)
        twist = torch.zeros_like(torch.cat([place, place], dim=1))
        if self.mass is not None:
            twist = self.mass.twist(params, place)
        elif self.drive is not None:
            start = torch.zeros(len(place), dtype=torch.float64)
            twist = self.drive.at(params, start, torch.zeros_like(place[:, 0]))
        return torch.cat([place, self.turn.double(), twist], dim=1)


@dataclass(frozen=True)
class ObstacleTables:
    """Constants by obstacle; differentiable functions of the params."""

    shape: Tensor  # of every obstacle [batch, obstacle, SHAPE]
    inertia: Tensor  # of those that move [batch, moving, INERTIA]; ones of no meaning for colliders
    led: Tensor  # prescribed velocity and angular velocity of those that move [batch, moving, 6]
    still: Tensor  # poses of those that stand [batch, standing, POSE]
    pull: Tensor  # gravity [batch, dim]
    kept: Tensor  # see `feel` [batch, watch]

    def map(self, change: Callable[[Tensor], Tensor]) -> ObstacleTables:
        return ObstacleTables(*(change(table) for table in vars(self).values()))


@dataclass(frozen=True)
class Obstacles:
    """All of a scene, rigid bodies first, then colliders that move, then what stands, the sides of the box last."""

    dim: int
    all: tuple[Obstacle, ...] = ()
    sides: int = 0  # how many of them are sides of the box
    samples: Tensor | None = None  # B-spline coefficients of sampled distances, of one after the other [batch, sample]
    samples_at: tuple[
        tuple[int, int, int, int], ...
    ] = ()  # of each obstacle: its first sample, their number along axes
    points: Tensor | None = None  # of the rigid bodies' surfaces: see POINT [batch, point, 6]
    owner: tuple[int, ...] = ()  # obstacle of each point
    watched: tuple[Watch, ...] = ()  # whose forces are wanted

    @property
    def moving(self) -> tuple[Obstacle, ...]:
        return tuple(o for o in self.all if o.moves)

    @property
    def heeded(self) -> tuple[bool, ...]:
        """Of each, whether somebody must know how it is pushed: it moves by that, or its force is wanted."""
        watched = {watch.obstacle for watch in self.watched}
        return tuple(o.mass is not None or place in watched for place, o in enumerate(self.all))

    @property
    def holding(self) -> dict[str, int]:
        """Those whose force is wanted and which hold the nodes of the grid, by name."""
        watched = (watch.obstacle for watch in self.watched)
        return {self.all[place].name: place for place in watched if self.all[place].touch == NOTHING}

    @property
    def bodies(self) -> int:
        """How many rigid bodies there are."""
        return sum(o.mass is not None for o in self.all)

    def addresses(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(a for o in self.all for a in o.addresses()))

    def first(self, params: Params, like: Tensor) -> Tensor:
        """Poses at the start [batch, moving, POSE]. like: a tensor [batch, ...] of the particles."""
        poses = [o.pose(params) for o in self.moving]
        return torch.stack(poses, dim=1).to(like) if poses else like.new_zeros(len(like), 0, POSE)

    def speeds(self, params: Params, tables: ObstacleTables, rigid: Tensor) -> dict[str, Tensor]:
        """No place of each that moves is faster, by name [m/s], [batch]. rigid: poses of the state."""
        found = {}
        for place, obstacle in enumerate(self.moving):
            now = rigid[:, place].double()
            linear, angular = now[:, 7:10].norm(dim=1), now[:, 10:13].norm(dim=1)
            if obstacle.drive is not None:
                linear, angular = obstacle.drive.peaks(params, torch.zeros_like(linear))
            found[obstacle.name] = linear + torch.where(angular > 0, angular * tables.shape[:, place, 1], 0.0)
        return found

    def tables(self, params: Params, time: Tensor, gravity: Tensor) -> ObstacleTables:
        """gravity: for a scene that names none [batch, dim]."""
        pull = params.get("gravity", gravity).double()
        none = torch.zeros_like(pull[:, 0])
        still = [o.pose(params) for o in self.all if not o.moves]
        moving = self.moving
        blank = torch.ones_like(none)[:, None].expand(-1, 13)
        rows = [blank if o.mass is None else o.mass.row(params) for o in moving]

        def stacked(parts: list[Tensor], width: int) -> Tensor:
            return torch.stack(parts, dim=1) if parts else none.new_zeros(len(none), 0, width)

        return ObstacleTables(
            torch.stack([o.shape(params) for o in self.all], dim=1),
            stacked(rows, 13), self.led(params, time, pull), stacked(still, POSE), pull,
            none.new_ones(len(none), len(self.watched)),
        )  # fmt: skip

    def led(self, params: Params, time: Tensor, like: Tensor) -> Tensor:
        """Prescribed velocity and angular velocity of those that move, nothing for rigid bodies [batch, moving, 6].
        like: any tensor [batch, dim], float64."""
        none = torch.zeros_like(like[:, 0])
        twists = [
            torch.stack([none] * 6, 1) if o.drive is None else o.drive.at(params, time, none) for o in self.moving
        ]
        return torch.stack(twists, dim=1) if twists else none.new_zeros(len(none), 0, 6)

    def kept(self, time: Tensor, dt: Tensor) -> Tensor:
        """Of what was felt before a step, whether it still counts after it [batch, watch]."""
        kept = [watch.kept(time, dt) for watch in self.watched]
        return torch.stack(kept, dim=1) if kept else time.new_zeros(len(time), 0)
