"""What every way to move atoms is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from scenegrad.engine.solver import Pull, Step
from scenegrad.engine.state import Params
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System

__all__ = ["Motion"]

Bars = dict[str, Tensor]


class Motion(Protocol):
    """Equations of motion with the method that steps them."""

    @property
    def order(self) -> int: ...  # of the global error in dt

    def fixed(self, system: System) -> float:
        """Degrees of freedom along each axis that rest: 1 where the total momentum is kept, 0 where noise moves it, or
        what holds atoms to a place."""
        ...

    def begin(self, system: System, state: AtomState, params: Params) -> AtomState:
        """The first state, with what this motion carries along beside positions and velocities."""
        ...

    def temperature(self, params: Params) -> Tensor | None:
        """That it holds [batch], float64 [energy]; None where it holds none."""
        ...

    def unseen(self, params: Params) -> Tensor | None:
        """Temperature [batch], float64 [energy], of momenta that are forgotten too fast to be followed: those of motion
        without inertia, whose velocities stand still. None where velocities are those of the atoms."""
        ...

    def longest(self, square: Tensor, params: Params) -> Tensor:
        """Largest stable dt [batch] where the square of the highest angular frequency is this [batch]."""
        ...

    def step(self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> Step[AtomState]: ...

    def linearize(
        self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor
    ) -> tuple[AtomState, Pull]:
        """The state of `step` and its `vjp` there, which makes the step no second time."""
        ...

    def vjp(
        self,
        system: System,
        state: AtomState,
        params: Params,
        time: Tensor,
        dt: Tensor,
        cotangent: Mapping[str, Tensor],
    ) -> tuple[Bars, Bars]:
        """Transposed derivative of `step`."""
        ...

    def observe(self, system: System, state: AtomState, params: Params) -> dict[str, Tensor]:
        """What else there is to see, such as a conserved quantity [batch]; often nothing."""
        ...
