"""How a rollout gets its gradient: `rollout(..., gradient=Stored() | Reversible() | Tape())`.

| | keeps | takes steps | of which solvers |
|---|---|---|---|
| `Stored` | what transposes need, or about sqrt(N) states | once, or up to three times | all |
| `Reversible` | one state | once, and once backwards | those whose steps can be undone to the last bit |
| `Tape` | every operation | once | those that can be written in torch; for tests |

All give the same gradient, up to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from scenegrad.engine.errors import EngineError
from scenegrad.engine.solver import Solver, Tapeable, Undoable, Undoing
from scenegrad.engine.state import Params, tensors, with_tensors

__all__ = ["Gradient", "Reversible", "Stored", "Tape", "tapeable", "undoable"]

S = TypeVar("S")


@dataclass(frozen=True)
class Stored:
    """States are kept on the way there, and steps transposed by their solver on the way back.

    memory: what the states kept may take [bytes]. Where they do not all fit, as many are kept as do, or about the
    square root of their number if that is more, and the steps between them are taken again on the way back. What the
    transposes of all steps need is kept too if it fits into this memory or half a gibibyte; then none is taken again.
    """

    memory: float = 0.0

    def __post_init__(self) -> None:
        if not self.memory >= 0.0:
            raise EngineError(
                f"A rollout cannot keep states in {self.memory:g} bytes; memory is a number of bytes, 0 or more."
            )


@dataclass(frozen=True)
class Reversible:
    """Nothing is kept but the last state: the way back undoes the steps, to the last bit, and transposes each.

    States are rounded to whole numbers of quanta, and a step adds whole numbers to them, so that it can be undone
    exactly [Levesque & Verlet 1993, J. Stat. Phys. 72, 519]. Of the steps themselves 17 bytes a member are remembered.
    """


@dataclass(frozen=True)
class Tape:
    """Every operation is written down by torch. Memory grows with each of them: for tests, and for short rollouts."""


Gradient = Stored | Reversible | Tape


def undoable(solver: Solver[S], state: S, params: Params) -> tuple[Undoing[S], S]:
    """A solver whose steps can be undone, and the state that it begins from."""
    if not isinstance(solver, Undoable):
        raise EngineError(
            f"The steps of {type(solver).__name__} cannot be undone, as gradient=Reversible() asks for. Those of atoms "
            f"at constant energy can; take gradient=Stored() for others."
        )
    plain = with_tensors(state, {name: value.detach() for name, value in tensors(state).items()})
    return solver.undoable(plain, params.detach())


def tapeable(solver: Solver[S]) -> Solver[S]:
    """The same solver, whose steps torch can write down."""
    if not isinstance(solver, Tapeable):
        raise EngineError(
            f"The steps of {type(solver).__name__} are not made of torch operations, as gradient=Tape() asks for. "
            f"Take gradient=Stored()."
        )
    return solver.taped()
