"""A whole simulation as one differentiable function of its initial state and parameters.

`journey.py` is the way there, which keeps a few states, or all for which there is memory, and the list of steps taken;
`adjoint.py` walks back over them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from scenegrad.engine.adjoint import Sweep
from scenegrad.engine.controllers import Controller
from scenegrad.engine.errors import EngineError
from scenegrad.engine.gradients import Gradient, Reversible, Reweighted, Stored, Tape, tapeable, undoable, weighing
from scenegrad.engine.journey import Journey
from scenegrad.engine.looking import look_along, with_graph, without_graph
from scenegrad.engine.loop import Tried, due_times
from scenegrad.engine.remembering import begun
from scenegrad.engine.solver import Probe, Solver
from scenegrad.engine.state import Params, batch_size, map_tensors, tensors, with_tensors

__all__ = ["Rollout", "rollout"]

S = TypeVar("S")

STORED = Stored()


@dataclass(frozen=True)
class Rollout(Generic[S]):
    """What a simulation left behind.

    outputs: by the name of the probe, [batch, frame, ...]; a dict of them where the probe measures several quantities.
    times: of the frames of each probe [frame]. steps: accepted steps of each member [batch]. weighed: of frames that
    were drawn from a distribution, the outputs and logarithms of weights [batch, frame] as functions of params.
    """

    state: S
    outputs: dict[str, Any]
    times: dict[str, Tensor]
    steps: Tensor
    weighed: tuple[Mapping[str, Any], Mapping[str, Tensor]] | None = None

    def mean(self, name: str, of: Callable[[Any], Tensor] | None = None, *, first: int = 0) -> Tensor:
        """The average of an output over its frames from `first` on [batch, ...]; of: a function of the output, which is
        averaged in its place. With gradient=Reweighted(), a function of the distribution that frames are drawn from.
        """
        seen = (self.outputs if self.weighed is None else self.weighed[0])[name]
        values = (seen if of is None else of(seen))[:, first:]
        if self.weighed is None:
            return values.mean(dim=1)
        logs = self.weighed[1][name][:, first:]
        w = torch.softmax(logs - logs.detach(), dim=1).view(*logs.shape[:2], *[1] * (values.ndim - 2))
        return (w * values).sum(dim=1)


def rollout(
    solver: Solver[S],
    state: S,
    params: Params,
    until: float | None = None,
    *,
    controller: Controller | None = None,
    probes: Sequence[Probe[S]] | None = None,
    start: float = 0.0,
    gradient: Gradient = STORED,
    tried: Tried | None = None,
) -> Rollout[S]:
    """Runs the solver from `start` to `until` [time] and measures on the way; gradients flow through all of it.

    Gradients reach every floating field of `state` and every entry of `params` that asks for one. gradient: how they
    are made: `Stored(memory=...)`, `Reversible()`, `Tape()`, or, of averages over frames, `Reweighted()`.
    tried: learns of every attempt at a step, as `Trials().append` does.

    Raises StabilityError where a dt that was given is beyond the bound of the solver, Diverged where a state on the way
    there, or a gradient on the way back, is not finite.
    """
    program = solver.program
    until = program.end if until is None else until
    state = begun(solver, state)
    refuse_nonsense(state, params, start, until, program.members)
    controller = controller or program.controller
    probes = tuple(program.probes if probes is None else probes)
    times = frame_times(probes, start, until)
    if isinstance(gradient, Tape):
        seen = look_along(tapeable(solver), state, params, controller, probes, start, until, tried, with_graph)
        return Rollout(seen.state, by_probe(probes, seen.measured), times, seen.steps)
    if isinstance(gradient, Reweighted):
        known, plain = weighing(solver, params), map_tensors(torch.Tensor.detach, state)

        def log_weight(frame: S) -> Tensor:
            return -known.reduced(frame, params)

        seen = look_along(
            solver, plain, params.detach(), controller, probes, start, until, tried, without_graph,
            seeing=params, beside=log_weight,
        )  # fmt: skip
        outputs = {key: value.detach() for key, value in seen.measured.items()}
        weighed = (by_probe(probes, seen.measured), seen.beside)
        return Rollout(seen.state, by_probe(probes, outputs), times, seen.steps, weighed)
    undoes = isinstance(gradient, Reversible)
    solver, first = undoable(solver, state, params) if undoes else (solver, state)
    memory = gradient.memory if isinstance(gradient, Stored) else 0.0
    fields = {name: value for name, value in tensors(state).items() if value.is_floating_point()}
    learning = {address: value for address, value in params.items() if value.requires_grad}
    felt = torch.is_grad_enabled() and any(value.requires_grad for value in (*fields.values(), *learning.values()))
    journey = Journey(
        solver, first, params, controller, probes, start, until, memory, tried,
        inputs=(list(fields), list(learning)), undoes=undoes,
        keeps_pulls=felt and not undoes and not controller.needs_error,
    )  # fmt: skip
    results = March.apply(journey, *fields.values(), *learning.values())
    names = list(fields)
    ended = tensors(journey.end)
    end = with_tensors(state, {name: ended[name] for name in tensors(state)})  # without what is there to undo steps
    end = with_tensors(end, dict(zip(names, results[: len(names)], strict=True)))
    measured = dict(zip(journey.measured, results[len(names) :], strict=True))
    return Rollout(end, by_probe(probes, measured), times, journey.steps)


def by_probe(probes: Sequence[Probe[Any]], measured: Mapping[tuple[str, str], Tensor]) -> dict[str, Any]:
    outputs: dict[str, Any] = {}
    for probe in probes:
        quantities = {key: value for (name, key), value in measured.items() if name == probe.name}
        outputs[probe.name] = next(iter(quantities.values())) if len(quantities) == 1 else quantities
    return outputs


def frame_times(probes: Sequence[Probe[Any]], start: float, until: float) -> dict[str, Tensor]:
    due = due_times(probes, start, until)
    return {
        probe.name: torch.tensor([t for t, among in due if index in among], dtype=torch.float64)
        for index, probe in enumerate(probes)
    }


def refuse_nonsense(state: Any, params: Params, start: float, until: float, members: int | None) -> None:
    if not start <= until < float("inf"):
        raise EngineError(f"A rollout from {start:g} until {until:g} is not possible; until is a later time.")
    sizes = {name: value.shape[0] for name, value in [*tensors(state).items(), *params.items()]}
    if len(set(sizes.values())) > 1:
        raise EngineError(
            "Every tensor of state and params has one entry for each member of the batch, but here are "
            + ", ".join(f"{name}: {size}" for name, size in sizes.items())
        )
    if members is not None and members != batch_size(state):
        raise EngineError(
            f"This solver was compiled for a batch of {members} and is given one of {batch_size(state)}: its buffers "
            f"have no room for that. Compile as many scenes as there are members, sg.compile([scene] * "
            f"{batch_size(state)})."
        )


class March(torch.autograd.Function):
    """The whole march as one node of torch's graph."""

    @staticmethod
    def forward(ctx: Any, journey: Journey, *inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.journey = journey
        measured = journey.run()
        end = tensors(journey.end)
        # A field that no step replaced must leave as a new tensor, or autograd would see an input returned.
        return (*[end[name].clone() for name in journey.inputs[0]], *measured)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        journey: Journey = ctx.journey
        journey.refuse_changed()
        names, addresses = journey.inputs
        end = tensors(journey.end)
        bars = {
            name: torch.zeros_like(end[name]) if grad is None else grad.detach()
            for name, grad in zip(names, grads[: len(names)], strict=True)
        }
        with torch.no_grad():
            state_bars, param_bars = Sweep(journey, grads[len(names) :]).back(bars)
        return (None, *[state_bars.get(name) for name in names], *[param_bars.get(address) for address in addresses])
