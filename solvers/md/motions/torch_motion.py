"""Motions that are written in torch, around forces that have kernels: autograd transposes a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from scenegrad.engine.linearizing import linearized
from scenegrad.engine.solver import Pull, Step
from scenegrad.engine.state import Params
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
        def advance(moving: AtomState, params: Params) -> AtomState:
            system.forces.is_also_at(state.position, moving.position)
            return replace(self.advance(system, moving, params, time, dt), step=state.step + 1)

        return linearized(advance, state, params)

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
