"""The transposed derivatives of the steps between frames, each in a random direction, kept beside the frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.loop import due_times
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Grid, Probe, Solver
from scenegrad.engine.state import Params, batch_size, tensors, with_tensors

__all__ = ["Adjoints", "StepAdjoint", "step_adjoints"]


@dataclass(frozen=True)
class Adjoints:
    """J^T w of every step between two frames of an output, J its Jacobian and w a random direction.

    output: one whose quantities are fields of the state. by: addresses of parameters whose part of J^T w is wanted too.
    The directions are white noise over the points; smooth = s > 0 weighs their waves with (1 + |n|^2)^(-s/2), n in
    waves per edge, and is scaled to the same mean square. directions: how many for each step. Member, frame and seed
    alone decide them.
    """

    output: str
    by: tuple[str, ...] = ()
    smooth: float = 0.0
    directions: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.directions < 1:
            raise EngineError(f"Adjoints got directions={self.directions}; it is a positive number.")

    def draw(self, member: int, step: int, shape: tuple[int, ...], axes: tuple[int, ...]) -> np.ndarray:
        """One direction [direction, *shape], float64; axes: of the grid within the shape."""
        words = np.random.SeedSequence(self.seed, spawn_key=(member, step))
        white = np.random.default_rng(words).standard_normal((self.directions, *shape))
        if not self.smooth:
            return white
        along = [axis + 1 for axis in axes]
        waves = np.zeros((1,) * white.ndim)
        for axis in along:
            n = np.fft.fftfreq(white.shape[axis], 1.0 / white.shape[axis]) ** 2
            waves = waves + n.reshape([-1 if other == axis else 1 for other in range(white.ndim)])
        weight = (1.0 + waves) ** (-0.5 * self.smooth)
        weight = weight / np.sqrt(np.mean(weight**2))
        return np.fft.ifftn(np.fft.fftn(white, axes=along) * weight, axes=along).real


@dataclass(frozen=True)
class StepAdjoint:
    """Of one step: w and J^T w by quantity, and J^T w by address [batch, direction, ...]."""

    directions: dict[str, Tensor]
    bars: dict[str, Tensor]
    by: dict[str, Tensor]


def step_adjoints(
    solver: Solver, state: Any, params: Params, asked: Adjoints, members: Sequence[int]
) -> Iterator[StepAdjoint]:
    """Along the trajectory of a batch, step by step. members: what each is called, for the directions to be its own."""
    probe = probe_of(solver, asked)
    times = [time for time, indices in due_times((probe,), 0.0, solver.program.end) if indices]
    plain = params.detach()
    with torch.no_grad():
        here = detached(rollout(solver, detached(state), plain, times[0], probes=()).state) if times[0] else state
    names = fields_of(probe, detached(here), plain, asked)
    axes = tuple(range(len(probe.layout.cells))) if isinstance(probe.layout, Grid) else ()
    for step, (begin, end) in enumerate(pairwise(times)):
        fields = tensors(detached(here))
        leaves = {name: fields[name].requires_grad_() for name in names}
        told = {address: params[address].detach().requires_grad_() for address in asked.by}
        begun = with_tensors(here, {**fields, **leaves})
        roll = rollout(solver, begun, plain.replace(told), end, start=begin, probes=())
        after = tensors(roll.state)
        drawn = {
            name: drawn_for(asked, name_at, step, leaves[name], members, axes) for name_at, name in enumerate(names)
        }
        bars: dict[str, list[Tensor]] = {name: [] for name in (*names, *asked.by)}
        for one in range(asked.directions):
            found = torch.autograd.grad(
                [after[name] for name in names], [*leaves.values(), *told.values()],
                [drawn[name][:, one] for name in names], retain_graph=one + 1 < asked.directions, allow_unused=True,
            )  # fmt: skip
            for (name, leaf), bar in zip([*leaves.items(), *told.items()], found, strict=True):
                bars[name].append(torch.zeros_like(leaf) if bar is None else bar)
        stacked = {name: torch.stack(column, dim=1) for name, column in bars.items()}
        yield StepAdjoint(drawn, {n: stacked[n] for n in names}, {a: stacked[a] for a in asked.by})
        here = detached(roll.state)


def drawn_for(
    asked: Adjoints, which: int, step: int, like: Tensor, members: Sequence[int], axes: tuple[int, ...]
) -> Tensor:
    """Directions of one field [batch, direction, *grid(, component)]; `which` sets those of several fields apart."""
    shape = tuple(like.shape[1:])
    made = [asked.draw(member, step * 1000 + which, shape, axes) for member in members]
    return torch.from_numpy(np.stack(made)).to(like)


def detached(state: Any) -> Any:
    return with_tensors(state, {name: value.detach() for name, value in tensors(state).items()})


def probe_of(solver: Solver, asked: Adjoints) -> Probe:
    probes = {probe.name: probe for probe in solver.program.probes}
    if asked.output not in probes:
        raise EngineError(f"Adjoints({asked.output!r}): the outputs of this scene are {', '.join(probes) or 'none'}.")
    return probes[asked.output]


def fields_of(probe: Probe, state: Any, params: Params, asked: Adjoints) -> list[str]:
    """The quantities of the output, each of them a field of the state: only then is a step between frames a map from
    one frame to the next."""
    fields = tensors(state)
    with torch.no_grad():
        seen = probe.look(state, params, torch.zeros(batch_size(state), dtype=torch.float64))
    other = [n for n, value in seen.items() if n not in fields or not torch.equal(value, fields[n])]
    rest = [n for n, value in fields.items() if value.is_floating_point() and n not in seen]
    if other or rest:
        raise EngineError(
            f"Adjoints({asked.output!r}) needs an output that is the state itself, which holds {', '.join(fields)}; "
            f"this one measures {', '.join(seen)}."
        )
    if missing := [address for address in asked.by if address not in params]:
        raise EngineError(f"Adjoints: no parameter {missing[0]!r}; there are: {', '.join(params) or 'none'}.")
    return list(seen)
