"""How a rollout gets its gradient: `rollout(..., gradient=Stored() | Reversible() | Tape() | Reweighted())`.

| | keeps | takes steps | of which solvers |
|---|---|---|---|
| `Stored` | what transposes need, or about sqrt(N) states | once, or up to three times | all |
| `Reversible` | one state | once, and once backwards | those whose steps can be undone to the last bit |
| `Tape` | every operation | once | those that can be written in torch; for tests |
| `Reweighted` | frames | once | those that draw from a distribution that they know |

The first three give the same gradient, up to rounding. The last one is of averages over frames, not of one trajectory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from scenegrad.engine.errors import EngineError
from scenegrad.engine.solver import Solver, Tapeable, Undoable, Undoing, Weighing
from scenegrad.engine.state import Params, tensors, with_tensors

__all__ = ["Gradient", "Reversible", "Reweighted", "Stored", "Tape", "tapeable", "undoable", "weighing"]

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


@dataclass(frozen=True)
class Reweighted:
    """Averages over the frames of an equilibrium, as functions of the parameters of its distribution exp(-u).

    A frame x_k counts with the weight w_k ~ exp(u_0(x_k) - u_p(x_k)), which is 1/K of all K for the parameters that it
    was drawn with. `Rollout.mean` is sum_k w_k O(x_k), whose derivative d<O>/dp = <dO/dp> - <O du/dp> + <O> <du/dp>
    knows no trajectory, however chaotic that is [Zwanzig 1954, J. Chem. Phys. 22, 1420; Thaler & Zavadlav 2021, Nat.
    Commun. 12, 6884]. Each member has frames of its own; the error is that of sampling. Outputs and the last state have
    no gradient: a frame says nothing of a distribution.
    """


Gradient = Stored | Reversible | Tape | Reweighted


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


def weighing(solver: Solver[S], params: Params) -> Weighing[S]:
    """The same solver, which knows how probable a state is."""
    if not isinstance(solver, Weighing):
        raise EngineError(
            f"{type(solver).__name__} draws from no distribution that it knows, as gradient=Reweighted() asks for. "
            f"Atoms at a temperature do; take gradient=Stored() for others."
        )
    solver.refuse_unweighed(params)
    return solver
