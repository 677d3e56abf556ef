"""The one loop that runs every solver: plan a few steps, take them, judge them, pause where somebody wants to look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from scenegrad.engine.capture import take
from scenegrad.engine.controllers import Controller, Memory, Plan
from scenegrad.engine.errors import Diverged, EngineError, StabilityError
from scenegrad.engine.solver import Breakable, Limited, Probe, Solver, Step
from scenegrad.engine.state import Params, batch_size, first_non_finite, place_of_non_finite, select, tensors

__all__ = ["Attempt", "Clock", "Moment", "StepRecord", "Tried", "advance", "due_times", "march", "planned"]

S = TypeVar("S")

SAME = 1e-9  # relative distance below which two output times are one
MANY = 10**7  # frames of one output
NEVER = 10**12  # steps to the next output


@dataclass(frozen=True)
class Clock:
    """How far each member has come; with the state, all that is needed to go on from here."""

    time: Tensor  # [batch] float64
    steps: Tensor  # accepted steps so far [batch] int64
    memory: Memory
    rejected: Tensor  # steps tried in vain so far [batch] int64

    @staticmethod
    def start(batch: int, time: float = 0.0) -> Clock:
        zeros = torch.zeros(batch, dtype=torch.int64)
        return Clock(torch.full((batch,), time, dtype=torch.float64), zeros, Memory.fresh(batch), zeros)


@dataclass(frozen=True)
class Moment(Generic[S]):
    """Where the march stands after a plan; `pause` is the index of the output time just reached, if one was."""

    state: S
    clock: Clock
    pause: int | None


@dataclass(frozen=True)
class StepRecord:
    """One step as it was taken; members that are not `active` stood still."""

    time: Tensor  # at its beginning [batch]
    dt: Tensor  # [batch], positive for every member: those that stand still take a step that is thrown away
    active: Tensor  # [batch] bool


@dataclass(frozen=True)
class Attempt:
    """A plan that was carried out, and what came of it; each [batch]."""

    time: Tensor  # at its beginning
    dt: Tensor  # of each of its steps
    steps: Tensor  # how many of them; 0 of members that had arrived
    bound: Tensor  # stability bound of dt
    error: Tensor  # relative local error of the last step; not a number where the solver has no estimate
    accepted: Tensor  # bool


Seen = Callable[[StepRecord, S | None], None]
Tried = Callable[[Attempt], None]
Go = Callable[..., Step[Any]]  # as `take`


def due_times(probes: Sequence[Probe], start: float, end: float) -> list[tuple[float, tuple[int, ...]]]:
    """Every time in [start, end] at which some probe is due, with the indices of those probes; `end` comes last.

    The n-th frame of a probe is at its start + n * every, computed as a product so that rounding does not pile up.
    """
    events = sorted((time, index) for index, probe in enumerate(probes) for time in times_of(probe, start, end))
    due: list[tuple[float, set[int]]] = []
    for time, index in events:
        if due and time - due[-1][0] <= SAME * abs(time):
            due[-1][1].add(index)
        else:
            due.append((time, {index}))
    if not due or due[-1][0] < end:
        due.append((end, set()))
    return [(time, tuple(sorted(indices))) for time, indices in due]


def times_of(probe: Probe, start: float, end: float) -> list[float]:
    count = (end - probe.start) / probe.every * (1 + 1e-12) + 1e-9
    if count > MANY:
        raise EngineError(
            f"Output {probe.name!r} asks for {count:.3g} frames, one every {probe.every:g} up to {end:g}; "
            f"at most {MANY:g} are possible. Let every be {(end - probe.start) / 1000:.3g} or so."
        )
    times = (probe.start + n * probe.every for n in range(int(count) + 1))
    return [end if time > end - SAME * abs(end) else time for time in times if start <= time]


def advance(
    solver: Solver[S],
    state: S,
    params: Params,
    clock: Clock,
    plan: Plan,
    seen: Seen[S] | None,
    patience: Callable[[], int] | None = None,
    go: Go = take,
) -> tuple[S, Tensor | None]:
    """The steps of a plan, those of all members many at a time; `seen` is shown each one with the state that it began
    from. Returns state and last error."""
    error, n, steps = None, 0, min(plan.steps, int(plan.left.max()))
    together = min(steps, int(plan.left.min()))
    dt = torch.where(plan.dt > 0.0, plan.dt, plan.dt[plan.dt > 0.0].min())
    while n < steps:
        active, many = plan.left > n, 1
        if n < together and (seen is None or patience is not None):
            many = together - n if patience is None else min(together - n, patience())
        if seen is not None:
            for i in range(many):
                seen(StepRecord(clock.time + (n + i) * plan.dt, dt, active), state if i == 0 else None)
        if n < together:
            result = go(solver, state, params, clock.time, dt, n, many)
            state = result.state
        else:
            result = go(solver, state, params, clock.time + n * plan.dt, dt, 0, 1)
            state = select(active, result.state, state)
        error = result.error
        n += many
    return state, error


def march(
    solver: Solver[S],
    state: S,
    params: Params,
    controller: Controller,
    pauses: Sequence[float],
    clock: Clock | None = None,
    seen: Seen[S] | None = None,
    patience: Callable[[], int] | None = None,
    tried: Tried | None = None,
    go: Go = take,
) -> Iterator[Moment[S]]:
    """Carries the state from pause to pause, each hit exactly; yields after every plan and at every pause.

    pauses: rising times not before the clock. `seen` learns of every step that counts (rejected ones do not).
    patience: for how many of the next steps it needs no other state than that before the first, None in the place of
    the others; steps that nobody looks at may be taken by a GPU on its own. tried: learns of every plan, rejected ones
    too. go: takes the steps.
    """
    clock = clock or Clock.start(batch_size(state))
    for index, pause in enumerate(pauses):
        while True:
            span = (pause - clock.time).clamp(min=0.0)
            if not bool((span > 0.0).any()):
                break
            longest = bound(solver, state, params, clock)
            plan = planned(solver, state, params, controller, span, longest, clock)
            refuse_standstill(solver, state, params, plan, clock)
            records: list[tuple[StepRecord, S | None]] = []
            keep, wait = (collect(records), None) if controller.needs_error else (seen, patience)
            candidate, error = advance(solver, state, params, clock, plan, keep, wait, go)
            accept, memory = controller.judge(plan, error, clock.memory)
            moved = accept & (plan.left > 0)
            if tried is not None:
                tried(attempt(clock, plan, longest, error, moved))
            taken = torch.where(moved, plan.left.clamp(max=plan.steps), 0)
            rejected = clock.rejected + (~accept).to(torch.int64)
            arrived = moved & (taken == plan.left)
            time = torch.where(arrived, torch.as_tensor(pause, dtype=torch.float64), clock.time + taken * plan.dt)
            if not bool(accept.all()):
                candidate = select(moved, candidate, state)
            if seen is not None:
                for record, before in records:
                    if bool(moved.any()):
                        seen(replace(record, active=record.active & moved), before)
            if (found := first_non_finite(candidate)) is not None:
                raise diagnose(solver, state, params, clock, plan, found)
            state, clock = candidate, Clock(time, clock.steps + taken, memory, rejected)
            if bool((clock.time < pause).any()):
                yield Moment(state, clock, None)
        yield Moment(state, clock, index)


def attempt(clock: Clock, plan: Plan, longest: Tensor, error: Tensor | None, moved: Tensor) -> Attempt:
    steps = plan.left.clamp(max=plan.steps)
    unknown = torch.full_like(plan.dt, torch.nan)
    known = unknown if error is None else error.detach().to("cpu", torch.float64)
    return Attempt(clock.time, plan.dt, steps, longest, known, moved)


def collect(records: list[tuple[StepRecord, S | None]]) -> Seen[S]:
    """Steps on trial wait here until they are judged."""
    return lambda record, before: records.append((record, before))


def bound(solver: Solver[S], state: S, params: Params, clock: Clock) -> Tensor:
    try:
        largest = solver.max_dt(state, params).detach().to("cpu", torch.float64)
    except Diverged as error:
        raise Diverged(f"{error} This was {when(clock, (error.members or (0,))[0])}.", error.members) from error
    bad = ~(largest > 0.0)
    if bool(bad.any()):
        members = tuple(int(i) for i in torch.nonzero(bad).flatten())
        raise Diverged(
            f"The stability bound of the time step became {float(largest[members[0]])} for member {members[0]} "
            f"{when(clock, members[0])}: the state has run away. {told(solver, state, params, members[0])}"
            f"Look at the last frames; a smaller dt or cfl, or a stiffer wall, is the usual cure.",
            members,
        )
    return largest


def planned(
    solver: Solver[S], state: S, params: Params, controller: Controller, span: Tensor, longest: Tensor, clock: Clock
) -> Plan:
    """The next steps; a dt beyond the bound is refused with what bounds it, where the solver can say that."""
    try:
        return controller.plan(span, longest, clock.memory)
    except StabilityError as refusal:
        member = int(longest.argmin())
        later = f"This was {when(clock, member)}. " if int(clock.steps[member]) else ""
        raise StabilityError(f"{refusal} {later}{told(solver, state, params, member)}".strip()) from None


def when(clock: Clock, member: int) -> str:
    return f"at t = {float(clock.time[member]):.6g}, step {int(clock.steps[member])}"


def told(solver: Solver[S], state: S, params: Params, member: int) -> str:
    """What the solver can say of what bounds its step, and a blank."""
    why = solver.limit(state, params, member) if isinstance(solver, Limited) else ""
    return f"{why} " if why else ""


def refuse_standstill(solver: Solver[S], state: S, params: Params, plan: Plan, clock: Clock) -> None:
    """A step so small that the next output will never be reached comes of a state that runs away, or of a tolerance
    that no step can meet."""
    stuck = plan.left > NEVER
    if bool(stuck.any()):
        b = int(torch.nonzero(stuck)[0])
        raise Diverged(
            f"Member {b} would take {float(plan.left[b]):.3g} steps of {float(plan.dt[b]):.3g} to the next output, "
            f"{when(clock, b)}: its state is running away, or its tolerance cannot be met. "
            f"{told(solver, state, params, b)}Look at the last frames; weaker forces, more cells, a smoother start or "
            f"a looser tolerance are the usual cures.",
            tuple(int(i) for i in torch.nonzero(stuck).flatten()),
        )


def diagnose(
    solver: Solver[S], state: S, params: Params, clock: Clock, plan: Plan, found: tuple[str, tuple[int, ...]]
) -> Diverged:
    """Takes the steps of the plan once more to name the first one that went wrong."""
    trail: list[tuple[str, tuple[int, ...]] | None] = []
    wrong: list[S | None] = []
    sound = [state]

    def look(record: StepRecord, before: S | None) -> None:
        trail.append(first_non_finite(before))
        if trail[-1] is not None and not wrong:
            wrong.append(before)
        elif before is not None and not wrong:
            sound[0] = before

    wrong.append(advance(solver, state, params, clock, plan, look)[0])
    first = next((n for n, bad in enumerate(trail) if bad is not None), len(trail))
    name, members = next((bad for bad in trail if bad is not None), found)
    b = members[0]
    place = place_of_non_finite(wrong[0], name, b)
    where = f", first at {list(place)}" if place else ""
    sizes = {
        key: float(value[b].abs().max())
        for key, value in tensors(state).items()
        if value.is_floating_point() and value[b].numel()
    }
    why = ""
    if isinstance(solver, Breakable):  # in the state that is wrong, or in the one before it
        seen = (solver.broken(one, params, b) for one in (wrong[0], sound[0]) if one is not None)
        why = next((text for text in seen if text), "")
    return Diverged(
        f"{name} of member {b} is not finite after step {int(clock.steps[b]) + first} "
        f"(t = {float(clock.time[b] + first * plan.dt[b]):.6g}, dt = {float(plan.dt[b]):.3g}){where}. "
        f"{f'{why} ' if why else ''}"
        f"Before these steps the largest values were {', '.join(f'{key} {size:.3g}' for key, size in sizes.items())}. "
        f"The usual causes are a time step near the stability bound or a force that is too strong: "
        f"try a smaller cfl or dt.",
        members,
    )
