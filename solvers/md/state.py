"""What a step of molecular dynamics changes."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float, Float64, Int64
from torch import Tensor

__all__ = ["AtomState"]


@dataclass(frozen=True)
class AtomState:
    """Atoms of a batch of independent systems of the same make-up; those of one species stand together.

    The force is no part of it: a position that a user changes would leave it stale. step and seed are the counter and
    the key of the noise, so that a run that goes on from here draws what it would have drawn.
    """

    position: Float[Tensor, "batch atom dim"]  # unwrapped: it counts the rounds through the periodic box [length]
    velocity: Float[Tensor, "batch atom dim"]  # [length/time]
    step: Int64[Tensor, " batch"]  # steps taken so far
    seed: Int64[Tensor, " batch"]
    chain: Float64[Tensor, "batch 2 link"] | None = None  # of thermostats: integrals of their frictions, and frictions
    heat: Float64[Tensor, " batch"] | None = None  # that a thermostat has given [energy]
    heading: Float[Tensor, "batch atom dim"] | None = None  # unit vectors along which active particles push themselves
    pace: Float64[Tensor, " batch"] | None = None  # length of the next step, where a motion says it [time]
    places: Float[Tensor, "batch lag atom dim"] | None = None  # at the last frames of an output [length]
    speeds: Float[Tensor, "batch earlier atom dim"] | None = None  # the same of velocities [length/time]
    looked: Float64[Tensor, "batch output 2"] | None = None  # frames remembered for them, and the time of the last one
    edges: Float64[Tensor, "batch dim"] | None = None  # of the box, where it changes [length]
    whole: Int64[Tensor, "batch 2 atom dim"] | None = None  # positions and velocities in quanta, where steps are undone
