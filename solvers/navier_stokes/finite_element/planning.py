"""From the words of a scene on a mesh to what is done with a solver: steps, outputs, first numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import Tensor

from scenegrad.engine.controllers import Controller, Fixed
from scenegrad.engine.solver import Program
from scenegrad.engine.state import Params
from scenegrad.scenes.outputs import Exchange, Force, Output
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.navier_stokes.finite_element.checks import is_steady
from scenegrad.solvers.navier_stokes.finite_element.probes import probe
from scenegrad.solvers.navier_stokes.finite_element.watches import Watch
from scenegrad.solvers.shared.leaves import program

__all__ = ["BECAUSE", "asked", "controller", "everywhere", "planned", "unplanned", "watch"]

OneOutput = TypeVar("OneOutput", bound=Output)
STEPS = 200  # of a run that marches
BECAUSE = (
    "finite elements can be differentiated by what their sides say; by viscosity, density, drag, forcing and first "
    "velocity of a flow; by permeability, source and reaction of a porous medium; by diffusivity, first value and "
    "buoyancy of a tracer; by the constants of an elastic solid and gravity; and by the initial state, which holds the "
    "coefficients of each element and the places of the vertices."
)


def planned(
    scenes: Sequence[Scene], solver: Any, initial: Callable[[Params], Any], values: Params, default: Controller
) -> tuple[Any, Any, Params]:
    scene = scenes[0]
    probes = [
        probe(key, output, scene.time.warmup, solver, [*asked(scene, type(output))])
        for key, output in scene.outputs.items()
    ]
    return replace(solver, program=program(scenes, probes, default, initial)), initial(values), values


def asked(scene: Scene, kind: type[OneOutput]) -> dict[str, OneOutput]:
    return {key: output for key, output in scene.outputs.items() if isinstance(output, kind)}


def watch(scene: Scene, output: Force | Exchange) -> Watch:
    address = output.on if isinstance(output, Force) else output.through
    return Watch(address.removeprefix("boundary.tags."), output.every, scene.time.warmup)


def controller(scene: Scene) -> Controller:
    """Steady states in one step; what marches in 200 of them, unless the scene says otherwise."""
    return Fixed(scene.time.end if is_steady(scene) else scene.time.end / STEPS)


def unplanned(scene: Scene) -> Program[Any]:
    return Program(scene.time.end, Fixed(scene.time.end))


def everywhere(values: Tensor, count: int, dtype: torch.dtype) -> Tensor:
    """A number of each member, at every place [batch, count]."""
    return values.to(dtype)[:, None].expand(-1, count).contiguous()
