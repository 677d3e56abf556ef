"""Some members of an ensemble, simulated side by side, each into a shard of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.files.recorder import arrays
from scenegrad.engine.files.shard import Shard
from scenegrad.engine.loop import due_times, march
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Series, Solver
from scenegrad.engine.state import Params

__all__ = ["Member", "simulate_members"]


@dataclass(frozen=True)
class Member:
    """Where one member goes, what is said of it, and the numbers that it drew, by address."""

    path: Path
    provenance: Mapping[str, Any]
    parameters: Mapping[str, float]


def simulate_members(
    solver: Solver, state: Any, params: Params, members: Mapping[int, Member], gradients: Sequence[str] = ()
) -> None:
    """Runs a batch and leaves one shard for each of `members`, by their places in it; all or, where it fails, none.

    gradients: addresses in params; each shard then holds the derivative of the mean over time of every scalar series.
    """
    program = solver.program
    due = due_times(program.probes, 0.0, program.end)
    times = [[time for time, indices in due if probe in indices] for probe in range(len(program.probes))]
    shards: dict[int, Shard] = {}
    try:
        for place, member in members.items():
            about = (member.provenance, member.parameters, program.time_unit)
            shards[place] = Shard(member.path, program.probes, times, place, *about)
        with torch.no_grad():
            fixed = params.detach()
            for moment in march(solver, state, fixed, program.controller, [time for time, _ in due]):
                for index in due[moment.pause][1] if moment.pause is not None else ():
                    measured = program.probes[index].look(moment.state, fixed, moment.clock.time)
                    for place, shard in shards.items():
                        shard.append(index, int(moment.clock.steps[place]), arrays(measured, place))
        for path, values in sensitivities(solver, state, params, gradients).items():
            for place, shard in shards.items():
                shard.note(path, values[place])
        for shard in shards.values():
            shard.seal()
    except BaseException:
        for shard in shards.values():
            shard.abandon()
        raise


def sensitivities(solver: Solver, state: Any, params: Params, addresses: Sequence[str]) -> dict[str, np.ndarray]:
    """gradients/<probe>.<quantity>/<address> = d(mean over the frames)/d(parameter) of each member [batch, ...]."""
    if not addresses:
        return {}
    probes = [probe for probe in solver.program.probes if isinstance(probe.layout, Series)]
    outputs = rollout(solver, state, params, probes=probes).outputs
    found: dict[str, np.ndarray] = {}
    for name, measured in outputs.items():
        quantities: dict[str, Tensor] = measured if isinstance(measured, dict) else {"value": measured}
        for key, values in quantities.items():
            if values.ndim != 2 or not values.requires_grad:  # [batch, frame]: a scalar of each member
                continue
            objective = values.mean(dim=1)
            slopes = torch.autograd.grad(
                objective.sum(), [params[a] for a in addresses], retain_graph=True, allow_unused=True
            )
            for address, slope in zip(addresses, slopes, strict=True):
                zero = torch.zeros_like(params[address])
                found[f"gradients/{name}.{key}/{address}"] = arrays_of(zero if slope is None else slope)
    if not found:
        raise EngineError(
            f"gradients={list(addresses)} needs a scalar series to differentiate, such as Energy(every=...); the "
            f"series of this scene are: {', '.join(outputs) or 'none'}."
        )
    return found


def arrays_of(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy()
