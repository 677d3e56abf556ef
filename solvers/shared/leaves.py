"""From the leaves of scenes to batched tensors, and from the words of a scene to a program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.controllers import CFL, FILTERS, PID, Controller, Fixed, InStep
from scenegrad.engine.solver import Probe, Program
from scenegrad.engine.state import Params
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import Parameter, number, vector

__all__ = ["leaf", "params", "program"]


def leaf(scenes: Sequence[Scene], address: str, device: str, dtype: torch.dtype) -> Tensor:
    """The value at one address of every scene: [batch] for a number, [batch, dim] for a vector."""
    found = [scene.at(address) for scene in scenes]
    many = isinstance(found[0], tuple) or (isinstance(found[0], Parameter) and isinstance(found[0].value, tuple))
    values = [vector(value) if many else number(value) for value in found]
    tensor = torch.from_numpy(np.array(values, dtype=np.float64)).to(device, dtype)
    return tensor.requires_grad_(isinstance(found[0], Parameter))


def params(scenes: Sequence[Scene], learnable: Iterable[str], device: str, dtype: torch.dtype, because: str) -> Params:
    """Params of everything a solver can differentiate by; a Parameter elsewhere in the scene is refused.

    because: what the family can differentiate by, for the message.
    """
    learnable = list(learnable)
    different = {id(scene): scene for scene in scenes}.values()
    marks: list[set[str]] = [set(scene.parameters()) for scene in different]
    if uneven := sorted(marks[0].union(*marks) - marks[0].intersection(*marks)):
        raise SceneError(
            f"Members of a batch must mark the same Parameters, but {', '.join(uneven)} is one in some of them only. "
            f"Mark it in all, or in none."
        )
    stray = [address for address in scenes[0].parameters() if address not in learnable]
    if stray:
        raise SceneError(
            f"No gradient reaches {', '.join(stray)}: {because} Write a plain number there. "
            f"Parameters of this scene can be: {', '.join(learnable)}."
        )
    return Params({address: leaf(scenes, address, device, dtype) for address in learnable})


def program(
    scenes: Sequence[Scene],
    probes: Iterable[Probe],
    default: Controller,
    initial: Callable[[Params], Any],
    estimate_order: int | None = None,
) -> Program[Any]:
    """How to begin and step, when to stop, what to look at.

    default: serves a scene that leaves dt to the solver. estimate_order: in dt, of the local error of a step as the
    solver estimates it; None of one that does not.
    """
    scene = scenes[0]
    time = scene.time
    controller = default
    if time.dt != "auto":
        controller = Fixed(float(time.dt))
    elif time.tolerance is not None:
        assert estimate_order is not None, "a tolerance of a method without an estimate was refused"
        controller = PID(time.tolerance, estimate_order, filter=FILTERS[time.controller])
    elif time.cfl is not None:
        controller = CFL(time.cfl)
    if time.steps == "shared" and not isinstance(controller, Fixed):
        controller = InStep(controller)
    unit = {"SI": "s", "lj": "tau", "metal": "ps", "real": "fs", "nbody": "T"}[scene.units]
    return Program(time.end, controller, tuple(probes), unit, scene.parameters(), initial, len(scenes))
