"""Solvers and outputs of one's own: how they join, by what they serve."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.solver import Probe, Series, Solver
from scenegrad.engine.state import Params
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.methods import Method
from scenegrad.scenes.outputs import Output
from scenegrad.scenes.own import Own
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.shared.reasons import Reasons

__all__ = [
    "SOLVERS",
    "Compiler",
    "observed",
    "own_compiler",
    "own_methods",
    "register_output",
    "register_solver",
    "split",
]

Compiler = Callable[[Sequence[Scene], str, torch.dtype], tuple[Solver, Any, Params]]
Measure = Callable[[Any, Any, Params], dict[str, Tensor]]

SOLVERS: dict[type[Entity] | type[Method], Compiler] = {}


@dataclass(frozen=True)
class OwnOutput:
    measure: Callable[[Any], Measure]
    units: Mapping[str, str] = field(default_factory=dict)


OUTPUTS: dict[type[Output], OwnOutput] = {}


def register_solver(kind: type[Entity] | type[Method], compiler: Compiler) -> None:
    """Makes a solver known to `compile`; one of the same class is replaced.

    kind: a class of entities, and scenes that hold one are given to this solver; or a class of methods, and scenes that
    ask for it by `method=` are. compiler: (scenes, device, dtype) -> (solver, state, params), where the scenes are the
    members of a batch and the solver keeps the protocol of `engine/solver.py`. A subclass of `TorchSolver` is one.
    """
    if not (isinstance(kind, type) and issubclass(kind, Entity | Method)):
        raise EngineError(f"register_solver got {kind!r:.80}; a class of entities, or of methods, is needed.")
    SOLVERS[kind] = compiler


def register_output(
    kind: type[Output], measure: Callable[[Any], Measure], units: Mapping[str, str] | None = None
) -> None:
    """Makes an output known to every solver; one of the same class is replaced.

    measure: of an output as it stands in the scene, to a function (solver, state, params) -> numbers of each member by
    name [batch, ...], of torch operations where they are to be differentiated. It lies in a file as a series.
    """
    if not (isinstance(kind, type) and issubclass(kind, Output)):
        raise EngineError(f"register_output got {kind!r:.80}; a class that derives from Output is needed.")
    OUTPUTS[kind] = OwnOutput(measure, dict(units or {}))


def own_methods() -> dict[type, Method]:
    """The method that each class of entities of one's own calls for."""
    return {kind: Own(serves=kind.model_fields["kind"].default) for kind in SOLVERS if issubclass(kind, Entity)}


def own_compiler(method: Method) -> Compiler | None:
    """That serves a method; None where it is none of one's own."""
    if isinstance(method, Own):
        known = {kind.model_fields["kind"].default: kind for kind in SOLVERS if issubclass(kind, Entity)}
        if method.serves not in known:
            raise SceneError(
                f"No solver was registered for the entity {method.serves!r}; there are: {', '.join(known) or 'none'}. "
                f"Load its code: --plugin FILE, or import it."
            )
        return SOLVERS[known[method.serves]]
    return SOLVERS.get(type(method))


def split(scene: Scene) -> tuple[Scene, dict[str, Output]]:
    """A scene without the outputs of one's own, and these."""
    own = {name: output for name, output in scene.outputs.items() if type(output) in OUTPUTS}
    rest = {name: output for name, output in scene.outputs.items() if name not in own}
    return (scene.model_copy(update={"outputs": rest}) if own else scene), own


def observed(solver: Solver[Any], scenes: Sequence[Scene], own: Sequence[Mapping[str, Output]]) -> Solver[Any]:
    """The solver with probes of one's own beside those that it has."""
    if not any(own):
        return solver
    reasons = Reasons(scenes[0].name)
    reasons.compare([{f"outputs.{name}": output for name, output in one.items()} for one in own])
    reasons.refuse()
    bare = copy.copy(solver)
    added = []
    for name, output in own[0].items():
        known = OUTPUTS[type(output)]
        measure = partial(known.measure(output), bare)
        added.append(Probe(name, output.every, measure, Series(), known.units, scenes[0].time.warmup))
    order = list(scenes[0].outputs)
    probes = sorted([*solver.program.probes, *added], key=lambda probe: order.index(probe.name))
    object.__setattr__(solver, "program", replace(solver.program, probes=tuple(probes)))  # some are frozen
    return solver
