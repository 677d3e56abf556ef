"""Atoms whose steps torch writes down: every operation on the graph, energies in torch in place of kernels.

Forces of pairs, and of terms that are written in torch anyhow, are gradients of energies that torch differentiates;
those of other terms (bonds, charges, gravity) come from their kernels, with the transposed derivative of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.solver import Step
from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.force_field import ForceField, Term
from scenegrad.solvers.md.motions.barostat import CellRescaling
from scenegrad.solvers.md.motions.motion import Motion
from scenegrad.solvers.md.motions.pace import Paced
from scenegrad.solvers.md.motions.torch_motion import TorchMotion
from scenegrad.solvers.md.motions.verlet import Verlet
from scenegrad.solvers.md.motions.verlet_in_torch import VerletInTorch
from scenegrad.solvers.md.pairs.in_torch import ENERGIES, pair_energy
from scenegrad.solvers.md.pairs.term import PairTerm
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System
from scenegrad.solvers.md.torch_term import TorchTerm, matrix

__all__ = ["TapedForces", "TapedMotion", "taped_motion", "taped_system"]

Energy = Callable[[Tensor, Box, Params], Tensor]


class TapedForces(ForceField):
    """The same force field, whose force torch differentiates as it does any other tensor."""

    def differentiable_force(self, position: Tensor, box: Box, params: Params) -> Tensor:
        x = position if position.requires_grad else position.detach().requires_grad_()
        total, others = torch.zeros_like(x), []
        for term in self.terms:
            energy = in_torch(term)
            if energy is None:
                others.append(term)
                continue
            u = energy(x, box, params).sum()
            if u.requires_grad:
                (slope,) = torch.autograd.grad(u, x, create_graph=True, materialize_grads=True)
                total = total - slope
        return total + ForceField(others).differentiable_force(x, box, params) if others else total


def in_torch(term: Term) -> Energy | None:
    if isinstance(term, TorchTerm):
        return lambda x, box, params: term.energy(x, matrix(box, x), params)
    if isinstance(term, PairTerm) and term.table.kind in ENERGIES:
        return lambda x, box, params: pair_energy(term, x, box, params)
    return None


@dataclass(frozen=True)
class TapedMotion:
    """A motion in torch, whose steps are on the graph."""

    motion: TorchMotion

    def __getattr__(self, name: str) -> object:
        return getattr(self.motion, name)

    def step(self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> Step[AtomState]:
        after = self.motion.advance(system, state, params, time, dt)
        return Step(replace(after, step=state.step + 1))


def taped_motion(motion: Motion) -> Motion:
    if isinstance(motion, Paced):
        return replace(motion, motion=taped_motion(motion.motion))
    if isinstance(motion, Verlet):
        return TapedMotion(VerletInTorch(motion.thermostat))  # type: ignore[return-value]  # hands on what it lacks
    if isinstance(motion, TorchMotion) and not isinstance(motion, CellRescaling):
        return TapedMotion(motion)  # type: ignore[return-value]
    raise EngineError(
        f"{type(motion).__name__} cannot be written down by gradient=Tape(): its trajectory has no useful derivative. "
        f"Take averages with their derivatives by reweighting (sg.sampling.reweighting)."
    )


def taped_system(system: System) -> System:
    return replace(system, forces=TapedForces(system.forces.terms))
