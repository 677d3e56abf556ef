"""A few particles that a network moves carry all the others: reduced order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.particles.interpolation import spread
from scenegrad.surrogates.scales import Scales
from scenegrad.surrogates.training.targets import Target

__all__ = ["Carried"]


class Carried(nn.Module):
    """x' = x + u(x) for all particles, where u is the smooth field through the displacements of a few of them.

    The network sees and moves the carriers alone, as in reduced-order neural operators [Viswanath et al. 2024, GIOROM,
    arXiv:2407.03925] and on LiCROM's idea of a field that knows no discretisation [Chang et al. 2023,
    arXiv:2310.15907]; the field from them is that of `spread`, in the places where particles are now, so that matter
    may flow and part. Its cost is one sum over the carriers near a particle, however many steps the solver would take.

    model: a trained network of as many particles as there are carriers, in about the same density. carriers: their
    numbers among all [carrier], such as `farthest_points` gives. reach: of the field of a carrier [length], two or
    three of their distances.
    """

    def __init__(self, model: Any, carriers: Tensor, reach: float):
        super().__init__()
        if model.names.outputs != ("position",) or not reach > 0.0 or carriers.ndim != 1 or not len(carriers):
            raise EngineError(
                f"Carried got a network that gives {', '.join(model.names.outputs)}, carriers of shape "
                f"{tuple(carriers.shape)} and reach={reach}; it takes one that gives the position, the numbers of some "
                f"particles [carrier] and a positive length."
            )
        self.model, self.names, self.dt, self.grid = model, model.names, model.dt, model.grid
        self.objective: Target | None = model.objective
        self.reach = reach
        self.register_buffer("carriers", carriers.long())

    carriers: Tensor

    @property
    def scales(self) -> Scales:
        return self.model.scales

    def forward(
        self,
        state: Mapping[str, Tensor],
        params: Mapping[str, Tensor],
        dt: Tensor,
        geometry: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """The positions of all particles after a step."""
        known = {**(geometry or {}), **state}
        few = {name: known[name].index_select(1, self.carriers) for name in self.names.inputs}
        moved = self.model(few, params, dt)["position"]
        x = known["position"]
        after = x + spread(x, few["position"], moved - few["position"], self.reach)
        return {"position": after.index_copy(1, self.carriers, moved)}

    def config(self) -> dict[str, Any]:
        raise EngineError("A reduced model is made of a trained one and carriers: save that one, and their numbers.")
