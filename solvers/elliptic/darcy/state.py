"""What describes a porous medium and the flow in it."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

__all__ = ["DarcyState"]


@dataclass(frozen=True)
class DarcyState:
    """Samples in the middles of cells. The first two never change; they are here so that gradients reach every one of
    their cells, and so that frames and datasets hold them."""

    permeability: Float[Tensor, "batch *cells"]  # noqa: UP037  # over the viscosity of the fluid [m^2 / (Pa s)]
    source: Float[Tensor, "batch *cells"]  # noqa: UP037  # [1/s]
    pressure: Float[Tensor, "batch *cells"]  # noqa: UP037  # [Pa]; zero at the start
