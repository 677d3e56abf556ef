"""What every solver is, learned ones too: discretised physics that knows nothing of loops and files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

from scenegrad.engine.linearizing import linearized
from scenegrad.engine.state import Params

if TYPE_CHECKING:
    from scenegrad.engine.capture import Replays
    from scenegrad.engine.controllers import Controller

__all__ = [
    "Atoms",
    "Breakable",
    "Elements",
    "Grid",
    "Layout",
    "Limited",
    "Linearizable",
    "Net",
    "Points",
    "Probe",
    "Program",
    "Pull",
    "Replayable",
    "Series",
    "Solver",
    "Step",
    "Tapeable",
    "TorchAdjoint",
    "Undoable",
    "Undoing",
    "Variable",
    "Weighing",
]

S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)

Bars = dict[str, Tensor]  # cotangents by field of the state, or by address of a parameter
Pull = Callable[[Mapping[str, Tensor]], tuple[Bars, Bars]]  # `vjp` at a point that is known already


@dataclass(frozen=True)
class Step(Generic[S]):
    """What one step made.

    error: local truncation error of each member relative to the size of its state [batch], dimensionless;
    None where the method has no embedded estimate.
    """

    state: S
    error: Tensor | None = None


@dataclass(frozen=True)
class Series:
    """A few numbers a frame: energies, a histogram. coordinates: fixed axes, such as the radii of g(r)."""

    coordinates: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Grid:
    """Fields on a uniform grid, [batch, *cells] for a scalar and [batch, *cells, dim] for a vector."""

    cells: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]  # position of the first sample
    periodic: tuple[bool, ...]


@dataclass(frozen=True)
class Points:
    """Particles; the quantity `position` [batch, particle, dim] places them. labels: fixed numbers of each particle."""

    labels: Mapping[str, Tensor] = field(default_factory=dict)  # e.g. body [particle], or [batch, particle]


@dataclass(frozen=True)
class Net(Points):
    """Particles joined by lines, such as springs."""

    pairs: Tensor = field(default_factory=lambda: torch.zeros((0, 2), dtype=torch.int64))  # [line, 2]


@dataclass(frozen=True)
class Elements(Points):
    """Nodes of a mesh, placed by `position`, and the elements between them: triangles or tetrahedra with nodes at their
    corners, then amid their edges in the order (0, 1), (0, 2), ..., (1, 2), ..."""

    nodes: Tensor = field(default_factory=lambda: torch.zeros((0, 6), dtype=torch.int64))  # [element, 6 or 10]


@dataclass(frozen=True)
class Atoms:
    """Particles of a box, positions unwrapped. species [atom], mass [atom], box: edge lengths [batch, dim], infinite
    along an axis that does not repeat, or edge vectors as rows [batch, dim, dim]. A box that changes is among what the
    probe measures, as "box", likewise."""

    species: Tensor
    mass: Tensor
    box: Tensor
    names: tuple[str, ...]  # of the species


Layout = Series | Grid | Points | Elements | Atoms


@dataclass(frozen=True)
class Probe(Generic[S]):
    """One output of a scene: what to measure, when, and how it lies in a file. What measures is differentiable."""

    name: str
    every: float  # [time]
    measure: Callable[[S, Params], dict[str, Tensor]]  # each [batch, ...]
    layout: Layout
    units: Mapping[str, str] = field(default_factory=dict)
    start: float = 0.0  # [time]
    now: Callable[[S, Params, Tensor], dict[str, Tensor]] | None = None  # measures in its place where time matters

    def look(self, state: S, params: Params, time: Tensor) -> dict[str, Tensor]:
        """What there is to see at a time [batch, float64]."""
        return self.measure(state, params) if self.now is None else self.now(state, params, time)


class Variable(Protocol):
    """What is known of a parameter before it is fitted, as a scene's Parameter says it."""

    @property
    def bounds(self) -> tuple[float, float] | None: ...

    @property
    def transform(self) -> str: ...  # "identity" or "log"


@dataclass(frozen=True)
class Program(Generic[S]):
    """How a scene asks its solver to be run: until when, with which steps, and what to look at."""

    end: float  # [time]
    controller: Controller
    probes: tuple[Probe[S], ...] = ()
    time_unit: str = "s"
    parameters: Mapping[str, Variable] = field(default_factory=dict)  # what an optimiser may change, by address
    initial: Callable[[Params], S] | None = None  # the state at the start, as far as parameters shape it
    members: int | None = None  # of the batch that the solver was made for; None where it takes any


