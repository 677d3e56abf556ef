"""A scene's own solver as something that targets and corrections can ask: fields after a step from fields before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Solver
from scenegrad.engine.state import Params, tensors, with_tensors
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.compile import compile_scene
from scenegrad.surrogates.training.solver_targets import Physics

__all__ = ["solver_step"]

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
    compiled: dict[int, tuple[Solver[Any], Any, Params]] = {}

    def step(fields: Mapping[str, Tensor], params: Mapping[str, Tensor], dt: Tensor) -> dict[str, Tensor]:
        batch, lengths = len(dt), dt.unique()
        if len(lengths) > 1:
            raise EngineError(
                f"A solver's step serves one dt at a time, and was asked for {len(lengths)} in one batch, from "
                f"{float(lengths[0]):g} to {float(lengths[-1]):g}. Train with steps of one length."
            )
        if batch not in compiled:
            compiled[batch] = compile_scene([scene] * batch, device=device, dtype=dtype)
        solver, state, values = compiled[batch]
        there, given = tensors(state), inward(fields)
        known = {name: value.to(there[name]) for name, value in given.items() if name in there}
        if not known:
            raise EngineError(
                f"None of the fields {', '.join(given)} is one of the state, which has {', '.join(there)}. Say how "
                f"they become such by inward=."
            )
        numbers = {address: value.to(values[address]) for address, value in params.items() if address in values}
        begun = with_tensors(state, known)
        made = rollout(solver, begun, values.replace(numbers), float(dt[0]), probes=()).state
        after = {name: value for name, value in tensors(made).items() if name in known}
        return {name: value.to(fields[name]) for name, value in outward(after).items()}

    return step
