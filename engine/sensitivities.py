"""Numbers that a scene gives, and their derivatives, member by member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.reductions import Average, Reduction, picked, series_of
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Series, Solver
from scenegrad.engine.state import Params, batch_size, tensors, with_tensors

__all__ = ["INITIAL", "sensitivities"]

INITIAL = "initial."  # before the name of a field of the state: the derivative by what it is at the start


def sensitivities(
    solver: Solver, state: Any, params: Params, addresses: Sequence[str], of: Sequence[Reduction] = ()
) -> dict[str, np.ndarray]:
    """outcomes/<name> = the number of each member [batch], gradients/<name>/<address> = its derivative [batch, ...].

    addresses: in params, or "initial.vorticity": a field of the first state. of: the numbers; without any, the mean
    over time of every scalar series. One rollout serves them all, and one way back each of them, whatever the number of
    the parameters.
    """
    if not addresses and not of:
        return {}
    probes = [probe for probe in solver.program.probes if isinstance(probe.layout, Series)]
    state, leaves = started(state, params, addresses)
    outputs = rollout(solver, state, params, probes=probes).outputs
    start = torch.zeros(batch_size(state), dtype=torch.float64)
    with torch.no_grad():
        keys = {probe.name: list(probe.look(state, params, start)) for probe in probes}
    series = series_of(outputs, keys)
    numbers = {reduction.name: picked(series, reduction) for reduction in of or averages(outputs, keys)}
    if not numbers:
        raise EngineError(
            f"gradients={list(addresses)} needs a scalar series to differentiate, such as Energy(every=...); the "
            f"series of this scene are: {', '.join(outputs) or 'none'}."
        )
    found = {f"outcomes/{name}": host(values) for name, values in numbers.items()}
    for name, values in numbers.items():
        slopes: Sequence[Tensor | None] = [None] * len(leaves)
        if values.requires_grad and leaves:
            slopes = torch.autograd.grad(values.sum(), list(leaves.values()), retain_graph=True, allow_unused=True)
        for (address, leaf), slope in zip(leaves.items(), slopes, strict=True):
            found[f"gradients/{name}/{address}"] = host(torch.zeros_like(leaf) if slope is None else slope)
    return found


def averages(outputs: Mapping[str, Any], keys: Mapping[str, list[str]]) -> list[Reduction]:
    """Of what is one number a frame and depends on something."""
    whole = {n: v if isinstance(v, Mapping) else {keys[n][0]: v} for n, v in outputs.items()}
    scalars = [f"{n}.{k}" for n, table in whole.items() for k, v in table.items() if v.ndim == 2 and v.requires_grad]
    return [Average(name) for name in scalars]


def started(state: Any, params: Params, addresses: Sequence[str]) -> tuple[Any, dict[str, Tensor]]:
    """The state to begin from, and by what derivatives are taken. A field that depends on params is a node of their
    graph, so that it hands its derivative on to them."""
    fields = tensors(state)
    wanted = [address.removeprefix(INITIAL) for address in addresses if address.startswith(INITIAL)]
    floating = [name for name, value in fields.items() if value.is_floating_point()]
    if strangers := [name for name in wanted if name not in floating]:
        raise EngineError(
            f"There is no field {strangers[0]!r} of the first state to differentiate by; there are: "
            f"{', '.join(INITIAL + name for name in floating)}."
        )
    own = {n: fields[n] if fields[n].requires_grad else fields[n].detach().requires_grad_() for n in wanted}
    leaves = {a: own[a.removeprefix(INITIAL)] if a.startswith(INITIAL) else params[a] for a in addresses}
    return with_tensors(state, own), leaves


def host(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy()
