"""Incompressible fluids on grids, what they carry, and what stands in their way."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from scenegrad.scenes.colliders import Degrees, Moving, turns
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.forcings import Forcing
from scenegrad.scenes.initial_fields import InitialField
from scenegrad.scenes.kinds import Kind
from scenegrad.scenes.quantities import Carrying, Quantity
from scenegrad.scenes.shapes import Shape
from scenegrad.scenes.values import NonNegative, Positive, Random, Scalar, Vector

__all__ = ["Fluid", "Obstacle", "Smagorinsky", "Tracer", "Turbulence"]


class Turbulence(Kind):
    """A model of the eddies that the grid does not resolve."""

    family = "turbulence model"


class Smagorinsky(Turbulence):
    """Eddy viscosity (constant * cell width)^2 |S|, with |S|^2 = 2 S:S of the rate of strain S.

    [Smagorinsky 1963, Mon. Weather Rev. 91, 99-164]; the constant of isotropic turbulence is 0.17 [Lilly 1967].
    """

    positional = ("constant",)
    kind: Literal["smagorinsky"] = "smagorinsky"
    constant: NonNegative = 0.17


class Fluid(Entity):
    """An incompressible Newtonian fluid that fills the box.

    It starts from a vorticity (two dimensions), or from a velocity: one vector everywhere, or a field, of which the
    part without divergence is taken. drag: linear friction on the velocity. turbulence: what stands for eddies finer
    than the grid, on a staggered one.
    """

    kind: Literal["fluid"] = "fluid"
    viscosity: NonNegative  # kinematic [m^2/s]
    density: Positive = 1.0  # [kg/m^3]
    vorticity: Random | InitialField | None = None  # [1/s]
    velocity: Vector | Random | InitialField | None = None  # [m/s]
    forcing: Forcing | None = None
    drag: NonNegative = 0.0  # [1/s]
    turbulence: Turbulence | None = None


class Tracer(Entity):
    """A quantity that a fluid carries and that diffuses in it: dye, smoke, salt, heat.

    c_t + u.grad c = diffusivity laplace c + source. buoyancy: acceleration that one unit of it gives the fluid
    (Boussinesq) [m/s^2 per unit], such as (0, g beta) for a temperature above the one at rest. Its values at the sides
    stand in their conditions by the name of the tracer, as in NoSlip(temperature=1.0); without one nothing passes.
    """

    kind: Literal["tracer"] = "tracer"
    diffusivity: NonNegative = 0.0  # [m^2/s]
    initial: Scalar | Random | InitialField = 0.0
    buoyancy: Vector | None = None
    carried_by: str | None = None  # the fluid's name; the only fluid of the scene if left out


class Obstacle(Carrying, Entity):
    """A solid body in a fluid, which sticks to it; it stands still, or moves as it is told.

    rotation: as of a Collider. Tracers have the values that stand here by their names on its surface, as in
    Obstacle(shape, temperature=1.0); without one nothing of them passes.
    """

    positional = ("shape",)
    kind: Literal["obstacle"] = "obstacle"
    shape: Shape
    motion: Moving | None = None
    rotation: Degrees | None = None
    carried: dict[str, Quantity] = Field(default_factory=dict)

    @model_validator(mode="after")
    def one_dimension(self) -> Obstacle:
        turns(self.dim(), self.rotation, "rotation", "Obstacle")
        if self.motion is not None:
            turns(self.dim(), self.motion.angular_velocity, "angular_velocity", "Obstacle's motion")
        return self

    def dim(self) -> int | None:
        return self.shape.dim()
