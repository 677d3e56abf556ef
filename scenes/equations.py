"""Model equations in periodic boxes of one, two or three dimensions."""

from __future__ import annotations

from typing import Literal

from scenegrad.scenes.entity import Entity
from scenegrad.scenes.initial_fields import InitialField
from scenegrad.scenes.values import NonNegative, Positive, Random, Vector

__all__ = ["AdvectionDiffusion", "Burgers", "GrayScott", "KuramotoSivashinsky"]

Start = Random | InitialField


class Burgers(Entity):
    """u_t + u.grad u = viscosity laplace u, with as many components as there are dimensions."""

    kind: Literal["burgers"] = "burgers"
    viscosity: NonNegative  # [m^2/s]
    velocity: Start  # at the start [m/s]; of random fields, each component has its own


class KuramotoSivashinsky(Entity):
    """u_t = -growth laplace u - damping laplace laplace u - N: N is u u_x in one dimension, and |grad u|^2 / 2 less its
    mean in more."""

    kind: Literal["kuramoto_sivashinsky"] = "kuramoto_sivashinsky"
    height: Start  # at the start
    growth: NonNegative = 1.0
    damping: Positive = 1.0


class GrayScott(Entity):
    """Food u that is fed in and a catalyst v that eats it: u_t = D_u laplace u - u v^2 + feed (1 - u),
    v_t = D_v laplace v + u v^2 - (feed + kill) v.

    catalyst: v at the start, between 0 and 1; u starts as 1 - 2 v.
    """

    kind: Literal["gray_scott"] = "gray_scott"
    feed: Positive
    kill: Positive
    diffusivity_food: Positive = 2e-5
    diffusivity_catalyst: Positive = 1e-5
    catalyst: InitialField


class AdvectionDiffusion(Entity):
    """c_t + velocity.grad c = diffusivity laplace c, with one velocity everywhere."""

    kind: Literal["advection_diffusion"] = "advection_diffusion"
    velocity: Vector  # [m/s]
    diffusivity: NonNegative = 0.0  # [m^2/s]
    concentration: Start  # at the start
