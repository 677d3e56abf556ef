"""The way back through a march: transposed derivatives of its steps, last to first.

The stretch between two checkpoints is replayed, then its steps are taken back one by one. With sqrt(N) checkpoints no
more than O(sqrt(N)) states of N steps are ever held [two-level form of Griewank 1992, Optim. Methods Softw. 1, 35-54].
Where a solver can keep what the transpose of a step needs, as many steps of the replay are kept so as there is room
for; the others are made once more when their turn comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Generic, TypeVar, cast

import torch
from torch import Tensor

from scenegrad.engine import keeping
from scenegrad.engine.capture import linearize, pull_back, take
from scenegrad.engine.errors import Diverged, EngineError
from scenegrad.engine.journey import Journey
from scenegrad.engine.loop import StepRecord
from scenegrad.engine.solver import Bars, Probe, Pull, Undoing
from scenegrad.engine.state import batch_size, select, size_of, tensors, with_tensors, witness

__all__ = ["Sweep"]

S = TypeVar("S")

ASKED = 32  # steps after which cotangents are asked whether they are finite


class Sweep(Generic[S]):
    """One walk back; `output_bars` are the cotangents of everything that was measured on the way."""

    def __init__(self, journey: Journey[S], output_bars: Sequence[Tensor | None]):
        self.journey, self.solver, self.params = journey, journey.solver, journey.params
        self.learning = journey.inputs[1]
        self.pending = by_step(journey, output_bars)
        self.gathered: Bars = {}  # of the parameters
        self.room = max((journey.room - len(journey.keep)) * size_of(journey.first), keeping.POCKET)
        self.held = journey.held  # by a linearised step, once it is known [bytes]
        self.finite: list[Tensor] = []  # of each step since it was asked: finite where those of a field are

    def back(self, bars: Bars) -> tuple[Bars, Bars]:
        """Cotangents of the initial state and of the parameters, from those of the final state."""
        records = self.journey.records
        bars = self.look(len(records), self.journey.end, bars)
        for n, before, pull in self.undone() if self.journey.undoes else self.stretches():
            bars = self.step(records[n], before, pull, bars)
            if before is not None:
                bars = self.look(n, before, bars)
            if n == 0 or len(self.finite) == ASKED:
                self.refuse_non_finite(n, list(bars))
            del before, pull  # what they hold makes room for the next stretch
        return bars, self.gathered

    def stretches(self) -> Iterator[tuple[int, S | None, Pull | None]]:
        """Steps, last to first: the state before each of them, where it is wanted, and the way back through it, where
        there is one already."""
        for low, high in reversed(list(pairwise([*sorted(self.journey.keep), len(self.journey.records)]))):
            states, pulls = self.kept(low, high) or self.replay(low, high)
            for n in range(high - 1, low - 1, -1):
                yield n, states.pop(n, None), pulls.pop(n, None)

    def undone(self) -> Iterator[tuple[int, S, Pull]]:
        """The same, where steps can be undone."""
        journey, state = self.journey, self.journey.end
        solver = cast(Undoing[S], self.solver)
        for n in range(len(journey.records) - 1, -1, -1):
            record = journey.records[n]
            before, pull = solver.undo(state, journey.wanted(), record.time, record.dt)
            state = before if bool(record.active.all()) else select(record.active, before, state)
            yield n, state, pull
        first = tensors(journey.first)
        strange = [name for name, value in tensors(state).items() if not torch.equal(value, first[name])]
        if strange:
            raise EngineError(
                f"Undoing all steps did not lead back to the beginning: {', '.join(strange)} differs. Forces are not "
                f"the same to the last bit each time, and so gradient=Reversible() is not to be trusted here. Take "
                f"gradient=Stored()."
            )

    def kept(self, low: int, high: int) -> tuple[dict[int, S], dict[int, Pull]] | None:
        """The way back through a stretch where the way there has kept it all; None where it has not."""
        journey, steps = self.journey, range(low, high)
        if not all(n in journey.pulls for n in steps):
            return None
        states = {n: journey.looked[n] for n in steps if n in self.pending}
        return states, {n: journey.pulls.pop(n) for n in steps}

    def replay(self, low: int, high: int) -> tuple[dict[int, S], dict[int, Pull]]:
        """The way back through the first steps of a stretch, as many as there is room for; and the states before all
        others, and before those where something was measured."""
        state = self.journey.keep[low]
        states: dict[int, S] = {}
        pulls: dict[int, Pull] = {}
        for n in range(low, high):
            record, before = self.journey.records[n], state
            made = self.linearize(record, before) if (self.held or 0) * (len(pulls) + 1) <= self.room else None
            if made is not None:
                state, pulls[n] = made
            elif n < high - 1:
                state = self.redo(record, before)
            if made is None or n in self.pending:
                states[n] = before
        return states, pulls

    def linearize(self, record: StepRecord, state: S) -> tuple[S, Pull] | None:
        """A step that keeps what its transpose needs; None where that cannot be had, or takes more room than there is.
        The first one is weighed."""
        given = self.solver, state, self.journey.wanted(), record.time, record.dt
        if self.held is None:
            with keeping.counted() as kept:
                found = linearize(*given)
            self.held = kept.size
            if found is None or self.held > self.room:
                return None
        elif (found := linearize(*given)) is None:
            return None
        after, pull = found
        return after if bool(record.active.all()) else select(record.active, after, state), pull

    def redo(self, record: StepRecord, state: S) -> S:
        after = take(self.solver, state, self.params, record.time, record.dt).state
        return after if bool(record.active.all()) else select(record.active, after, state)

    def step(self, record: StepRecord, before: S | None, pull: Pull | None, bars: Bars) -> Bars:
        """Cotangents before a step from those after it; members that stood still hand theirs on."""
        through, rest = bars, {}
        if not bool(record.active.all()):
            masks = {k: record.active.to(v.device).view(-1, *[1] * (v.ndim - 1)) for k, v in bars.items()}
            through = {k: torch.where(masks[k], v, 0.0) for k, v in bars.items()}
            rest = {k: torch.where(masks[k], 0.0, v) for k, v in bars.items()}
        if pull is not None:
            found, gradients = pull(through)
        else:
            assert before is not None
            found, gradients = pull_back(self.solver, before, self.journey.wanted(), record.time, record.dt, through)
        self.gather(gradients)
        after = {name: found[name] if name in found else torch.zeros_like(bar) for name, bar in bars.items()}
        after = {name: bar + rest[name] if name in rest else bar for name, bar in after.items()}
        self.finite.append(torch.stack([witness(bar).sum() for bar in after.values()]))
        return after

    def look(self, n: int, state: S, bars: Bars) -> Bars:
        """Adds the cotangents of what was measured before step n."""
        for probe, wanted, time in self.pending.get(n, []):
            fields = {k: v.detach().requires_grad_() for k, v in tensors(state).items() if k in bars}
            values = self.journey.wanted()
            leaves = {address: values[address] for address in self.learning}
            with torch.enable_grad():
                measured = probe.look(with_tensors(state, fields), values, time)
            pairs = [(measured[key], bar) for key, bar in wanted.items() if measured[key].requires_grad]
            if not pairs:
                continue
            outputs, cotangents = zip(*pairs, strict=True)
            found = torch.autograd.grad(outputs, [*fields.values(), *leaves.values()], cotangents, allow_unused=True)
            bars = {k: bar if add is None else bar + add for (k, bar), add in zip(bars.items(), found, strict=False)}
            self.gather({k: bar for k, bar in zip(leaves, found[len(fields) :], strict=True) if bar is not None})
        return bars

    def gather(self, gradients: Bars) -> None:
        for address, bar in gradients.items():
            self.gathered[address] = self.gathered[address] + bar if address in self.gathered else bar

    def refuse_non_finite(self, low: int, names: list[str]) -> None:
        """Of the steps from `low` on. Asking after every step would make the device wait for the host."""
        rows, self.finite = self.finite, []
        whole = torch.isfinite(torch.stack(rows)).cpu() if rows else torch.ones(0)
        for offset, row in enumerate(whole):
            if not bool(row.all()):
                n, name = low + len(rows) - 1 - offset, names[int((~row).nonzero()[0])]
                time = float(self.journey.records[n].time[0])
                raise Diverged(
                    f"The gradient with respect to {name} is no longer finite at step {n} of "
                    f"{len(self.journey.records)} (t = {time:.6g}), going backwards. Shorten the rollout, or take a "
                    f"smaller dt: it grows where neighbouring trajectories part or a step exceeds the stability bound."
                )


def by_step(
    journey: Journey[Any], bars: Sequence[Tensor | None]
) -> dict[int, list[tuple[Probe[Any], dict[str, Tensor], Tensor]]]:
    """Sorts the cotangents of outputs, stacked over frames, back to the steps at which they were measured, and when."""
    pending: dict[int, list[tuple[Probe[Any], dict[str, Tensor], Tensor]]] = {}
    count, batch = [0] * len(journey.probes), batch_size(journey.first)
    for (step, due), (when, _) in zip(journey.frames, journey.due, strict=True):
        time = torch.full((batch,), when, dtype=torch.float64)
        for index in due:
            probe, frame = journey.probes[index], count[index]
            count[index] += 1
            wanted = {
                key: bar[:, frame]
                for (name, key), bar in zip(journey.measured, bars, strict=True)
                if name == probe.name and bar is not None
            }
            if wanted:
                pending.setdefault(step, []).append((probe, wanted, time))
    return pending