@runtime_checkable
class Solver(Protocol[S]):
    """Discretised physics. Everything is batched: time, dt and bounds have one float64 entry per member.

    A member's result does not depend on its companions. `step` leaves `state` as it was.
    """

    @property
    def program(self) -> Program[S]: ...

    @property
    def order(self) -> int: ...  # of the global error in dt

    def max_dt(self, state: S, params: Params) -> Tensor:
        """Largest stable step of each member [batch]."""
        ...

    def step(self, state: S, params: Params, time: Tensor, dt: Tensor) -> Step[S]: ...

    def vjp(
        self, state: S, params: Params, time: Tensor, dt: Tensor, cotangent: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Transposed derivative of `step(...).state`: cotangents of its fields to those of `state` and of `params`.

        A field or address that does not matter may be left out. Only floating fields have cotangents.
        """
        ...

    def observe(self, state: S, params: Params) -> dict[str, Tensor]:
        """Energies, momenta, masses, ... of each member [batch, ...]; differentiable."""
        ...


@runtime_checkable
class Limited(Protocol[S_contra]):
    """A solver that can say what bounds the step of a member, and what can be done about it."""

    def limit(self, state: S_contra, params: Params, member: int) -> str: ...


@runtime_checkable
class Breakable(Protocol[S_contra]):
    """A solver that can say what broke in a state that is not finite any more."""

    def broken(self, state: S_contra, params: Params, member: int) -> str: ...


@runtime_checkable
class Linearizable(Protocol[S]):
    """A solver that can make a step and keep what its transpose needs: the way back then makes no step twice."""

    def linearize(self, state: S, params: Params, time: Tensor, dt: Tensor) -> tuple[S, Pull]:
        """The state of `step` and its `vjp` there, to be called once at most. What it holds until then, in other ways
        than torch's graph, is told to `keeps` (engine/keeping.py)."""
        ...


@runtime_checkable
class Undoing(Solver[S], Protocol[S]):
    """A solver whose steps can be undone to the last bit."""

    def undo(self, state: S, params: Params, time: Tensor, dt: Tensor) -> tuple[S, Pull]:
        """The state before the step that began at `time` and led to this one, and the `vjp` of that step there."""
        ...


@runtime_checkable
class Undoable(Protocol[S]):
    """A solver that has a twin whose steps can be undone."""

    def undoable(self, state: S, params: Params) -> tuple[Undoing[S], S]:
        """The twin, and the state that it begins from: this one, rounded to the numbers that the twin knows, with
        other fields beside its own if need be. Raises EngineError where this dynamics cannot be undone."""
        ...


@runtime_checkable
class Tapeable(Protocol[S]):
    """A solver that has a twin whose steps are made of operations that autograd knows."""

    def taped(self) -> Solver[S]: ...


@runtime_checkable
class Replayable(Protocol):
    """A solver whose steps a GPU may record and replay: `step` and `vjp` take time and dt as tensors of its device too,
    launch the same work whatever the numbers are, read none of them back on the host and make none from there."""

    @property
    def replays(self) -> Replays | None:
        """What was recorded; None where something in this solver needs the host."""
        ...


@runtime_checkable
class Weighing(Protocol[S_contra]):
    """A solver that draws its states from a distribution exp(-u) that it knows."""

    def reduced(self, state: S_contra, params: Params) -> Tensor:
        """u of each member [batch], float64, up to a constant; differentiable by params."""
        ...

    def refuse_unweighed(self, params: Params) -> None:
        """Raises EngineError where the states come from no such distribution after all, or a parameter that asks for a
        gradient shapes something else."""
        ...


class TorchAdjoint:
    """`vjp` of a solver whose `step` is made of torch operations: autograd through that one step."""

    step: Callable[..., Step[Any]]

    def taped(self) -> Any:
        return self

    def linearize(self, state: Any, params: Params, time: Tensor, dt: Tensor) -> tuple[Any, Pull]:
        return linearized(lambda state, params: self.step(state, params, time, dt).state, state, params)

    def vjp(
        self, state: Any, params: Params, time: Tensor, dt: Tensor, cotangent: Mapping[str, Tensor]
    ) -> tuple[Bars, Bars]:
        return self.linearize(state, params, time, dt)[1](cotangent)
