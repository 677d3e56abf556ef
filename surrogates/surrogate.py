"""A trained network as a solver: the same states, loop, outputs and gradients as the solver it stands in for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor

from scenegrad.engine.controllers import CFL, Fixed
from scenegrad.engine.errors import EngineError, StabilityError
from scenegrad.engine.fields import fields_of, with_fields
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Grid, Program, Solver, Step, TorchAdjoint
from scenegrad.engine.state import Params, batch_size, select, tensors
from scenegrad.surrogates.chance import drawn_by
from scenegrad.surrogates.copies import Copies
from scenegrad.surrogates.memory import Memory
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.operators.names import geometry
from scenegrad.surrogates.training.checkpoint import load_model

__all__ = ["Pace", "Surrogate"]

S = TypeVar("S")
Pace = Callable[[Mapping[str, Tensor], Params], Tensor]


class Surrogate(TorchAdjoint, Generic[S]):
    """Steps of the trained length by a network; everything else is the solver that it is `like`.

    model: a trained network, or the path of its checkpoint. cells: the grid to run on, where it is not the one that it
    was trained on; a neural operator takes other grids, its error there is for you to measure. Gradients reach the
    state and the parameters that the network was trained with.

    given: fields that stand still and are no part of the state, such as coefficients or geometry, [*grid] for all
    members or [batch, *grid]. A network that looks back on earlier frames finds them in the state, to which `begin`
    adds them; as long as they are not there yet, the solver takes the steps.

    dt: length of its step [time], where the network was trained on several and this is not to be the shortest. Outputs
    of the scene that are due more often are measured at every step, others at the next multiple of it, and the end of
    the scene moves to the last one. Steps of any length between the shortest and the longest that were trained may be
    asked for, except of a network that looks back, whose frames lie one step apart.

    pace: says of the fields and params how long the next step may be [batch], where it is not always the same: a
    learned step size, such as that of [Helwig et al. 2025, arXiv:2506.07969]. It is kept between twice the shortest
    step and the longest that were trained, so that every output can be met by steps that are not too short.

    seed: of what a network draws that draws, such as a flow; each step has its own chance, the same whenever it is
    taken again. Other seeds give other members of an ensemble.
    """

    order = 1  # the step is fixed, so that no order can be measured; nothing more is promised

    def __init__(
        self,
        model: Dressed | str | Path,
        like: Solver[S],
        *,
        cells: tuple[int, ...] | None = None,
        given: Mapping[str, Tensor] | None = None,
        dt: float | None = None,
        pace: Pace | None = None,
        seed: int = 0,
    ):
        stepper = load_model(model) if isinstance(model, str | Path) else model
        names = stepper.names
        if not names.carries_forward:
            raise EngineError(
                f"This network gives {', '.join(names.outputs)} from {', '.join(names.fields)}; a solver carries all "
                f"its fields forward. Train one whose outputs are among its fields."
            )
        self.given, self.memory = dict(given or {}), Memory[S](names)
        self.like, self.dt, self.cells = like, dt or stepper.dt, cells or stepper.grid
        self.shortest, self.longest = (float(length) * stepper.dt for length in stepper.scales.step_range)
        if not self.knows(torch.tensor(self.dt)):
            raise EngineError(
                f"The network was trained on steps {self.trained}, and was asked for dt={dt}. Take one of these, or "
                f"train it on others: Windows(data, leads=(1, 2, 4))."
            )
        if names.history > 1:
            self.shortest = self.longest = self.dt
        self.copies, self.names = Copies(stepper), names
        refuse_other_grid(like, self.cells, stepper.grid)
        self.pace, self.seed = pace, seed
        self.program = multiples(like.program, self.dt)
        if pace is not None:
            if self.longest < 2.0 * self.shortest:
                raise EngineError(
                    f"A pace chooses between steps, and the network was trained on {self.trained}. Train it on "
                    f"several, the longest four times the shortest or more: Windows(data, leads=(1, 2, 4, 8))."
                )
            self.program = replace(multiples(like.program, 2.0 * self.shortest), controller=CFL(1.0, steps=1))

    @property
    def trained(self) -> str:
        several = f"from {self.shortest:.6g} to {self.longest:.6g}"
        return f"of {self.longest:.6g}" if self.shortest == self.longest else several

    def knows(self, dt: Tensor) -> bool:
        """Whether all of these steps are of lengths that the network was trained on."""
        return not bool(((dt < (1.0 - 1e-6) * self.shortest) | (dt > (1.0 + 1e-6) * self.longest)).any())

    def max_dt(self, state: S, params: Params) -> Tensor:
        longest = torch.full((batch_size(state),), self.longest, dtype=torch.float64)
        if self.pace is None:
            return longest
        with torch.no_grad():
            wanted = self.pace(self.fields(state, params), params).to("cpu", torch.float64)
        return torch.minimum(wanted.clamp(min=2.0 * self.shortest), longest)

    def step(self, state: S, params: Params, time: Tensor, dt: Tensor) -> Step[S]:
        if not self.knows(dt):
            raise StabilityError(
                f"This surrogate steps by dt = {self.dt:.6g}, was trained on steps {self.trained}, and was asked for "
                f"{float(dt.min()):.6g}. Let the run end, and its outputs fall due, at multiples of its step, with "
                f"controller=Fixed({self.dt:.6g})."
            )
        state = self.begin(state)
        complete = self.memory.complete(state)
        if not bool(complete.any()):
            return Step(self.solved(state, params, time))
        now = self.fields(state, params)
        told = {**now, **self.memory.recalled(state)}
        self.refuse_other_fields(told)
        one = told[self.names.outputs[0]]
        still = geometry(self.given, self.names, len(self.cells), one)
        with drawn_by(self.seed, round(1e4 * float(time[0]) / self.shortest)):
            after = self.network(one)(told, params, dt.to(one), still)
        made = with_fields(self.like, self.memory.alone(state), params, after, time + dt)
        learned = self.memory.follow(state, now, made)
        if bool(complete.all()):
            return Step(learned)
        return Step(select(complete, learned, self.solved(state, params, time)))

    def begin(self, state: S) -> S:
        """The state with room for the earlier frames that the network looks back on; itself where it does not."""
        here, names = tensors(state), self.names
        on_grid = {n: (*self.cells, *([names.size(n)] if names.is_vector(n) else [])) for n in names.recalled}
        return self.memory.begin(state, {n: here[n].shape[1:] if n in here else on_grid[n] for n in names.recalled})

    def fields(self, state: S, params: Params) -> dict[str, Tensor]:
        """What a step changes, by name, as the solver knows it."""
        return fields_of(self.like, self.memory.alone(state), params)

    def solved(self, state: S, params: Params, time: Tensor) -> S:
        """Where the solver goes in one step of the network."""
        begin, alone = float(time[0]), self.memory.alone(state)
        made = rollout(self.like, alone, params, begin + self.dt, start=begin, probes=()).state
        return self.followed(state, params, made)

    def followed(self, before: S, params: Params, after: S) -> S:
        """The state after a step that somebody else took, with what the network recalls of the one before."""
        return self.memory.follow(before, self.fields(before, params) if self.memory.past else {}, after)

    def observe(self, state: S, params: Params) -> dict[str, Tensor]:
        return self.like.observe(state, params)

    def network(self, like: Tensor) -> Dressed:
        """The network on the device and in the precision of the state."""
        return self.copies.like(like)

    def refuse_other_fields(self, fields: dict[str, Tensor]) -> None:
        names = self.names
        there = [name for name in fields if "[" not in name]
        missing = [name for name in names.fields if name not in fields and name not in self.given]
        untouched = [name for name in there if fields[name].is_floating_point() and name not in names.fields]
        if missing or untouched:
            raise EngineError(
                f"The network carries {', '.join(names.fields)}; the state holds {', '.join(there)}. Train it on all "
                f"the fields that the solver changes, under the same names, and say by given= what else it is told."
            )
        name = names.outputs[0]
        shape = fields[name].shape[1:-1] if name in names.components else fields[name].shape[1:]
        if tuple(shape) != tuple(self.cells):
            raise EngineError(
                f"{name} has {tuple(shape)} points and this surrogate runs on {tuple(self.cells)}. Compile the scene "
                f"with cells={tuple(self.cells)}, or say Surrogate(..., cells={tuple(shape)})."
            )


def refuse_other_grid(like: Solver[S], cells: tuple[int, ...], trained: tuple[int, ...]) -> None:
    """Where the solver writes fields, their grid says on which one it runs."""
    grids = {probe.layout.cells for probe in like.program.probes if isinstance(probe.layout, Grid)}
    if grids and tuple(cells) not in grids:
        found = " or ".join(str(grid) for grid in grids)
        raise EngineError(
            f"The network was trained on {tuple(trained)} points, the solver runs on {found}. Compile the scene with "
            f"cells={tuple(trained)}, or say cells={next(iter(grids))} to run the network on a grid it has not seen."
        )


def multiples(program: Program[S], dt: float) -> Program[S]:
    """The same program, its times moved to multiples of dt."""

    def up(time: float) -> float:
        return dt * math.ceil(time / dt * (1.0 - 1e-9))

    probes = tuple(replace(probe, every=max(up(probe.every), dt), start=up(probe.start)) for probe in program.probes)
    steps = math.floor(program.end / dt * (1.0 + 1e-9))
    return replace(program, end=dt * max(steps, 1), controller=Fixed(dt), probes=probes)
