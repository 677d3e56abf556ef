"""Fluids that can be compressed, or that have a free surface: what is conserved in finite volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import pydantic

from scenegrad.scenes.entity import Entity
from scenegrad.scenes.initial_fields import InitialField
from scenegrad.scenes.model import Model
from scenegrad.scenes.shapes import Shape
from scenegrad.scenes.values import NonNegative, Positive, Random, Scalar, Vector, check_range

__all__ = ["Gas", "GasPatch", "IsentropicVortex", "ShallowWater", "WaterPatch"]

Adiabatic = Annotated[
    Scalar, pydantic.AfterValidator(lambda v: check_range(v, 1.0, 100.0, "the ratio of specific heats is above 1"))
]


class IsentropicVortex(InitialField):
    """A vortex in a gas that is uniform elsewhere; it is carried along and does not change, an exact solution.

    du = strength / (2 pi) exp((1 - r^2) / 2) (-y, x) in units of sqrt(p / rho), r from its center in units of its
    radius; density and pressure are such that the entropy is uniform. In three dimensions it stands along z.
    [Yee, Sandham, Djomehri 1999, J. Comput. Phys. 150, 199-238]
    """

    kind: Literal["isentropic_vortex"] = "isentropic_vortex"
    strength: Scalar = 5.0
    radius: Positive = 1.0  # [m]
    center: Vector | None = None  # [m]; the middle of the box if left out


class GasPatch(Model):
    """Another state inside a shape at the start; what is left out is as around it."""

    positional = ("shape",)
    shape: Shape
    density: Positive | None = None  # [kg/m^3]
    pressure: Positive | None = None  # [Pa]
    velocity: Vector | None = None  # [m/s]

    if TYPE_CHECKING:

        def __init__(
            self,
            shape: Shape,
            *,
            density: Scalar | None = None,
            pressure: Scalar | None = None,
            velocity: Vector | None = None,
        ) -> None: ...


class Gas(Entity):
    """An ideal gas that fills the box: p = (gamma - 1) (E - rho |u|^2 / 2).

    It starts at rest or with `velocity`, a vector or a field without divergence, at one density and pressure;
    with other states in `patches`, later ones over earlier ones; or from a field in closed form, `start`. viscosity:
    dynamic; heat flows as Prandtl's number says. gas_constant: of temperatures, T = p / (rho gas_constant); that of air
    if left out.
    """

    kind: Literal["gas"] = "gas"
    gamma: Adiabatic = 1.4
    density: Positive = 1.0  # [kg/m^3]
    pressure: Positive = 1.0  # [Pa]
    velocity: Vector | Random | InitialField | None = None  # [m/s]
    patches: tuple[GasPatch, ...] = ()
    start: InitialField | None = None
    viscosity: NonNegative = 0.0  # dynamic [Pa s]
    prandtl: Positive = 0.72
    gas_constant: Positive = 287.05  # [J/(kg K)]


class WaterPatch(Model):
    """Another depth or velocity inside a shape at the start; what is left out is as around it."""

    positional = ("shape",)
    shape: Shape
    depth: NonNegative | None = None  # [m]
    velocity: Vector | None = None  # [m/s]

    if TYPE_CHECKING:

        def __init__(self, shape: Shape, *, depth: Scalar | None = None, velocity: Vector | None = None) -> None: ...


class ShallowWater(Entity):
    """Water much wider than deep, seen from above: h_t + div(h u) = 0, (h u)_t + div(h u u) + grad(g h^2 / 2) = 0."""

    kind: Literal["shallow_water"] = "shallow_water"
    depth: NonNegative = 1.0  # [m]
    velocity: Vector | Random | InitialField | None = None  # [m/s]
    patches: tuple[WaterPatch, ...] = ()
    gravity: Positive = 9.81  # [m/s^2]
