"""Bodies of continuous matter, their materials, and rigid walls."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic
from pydantic import Field, model_validator

from scenegrad.scenes.domain import Separate, SideCondition
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.kinds import Kind
from scenegrad.scenes.shapes import Shape
from scenegrad.scenes.values import NonNegative, Positive, Scalar, Vector, check_range

__all__ = ["Body", "Material", "NeoHookean", "Wall", "WeaklyCompressible"]

PoissonRatio = Annotated[
    Scalar, pydantic.AfterValidator(lambda v: check_range(v, -1.0, 0.5, "Poisson's ratio lies between -1 and 0.5"))
]


class Material(Kind):
    """A constitutive law and its constants."""

    family = "material"


class NeoHookean(Material):
    """Compressible neo-Hookean elastic solid: W = mu/2 (tr F'F - d) - mu ln J + lambda/2 (ln J)^2."""

    kind: Literal["neo_hookean"] = "neo_hookean"
    youngs_modulus: Positive  # [Pa]
    poisson_ratio: PoissonRatio = 0.3
    density: Positive = 1000.0  # [kg/m^3]


class WeaklyCompressible(Material):
    """Fluid with Tait's equation of state p = K/gamma (J^-gamma - 1) and a Newtonian viscosity."""

    kind: Literal["weakly_compressible"] = "weakly_compressible"
    bulk_modulus: Positive  # [Pa]
    gamma: Positive = 7.0
    viscosity: NonNegative = 0.0  # dynamic [Pa s]
    density: Positive = 1000.0  # [kg/m^3]


class Body(Entity):
    """A piece of matter: the region it fills at the start, what it is made of, and how it moves at first.

    jitter: 0 leaves the particles on their lattice, 1 puts each anywhere in its cell of it, drawn by the seed of the
    scene; sand and liquids then have no rows and columns to slide along.
    """

    kind: Literal["body"] = "body"
    shape: Shape
    material: Material
    velocity: Vector | None = None  # [m/s]; at rest if left out
    particles_per_cell: Annotated[int, Field(ge=1)] | None = None  # 2^dim if left out
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.0  # share of its place in the lattice in which a particle may start

    def dim(self) -> int | None:
        return self.shape.dim()


class Wall(Entity):
    """A rigid half-space: matter is kept where normal . x >= offset."""

    kind: Literal["wall"] = "wall"
    normal: tuple[float, ...]
    offset: Scalar = 0.0  # [m]
    contact: SideCondition = Separate()

    @model_validator(mode="after")
    def has_direction(self) -> Wall:
        if not any(self.normal):
            raise ValueError(f"Wall got normal={self.normal}; give a direction such as (0, 1).")
        return self

    def dim(self) -> int | None:
        return len(self.normal)
