"""Rigid things in the way of matter: colliders that stand or are moved, and rigid bodies that matter moves."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, model_validator

from scenegrad.scenes.domain import Separate, SideCondition
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.model import Model
from scenegrad.scenes.shapes import Shape
from scenegrad.scenes.signals import ScalarOrSignal
from scenegrad.scenes.values import Positive, Scalar, Vector, vector

__all__ = ["Collider", "Hinge", "Moving", "RigidBody"]

Degrees = float | tuple[float, float, float]
Turning = ScalarOrSignal | tuple[ScalarOrSignal, ScalarOrSignal, ScalarOrSignal]


def turns(dim: int | None, value: Any, name: str, owner: str) -> None:
    """A turn about z in two dimensions is one number, in three it is three."""
    many = isinstance(value, tuple)
    if dim == 2 and many:
        raise ValueError(f"{owner} got {name}={value}; in two dimensions it turns about z: give one number.")
    if dim == 3 and value is not None and not many:
        raise ValueError(f"{owner} got {name}={value}; in three dimensions give three numbers, one for each axis.")


class Moving(Model):
    """A prescribed motion: the centre moves with `velocity`, and all else turns about it with `angular_velocity`.

    Each component is a number or a signal of time. angular_velocity: one number in two dimensions, about z; three in
    three. center: place at the start about which the collider turns; the middle of its shape if left out.
    """

    velocity: tuple[ScalarOrSignal, ...] | None = None  # [m/s]; none if left out
    angular_velocity: Turning | None = None  # [rad/s]; none if left out
    center: Vector | None = None  # [m]


class Hinge(Model):
    """Holds one point of a rigid body in its place; the body turns about an axis through it and moves no other way.

    axis: in three dimensions; in two it is z.
    """

    positional = ("point",)
    point: Vector  # [m]
    axis: tuple[float, float, float] = (0.0, 0.0, 1.0)

    @model_validator(mode="after")
    def has_direction(self) -> Hinge:
        if not any(self.axis):
            raise ValueError("Hinge got axis=(0, 0, 0); give a direction such as (0, 0, 1).")
        return self


class Collider(Entity):
    """A rigid shape that matter cannot enter; it stands still, or moves as it is told.

    rotation: [degree] about the middle of the shape (of the motion's `center`, where one is given); one number about z
    in two dimensions; about x, then y, then z in three.
    """

    positional = ("shape",)
    kind: Literal["collider"] = "collider"
    shape: Shape
    contact: SideCondition = Separate()
    motion: Moving | None = None
    rotation: Degrees | None = None

    @model_validator(mode="after")
    def one_dimension(self) -> Collider:
        turns(self.dim(), self.rotation, "rotation", "Collider")
        if self.motion is not None:
            turns(self.dim(), self.motion.angular_velocity, "angular_velocity", "Collider's motion")
            for name in ("velocity", "center"):
                value = getattr(self.motion, name)
                if value is not None and self.dim() is not None and entries(value) != self.dim():
                    raise ValueError(f"Collider's motion got {name}={value}; it needs {self.dim()} entries.")
        return self

    def dim(self) -> int | None:
        return self.shape.dim()


class RigidBody(Entity):
    """A shape that keeps its form and is moved by gravity, by matter, by walls and by other rigid bodies.

    Its mass is that of its shape filled with `density`, unless `mass` is given; its moment of inertia goes with the
    mass, unless `inertia` is given: one number in two dimensions (about z, with the mass per unit of depth), the
    three principal ones along the axes of the shape in three.
    rotation: as of a Collider, about the centre of mass. stiffness: pressure per depth of one grid cell with which it
    meets walls and other rigid bodies: how deep it sinks depends on this number. damping: 1/damping is about the speed
    [m/s] at which it meets them and does not bounce; slower it bounces the better, and at 0 always.
    """

    positional = ("shape",)
    kind: Literal["rigid_body"] = "rigid_body"
    shape: Shape
    density: Positive = 1000.0  # [kg/m^3]
    mass: Positive | None = None  # [kg], in two dimensions per unit of depth
    inertia: Positive | tuple[Positive, Positive, Positive] | None = None  # [kg m^2]
    velocity: Vector | None = None  # of the centre of mass [m/s]; at rest if left out
    angular_velocity: Scalar | Vector | None = None  # [rad/s]
    rotation: Degrees | None = None
    contact: SideCondition = Separate()
    hinge: Hinge | None = None
    stiffness: Annotated[float, Field(gt=0)] = 1e5  # [Pa]
    damping: Annotated[float, Field(ge=0)] = 3.0  # [s/m]

    @pydantic.field_validator("angular_velocity", mode="before")
    @classmethod
    def as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def one_dimension(self) -> RigidBody:
        turns(self.dim(), self.rotation, "rotation", "RigidBody")
        turns(self.dim(), self.inertia, "inertia", "RigidBody")
        if self.angular_velocity is not None and self.dim() is not None:
            wanted, given = (1 if self.dim() == 2 else 3), entries(self.angular_velocity)
            if given != wanted:
                raise ValueError(
                    f"RigidBody got angular_velocity={self.angular_velocity}; it needs {wanted} number(s)."
                )
        if self.hinge is not None and self.dim() is not None and entries(self.hinge.point) != self.dim():
            raise ValueError(f"RigidBody's hinge got point={self.hinge.point}; it needs {self.dim()} entries.")
        if self.hinge is not None and self.velocity is not None:
            raise ValueError("RigidBody got a hinge and a velocity; a hinged body turns only: give angular_velocity.")
        return self

    def dim(self) -> int | None:
        return self.shape.dim()


def entries(value: Any) -> int:
    """How many numbers a leaf holds."""
    return len(value) if isinstance(value, tuple) else len(vector(value)) if hasattr(value, "value") else 1
