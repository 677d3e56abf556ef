"""What a step of the spectral solvers changes."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

__all__ = ["FieldState", "VorticityState"]


@dataclass(frozen=True)
class VorticityState:
    """Vorticity of a batch of independent flows, sampled at (i dx, j dy).

    Real-space samples, because files, surrogates and gradients all want them. It costs one transform on the way into a
    step and one on the way out, beside the sixteen inside it.
    """

    vorticity: Float[Tensor, "batch nx ny"]  # w = dv/dx - du/dy [1/s]


@dataclass(frozen=True)
class FieldState:
    """Fields of an equation in one, two or three dimensions, sampled at (i dx, j dy, k dz)."""

    field: Float[Tensor, "batch channel *cells"]
