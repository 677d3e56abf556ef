"""Motions that are written in torch, around forces that have kernels: autograd transposes a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from scenegrad.engine.solver import Pull, Step
from scenegrad.engine.state import Params, tensors, with_tensors
from scenegrad.solvers.md.motions.motion import Bars
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System

__all__ = ["TorchMotion"]


class TorchMotion:
    """`advance` takes one step with torch operations and `System.pull`, the force that autograd knows."""

    order = 2

    def fixed(self, system: System) -> float:
        return 0 if system.anchored else 1

    def begin(self, system: System, state: AtomState, params: Params) -> AtomState:
        return state

    def temperature(self, params: Params) -> Tensor | None:
        return None

    def unseen(self, params: Params) -> Tensor | None:
        return None

    def observe(self, system: System, state: AtomState, params: Params) -> dict[str, Tensor]:
        return {}

    def longest(self, square: Tensor, params: Params) -> Tensor:
        """Of velocity Verlet: 2/omega."""
        return 2.0 / square.sqrt()

    def advance(self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> AtomState:
        """The state after dt [batch]; step and seed are counted on by the caller."""
        raise NotImplementedError

    def step(self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> Step[AtomState]:
        with torch.no_grad():
            after = self.advance(system, state, params.detach(), time, dt)
        return Step(replace(after, step=state.step + 1))

    def linearize(
        self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor
    ) -> tuple[AtomState, Pull]:
        fields = {name: value.detach() for name, value in tensors(state).items()}
        moved = {name: value.requires_grad_() for name, value in fields.items() if value.is_floating_point()}
        live = Params({a: value.detach().requires_grad_(value.requires_grad) for a, value in params.items()})
        learning = {a: value for a, value in live.items() if value.requires_grad}
        system.forces.is_also_at(state.position, fields["position"])
        with torch.enable_grad():
            made = replace(self.advance(system, with_tensors(state, fields), live, time, dt), step=state.step + 1)
        after = tensors(made)

        def pull(cotangent: Mapping[str, Tensor]) -> tuple[Bars, Bars]:
            pairs = [(after[name], bar) for name, bar in cotangent.items() if after[name].requires_grad]
            if not pairs:
                return {}, {}
            outputs, bars = zip(*pairs, strict=True)
            found = torch.autograd.grad(outputs, [*moved.values(), *learning.values()], bars, allow_unused=True)
            named = list(zip([*moved, *learning], found, strict=True))
            return (
                {name: bar for name, bar in named[: len(moved)] if bar is not None},
                {address: bar for address, bar in named[len(moved) :] if bar is not None},
            )

        return with_tensors(made, {name: value.detach() for name, value in after.items()}), pull

    def vjp(
        self,
        system: System,
        state: AtomState,
        params: Params,
        time: Tensor,
        dt: Tensor,
        cotangent: Mapping[str, Tensor],
    ) -> tuple[Bars, Bars]:
        return self.linearize(system, state, params, time, dt)[1](cotangent)
