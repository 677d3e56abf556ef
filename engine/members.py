"""Some members of an ensemble, simulated side by side, each into a shard of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from scenegrad.engine.files.recorder import arrays
from scenegrad.engine.files.shard import Shard
from scenegrad.engine.loop import due_times, march
from scenegrad.engine.reductions import Reduction
from scenegrad.engine.remembering import begun
from scenegrad.engine.sensitivities import sensitivities
from scenegrad.engine.solver import Solver
from scenegrad.engine.state import Params, batch_size
from scenegrad.engine.step_adjoints import Adjoints, step_adjoints

__all__ = ["Cost", "Member", "simulate_members"]


@dataclass(frozen=True)
class Member:
    """Where one member goes, what is said of it, and the numbers that it drew, by address."""

    path: Path
    provenance: Mapping[str, Any]
    parameters: Mapping[str, float]


@dataclass(frozen=True)
class Cost:
    """Seconds of processor time that some members took: their simulation, another one with its derivatives, and a third
    one with the adjoints of its steps, where such were asked for; what writing took is left out."""

    members: int
    solve: float
    gradients: float = 0.0
    adjoints: float = 0.0


def simulate_members(
    solver: Solver,
    state: Any,
    params: Params,
    members: Mapping[int, Member],
    gradients: Sequence[str] = (),
    of: Sequence[Reduction] = (),
    adjoints: Adjoints | None = None,
) -> Cost:
    """Runs a batch and leaves one shard for each of `members`, by their places in it; all or, where it fails, none.

    gradients, of: each shard then holds these numbers and their derivatives by these addresses (sensitivities.py).
    adjoints: and the transposed derivatives of its steps from frame to frame, in random directions (step_adjoints.py).
    """
    program = solver.program
    due = due_times(program.probes, 0.0, program.end)
    times = [[moment for moment, indices in due if probe in indices] for probe in range(len(program.probes))]
    shards: dict[int, Shard] = {}
    try:
        for place, member in members.items():
            about = (member.provenance, member.parameters, program.time_unit)
            shards[place] = Shard(member.path, program.probes, times, place, *about)
        began, written = time.process_time(), 0.0
        with torch.no_grad():
            fixed = params.detach()
            pauses = [pause for pause, _ in due]
            for moment in march(solver, begun(solver, state), fixed, program.controller, pauses):
                for index in due[moment.pause][1] if moment.pause is not None else ():
                    measured = program.probes[index].look(moment.state, fixed, moment.clock.time)
                    before = time.process_time()
                    for place, shard in shards.items():
                        shard.append(index, int(moment.clock.steps[place]), arrays(measured, place))
                    written += time.process_time() - before
        solved = time.process_time()
        found = sensitivities(solver, state, params, gradients, of)
        derived = time.process_time()
        for path, values in found.items():
            for place, shard in shards.items():
                shard.note(path, values[place])
        stepped = time.process_time()
        if adjoints is not None:
            note_adjoints(shards, solver, state, params, adjoints, members)
        cost = Cost(len(shards), solved - began - written, derived - solved, time.process_time() - stepped)
        for shard in shards.values():
            shard.seal()
        return cost
    except BaseException:
        for shard in shards.values():
            shard.abandon()
        raise


def note_adjoints(
    shards: Mapping[int, Shard],
    solver: Solver,
    state: Any,
    params: Params,
    asked: Adjoints,
    members: Mapping[int, Member],
) -> None:
    """adjoints/<output>/<quantity>/direction and .../bar [step, direction, ...], and adjoints/<output>/by/<address>."""
    names = [int(members[n].provenance["member"]) if n in members else n for n in range(batch_size(state))]
    steps = list(step_adjoints(solver, state, params, asked, names))
    tables = {f"{n}/direction": [one.directions[n] for one in steps] for n in steps[0].directions}
    tables |= {f"{n}/bar": [one.bars[n] for one in steps] for n in steps[0].bars}
    tables |= {f"by/{a}": [one.by[a] for one in steps] for a in steps[0].by}
    for path, column in tables.items():
        values = torch.stack(column, dim=1).cpu().numpy()
        for place, shard in shards.items():
            shard.note(f"adjoints/{asked.output}/{path}", values[place])
