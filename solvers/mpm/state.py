"""What a step of the material point method changes."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

__all__ = ["ParticleState"]


@dataclass(frozen=True)
class ParticleState:
    """Particles of a batch of independent systems; those of one body stand together, body after body.

    deformation: F = dx/dX since the start; of matter that yields, its elastic part. A fluid forgets its shape and keeps
    its volume only: F = J^(1/dim) I.
    Along periodic axes positions are unwrapped: they count the rounds.
    """

    position: Float[Tensor, "batch particle dim"]  # [m]
    velocity: Float[Tensor, "batch particle dim"]  # [m/s]
    affine: Float[Tensor, "batch particle dim dim"]  # APIC velocity gradient C, C_ij = dv_i/dx_j [1/s]
    deformation: Float[Tensor, "batch particle dim dim"]  # F, dimensionless
    history: Float[Tensor, "batch particle memory"]  # what the laws remember besides F; memory may be 0
    # Of rigid bodies, then of colliders that move: position [m], quaternion (x, y, z, w), velocity [m/s], angular
    # velocity [rad/s]; two dimensions are the plane z = 0.
    rigid: Float[Tensor, "batch rigid 13"]
    # Of each obstacle whose force is watched, since the last frame that showed it: impulse [N s], its moment [N m s]
    # and the time [s]; see colliders/felt.py.
    felt: Float[Tensor, "batch watch 7"]
