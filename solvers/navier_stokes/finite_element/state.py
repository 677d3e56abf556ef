"""What a step of finite elements changes."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

__all__ = ["DiffusionState", "ElasticState", "FlowState"]


@dataclass(frozen=True)
class FlowState:
    """A batch of flows on one mesh. Nodes: the vertices, then the middles of edges; the pressure stands at vertices.

    before, pace: velocity at the beginning of the last step and 1 over its length, 0 where there was none. vertices:
    where they are, which no step changes; the gradient by the shape of the region is found there.
    """

    velocity: Float[Tensor, "batch node dim"]  # [m/s]
    pressure: Float[Tensor, "batch vertex"]  # [Pa]
    before: Float[Tensor, "batch node dim"]  # [m/s]
    pace: Float[Tensor, "batch 1"]  # [1/s]
    felt: Float[Tensor, "batch watch entry"]  # of watched tags since the frame: impulse, its moment [N s, N m s], time
    tracers: Float[Tensor, "batch tracer node"]
    tracers_before: Float[Tensor, "batch tracer node"]  # at the beginning of the last step
    crossed: Float[Tensor, "batch crossing 2"]  # of watched tags: what came in since the frame, and time [s]
    vertices: Float[Tensor, "batch vertex dim"]  # [m]


@dataclass(frozen=True)
class DiffusionState:
    """The pressure in a porous medium, or something that diffuses; before, pace, vertices as of a flow."""

    value: Float[Tensor, "batch node"]
    before: Float[Tensor, "batch node"]
    pace: Float[Tensor, "batch 1"]  # [1/s]
    coefficient: Float[Tensor, "batch element"]  # permeability [m^2 / (Pa s)] or diffusivity [m^2/s]
    source: Float[Tensor, "batch element"]  # [unit of the value times that of the coefficient / m^2]
    vertices: Float[Tensor, "batch vertex dim"]  # [m]


@dataclass(frozen=True)
class ElasticState:
    """Solids at rest under their loads; vertices: where they are without one."""

    displacement: Float[Tensor, "batch node dim"]  # [m]
    youngs_modulus: Float[Tensor, "batch element"]  # [Pa]
    vertices: Float[Tensor, "batch vertex dim"]  # [m]
