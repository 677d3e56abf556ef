"""The network guesses, the solver solves: iterations begin where a surrogate says the answer lies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor

from scenegrad.engine.around import Around
from scenegrad.engine.errors import EngineError
from scenegrad.engine.solver import Bars, Solver, Step
from scenegrad.engine.state import Params, tensors, with_tensors
from scenegrad.surrogates.copies import Copies
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.operators.names import geometry

__all__ = ["WarmStart"]

S = TypeVar("S")


class WarmStart(Around[S]):
    """A solver whose implicit solves begin from what a network expects: its answer, to its own tolerance, in fewer
    iterations.

    fields: of the state, which the solver takes for no more than a guess, such as `pressure` of Darcy's law and of
    steady flow. known: what else the network is told, [*grid] or [batch, *grid], such as a coefficient. What the
    network gives has no part in a gradient, which is the solver's.
    """

    def __init__(
        self,
        model: Dressed,
        solver: Solver[S],
        fields: tuple[str, ...],
        known: Mapping[str, Tensor] | None = None,
    ):
        if strangers := [name for name in fields if name not in model.names.outputs]:
            raise EngineError(
                f"WarmStart is to guess {', '.join(strangers)}, and the network gives {', '.join(model.names.outputs)}."
            )
        self.copies, self.names, self.cells = Copies(model), model.names, model.grid
        self.solver, self.fields, self.known = solver, fields, dict(known or {})

    def step(self, state: S, params: Params, time: Tensor, dt: Tensor) -> Step[S]:
        return self.solver.step(self.guessed(state, params, dt), params, time, dt)

    def vjp(
        self, state: S, params: Params, time: Tensor, dt: Tensor, cotangent: Mapping[str, Tensor]
    ) -> tuple[Bars, Bars]:
        by_state, by_params = self.solver.vjp(self.guessed(state, params, dt), params, time, dt, cotangent)
        return {name: bar for name, bar in by_state.items() if name not in self.fields}, by_params

    @torch.no_grad()
    def guessed(self, state: S, params: Params, dt: Tensor) -> S:
        """The state with guesses in the place of what it held; where one is not finite, what it held."""
        here = tensors(state)
        one = here[self.fields[0]]
        known = geometry(self.known, self.names, len(self.cells), one)
        made = self.copies.like(one)(here, params, dt.to(one), known)
        return with_tensors(
            state,
            {name: torch.where(made[name].isfinite(), made[name], here[name]).to(here[name]) for name in self.fields},
        )
