"""A network of particles in its solver's place: the solver's own states, of which it moves positions and velocities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.solver import Solver
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.surrogate import Surrogate

__all__ = ["ParticleSurrogate"]

S = TypeVar("S")
VELOCITY = "velocity"


class ParticleSurrogate(Surrogate[S], Generic[S]):
    """A Surrogate for networks that give positions: velocities are those of the last step, (x' - x) / dt, which is what
    a
    solver sees that takes over. There may be more or fewer particles than in the training.

    still: fields of the state that the network knows nothing of and leaves as they were, such as the deformation of
    material points; what a scene measures of those stands still as well. All else as for Surrogate.
    """

    def __init__(
        self,
        model: Dressed | str | Path,
        like: Solver[S],
        *,
        still: Sequence[str] = (),
        given: Mapping[str, Tensor] | None = None,
    ):
        super().__init__(model, like, given=given)
        self.still = tuple(still)
        if self.names.outputs != ("position",):
            raise EngineError(
                f"This network gives {', '.join(self.names.outputs)}; a ParticleSurrogate is for those that give the "
                f"position alone. Surrogate(...) takes others."
            )

    def network(self, like: Tensor) -> Any:
        inner = super().network(like)

        def moved(state: Mapping[str, Tensor], params: Mapping[str, Tensor], dt: Tensor, geometry: Any) -> Any:
            after = inner(state, params, dt, geometry)
            change = (after["position"] - state["position"]) / dt.view(-1, 1, 1)
            return {**after, VELOCITY: change} if VELOCITY in state else after

        return moved

    def refuse_other_fields(self, fields: dict[str, Tensor]) -> None:
        names = self.names
        known = {*names.fields, *self.still, VELOCITY}
        there = [name for name in fields if "[" not in name]
        missing = [name for name in names.fields if name not in fields and name not in self.given]
        untouched = [
            name for name in there if fields[name].is_floating_point() and fields[name].numel() and name not in known
        ]
        if missing or untouched:
            raise EngineError(
                f"The network moves particles by {', '.join(names.fields)}; the state holds {', '.join(there)}. Say "
                f"given= what it is told beside the state, and still={tuple(untouched)} to let those stand still."
            )
