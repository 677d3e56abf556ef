"""A network that tells numbers of a scene without simulating it, in the place of the solver."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from scenegrad.engine.controllers import Fixed
from scenegrad.engine.errors import EngineError
from scenegrad.engine.reductions import Final, Reduction
from scenegrad.engine.solver import Probe, Program, Series, Solver, Step, TorchAdjoint
from scenegrad.engine.state import Params
from scenegrad.surrogates.copies import Copies
from scenegrad.surrogates.model import Dressed

__all__ = ["Foresight"]

S = TypeVar("S")


class Foresight(TorchAdjoint, Generic[S]):
    """One step to the end that leaves the state as it is; outputs are what the network says that they will be.

    model: trained on Responses. like: the solver of the scene, whose outputs have the names and shapes of those told
    here. numbers: what the outputs of the network are, in their order; without it, each "final cost.misfit" among its
    names is the last frame of that series. Entries of vectors that no network tells are not a number. An objective of
    numbers at the end is then the same function for both: optimise(Foresight(model, solver), ..., verify=solver).
    """

    order = 1

    def __init__(self, model: Dressed, like: Solver[S], numbers: tuple[Reduction, ...] | None = None):
        self.copies, self.like, names = Copies(model), like, model.names
        self.names = names
        self.numbers = numbers or tuple(Final(name.removeprefix("final ")) for name in names.outputs)
        if len(self.numbers) != len(names.outputs):
            raise EngineError(
                f"Foresight got {len(self.numbers)} numbers for a network that tells {', '.join(names.outputs)}."
            )
        program = like.program
        wanted = dict.fromkeys(number.series.split(".")[0] for number in self.numbers)
        known = {probe.name: probe for probe in program.probes}
        if strangers := [name for name in wanted if name not in known]:
            raise EngineError(
                f"The network tells {', '.join(strangers)}, which is no output of this scene; it has "
                f"{', '.join(known) or 'none'}."
            )
        probes = tuple(
            replace(known[name], every=program.end, start=0.0, layout=Series(), measure=self.told(name), now=None)
            for name in wanted
        )
        self.program: Program[S] = replace(program, controller=Fixed(program.end), probes=probes)

    def max_dt(self, state: S, params: Params) -> Tensor:
        return torch.full((len(next(iter(params.values()))),), self.program.end, dtype=torch.float64)

    def step(self, state: S, params: Params, time: Tensor, dt: Tensor) -> Step[S]:
        return Step(state)

    def observe(self, state: S, params: Params) -> dict[str, Tensor]:
        return self.like.observe(state, params)

    def told(self, output: str) -> Any:
        probe: Probe[S] = next(one for one in self.like.program.probes if one.name == output)

        def measure(state: S, params: Params) -> dict[str, Tensor]:
            said = self.numbers_at(params)
            with torch.no_grad():
                time = torch.zeros(len(next(iter(params.values()))), dtype=torch.float64)
                shapes = probe.look(state, params.detach(), time)
            found = {key: torch.full_like(value, torch.nan) for key, value in shapes.items()}
            for number, value in said.items():
                name, key, *entry = number.split(".")
                if name == output:
                    value = value.to(found[key])
                    found[key] = placed(found[key], int(entry[0]), value) if entry else value
            return found

        return measure

    def numbers_at(self, params: Params) -> dict[str, Tensor]:
        """By series [batch]."""
        names = self.names
        missing = [address for address in (*names.fields, *names.parameters) if address not in params]
        if missing:
            raise EngineError(
                f"The network was trained with {', '.join(missing)}, which this scene does not differentiate by."
            )
        one = next(iter(params.values()))
        model = self.copies.like(one)  # an optimiser near its end asks for more digits than float32 has
        fields = {address: params[address] for address in names.fields}
        told = {address: params[address] for address in names.parameters}
        made = model(fields, told, one.new_ones(len(one)))
        return {number.series: made[name] for number, name in zip(self.numbers, names.outputs, strict=True)}


def placed(values: Tensor, entry: int, one: Tensor) -> Tensor:
    """[batch, entries] with one of the entries replaced."""
    columns = list(values.unbind(1))
    columns[entry] = one
    return torch.stack(columns, dim=1)
