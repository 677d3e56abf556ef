"""A trained network as a solver: the same states, loop, outputs and gradients as the solver it stands in for."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor

from scenegrad.engine.controllers import Fixed
from scenegrad.engine.errors import EngineError, StabilityError
from scenegrad.engine.solver import Grid, Program, Solver, Step, TorchAdjoint
from scenegrad.engine.state import Params, tensors, with_tensors
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.training.checkpoint import load_model

__all__ = ["Surrogate"]

S = TypeVar("S")


class Surrogate(TorchAdjoint, Generic[S]):
    """Steps of the trained length by a network; everything else is the solver that it is `like`.

    model: a trained network, or the path of its checkpoint. cells: the grid to run on, where it is not the one that it
    was trained on; a neural operator takes other grids, its error there is for you to measure. Gradients reach the
    state and the parameters that the network was trained with.

    A surrogate knows only its own step. Outputs of the scene that are due more often are measured at every step, others
    at the next multiple of it, and the end of the scene moves to the last one.
    """

    order = 1  # the step is fixed, so that no order can be measured; nothing more is promised

    def __init__(self, model: Dressed | str | Path, like: Solver[S], *, cells: tuple[int, ...] | None = None):
        stepper = load_model(model) if isinstance(model, str | Path) else model
        names = stepper.names
        if not names.carries_forward or set(names.fields) != set(names.outputs):
            raise EngineError(
                f"This network gives {', '.join(names.outputs)} from {', '.join(names.fields)}; a solver carries all "
                f"its fields forward. Train one whose outputs are its fields."
            )
        if names.history > 1:
            raise EngineError(
                f"This network looks back on {names.history} frames, and a state is one. Train it with history=1."
            )
        self.like, self.dt, self.cells = like, stepper.dt, cells or stepper.grid
        self.networks = {(stepper.scales.input_mean.device, stepper.scales.input_mean.dtype): frozen(stepper)}
        self.names = names
        refuse_other_grid(like, self.cells, stepper.grid)
        self.program = multiples(like.program, self.dt)

    def max_dt(self, state: S, params: Params) -> Tensor:
        return torch.full((next(iter(tensors(state).values())).shape[0],), self.dt, dtype=torch.float64)

    def step(self, state: S, params: Params, time: Tensor, dt: Tensor) -> Step[S]:
        if bool(((dt - self.dt).abs() > 1e-6 * self.dt).any()):
            raise StabilityError(
                f"This surrogate steps by dt = {self.dt:.6g} and was asked for {float(dt.min()):.6g}. Let the run end, "
                f"and its outputs fall due, at multiples of its step, with controller=Fixed({self.dt:.6g})."
            )
        fields = tensors(state)
        self.refuse_other_fields(fields)
        one = fields[self.names.fields[0]]
        after = self.network(one)(fields, params, dt.to(one))
        return Step(with_tensors(state, after))

    def observe(self, state: S, params: Params) -> dict[str, Tensor]:
        return self.like.observe(state, params)

    def network(self, like: Tensor) -> Dressed:
        """The network on the device and in the precision of the state."""
        key = (like.device, like.dtype)
        if key not in self.networks:
            first = next(iter(self.networks.values()))
            self.networks[key] = copy.deepcopy(first).to(like.device, like.dtype)
        return self.networks[key]

    def refuse_other_fields(self, fields: dict[str, Tensor]) -> None:
        names = self.names
        missing = [name for name in names.fields if name not in fields]
        untouched = [name for name, value in fields.items() if value.is_floating_point() and name not in names.outputs]
        if missing or untouched:
            raise EngineError(
                f"The network carries {', '.join(names.fields)}; the state holds {', '.join(fields)}. Train it on all "
                f"the fields that the solver changes, under the same names."
            )
        name = names.fields[0]
        shape = fields[name].shape[1:-1] if name in names.components else fields[name].shape[1:]
        if tuple(shape) != tuple(self.cells):
            raise EngineError(
                f"{name} has {tuple(shape)} points and this surrogate runs on {tuple(self.cells)}. Compile the scene "
                f"with cells={tuple(self.cells)}, or say Surrogate(..., cells={tuple(shape)})."
            )


def frozen(stepper: Dressed) -> Dressed:
    """A copy whose weights ask for no gradient: the state and the parameters do."""
    made = copy.deepcopy(stepper).eval()
    for weight in made.parameters():
        weight.requires_grad_(False)
    return made


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
