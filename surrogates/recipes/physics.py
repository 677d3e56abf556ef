"""A scene's own solver as something that targets and corrections can ask: fields after a step from fields before it,
and what its equations leave of a proposal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.fields import fields_of, with_fields
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Solver
from scenegrad.engine.state import Params
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.compile import compile_scene
from scenegrad.surrogates.recipes.timeless import refuse_clocks
from scenegrad.surrogates.training.residual_target import Equations
from scenegrad.surrogates.training.solver_targets import Physics

__all__ = ["solver_residual", "solver_step"]

Inward = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]


def solver_step(
    scene: Scene,
    *,
    inward: Inward = dict,
    outward: Inward = dict,
    device: str = "cpu",
    dtype: str = "float32",
) -> Physics:
    """The solver of a scene, carried over one learned step; gradients reach the fields and the parameters.

    Its state begins as the scene does, with the given fields in the place of those of the same names, and the numbers
    of the given addresses in the place of its own. inward, outward: between the fields of the network and those of the
    state, where they are not the same, such as for a scene with fewer cells. It is compiled once for each batch size.
    """
    asked = Asked(scene, device, dtype)

    def step(fields: Mapping[str, Tensor], params: Mapping[str, Tensor], dt: Tensor) -> dict[str, Tensor]:
        given = inward(fields)
        solver, begun, told = asked.begun(given, params, dt)
        made = rollout(solver, begun, told, float(dt[0]), probes=()).state
        after = {name: value for name, value in fields_of(solver, made, told).items() if name in given}
        return {name: value.to(fields[name]) for name, value in outward(after).items()}

    return step


def solver_residual(scene: Scene, *, device: str = "cpu", dtype: str = "float32") -> Equations:
    """What the solver's own discrete equations leave of a proposal, field by field; differentiable by all of it.

    Of a steady scene, such as Darcy's law, that of its equation, which no solve is needed for; of others (after - where
    the solver goes from before) / dt, which takes the solver's steps.
    """
    asked, step = Asked(scene, device, dtype), solver_step(scene, device=device, dtype=dtype)

    def left(
        before: Mapping[str, Tensor], after: Mapping[str, Tensor], params: Mapping[str, Tensor], dt: Tensor
    ) -> dict[str, Tensor]:
        solver, proposed, told = asked.begun({**before, **after}, params, dt)
        if hasattr(solver, "residual"):
            return {"residual": solver.residual(proposed, told)}
        reached = step(before, params, dt)
        return {n: (v - reached[n]) / dt.to(v).view(-1, *[1] * (v.ndim - 1)) for n, v in after.items() if n in reached}

    return left


class Asked:
    """A scene, compiled once for each batch size."""

    def __init__(self, scene: Scene, device: str, dtype: str):
        refuse_clocks(scene)
        self.scene, self.device, self.dtype = scene, device, dtype
        self.compiled: dict[int, tuple[Solver[Any], Any, Params]] = {}

    def begun(
        self, given: Mapping[str, Tensor], params: Mapping[str, Tensor], dt: Tensor
    ) -> tuple[Solver[Any], Any, Params]:
        """Solver, state with the given fields in it, params with the given numbers in them."""
        batch, lengths = len(dt), dt.unique()
        if len(lengths) > 1:
            raise EngineError(
                f"A solver's step serves one dt at a time, and was asked for {len(lengths)} in one batch, from "
                f"{float(lengths[0]):g} to {float(lengths[-1]):g}. Train with steps of one length."
            )
        if batch not in self.compiled:
            self.compiled[batch] = compile_scene([self.scene] * batch, device=self.device, dtype=self.dtype)
        solver, state, values = self.compiled[batch]
        if unknown := [address for address in params if address not in values]:
            raise EngineError(
                f"The network is told {', '.join(unknown)}, which this scene does not have: its solver would go by a "
                f"number of its own. Its numbers are {', '.join(values) or 'none'}."
            )
        told = values.replace({address: value.to(values[address]) for address, value in params.items()})
        there = fields_of(solver, state, told)
        known = {name: value.to(there[name]) for name, value in given.items() if name in there}
        if not known:
            raise EngineError(
                f"None of the fields {', '.join(given)} is one of the state, which has {', '.join(there)}. Say how "
                f"they become such by inward=."
            )
        return solver, with_fields(solver, state, told, known, torch.zeros(batch, dtype=torch.float64)), told
