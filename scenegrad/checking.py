"""What a scene would be as a run: method, sizes, frames, parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from scenegrad.engine.controllers import Plan
from scenegrad.engine.device import pick_device, pick_dtype
from scenegrad.engine.files.disk import in_words
from scenegrad.engine.files.formats import format_of
from scenegrad.engine.files.recorded import frames_in_words
from scenegrad.engine.files.recorder import arrays
from scenegrad.engine.loop import Clock, due_times, planned
from scenegrad.engine.progress import Work
from scenegrad.engine.state import batch_size, tensors
from scenegrad.solvers.compile import compile_scene, method_of

if TYPE_CHECKING:
    from scenegrad.engine.solver import Solver
    from scenegrad.engine.state import Params
    from scenegrad.scenes.scene import Scene

__all__ = ["bytes_of_outputs", "first_plan", "frames_of_outputs", "seldom_due", "summary", "work_of"]


def summary(scene: Scene, device: str, dtype: str) -> dict[str, Any]:
    """Compiles the scene and measures its first frames; raises what a run would raise before its first step."""
    where, precision = pick_device(device), pick_dtype(dtype)
    solver, state, params = compile_scene(scene, where, precision)
    program = solver.program
    plan = first_plan(solver, state, params)
    frames, seldom = frames_of_outputs(solver), {name: f" ({why})" for name, why in seldom_due(solver).items()}
    return {
        "scene": scene.name,
        "hash": scene.hash[:12],
        "method": method_of(scene).kind,
        "dimensions": scene.dim,
        "device": where,
        "state": {name: list(value.shape[1:]) for name, value in tensors(state).items()},
        "end": program.end,
        "first dt": float(plan.dt[0]),
        "steps, about": int(plan.left[0]),
        "outputs": {name: frames_in_words(count) + seldom.get(name, "") for name, count in frames.items()},
        "on disk": in_words(bytes_of_outputs(solver, state, params)),
        "parameters": list(scene.parameters()),
        "distributions": list(scene.distributions()),
    }


def first_plan(solver: Solver, state: Any, params: Params) -> Plan:
    """The first steps; StabilityError where the scene asks for a dt beyond the bound."""
    import torch

    bound = solver.max_dt(state, params.detach()).detach().to("cpu", torch.float64)
    span = torch.full_like(bound, solver.program.end)
    return planned(solver, state, params, solver.program.controller, span, bound, Clock.start(len(bound)))


def frames_of_outputs(solver: Solver) -> dict[str, int]:
    probes = solver.program.probes
    due = due_times(probes, 0.0, solver.program.end)
    return {probe.name: sum(index in indices for _, indices in due) for index, probe in enumerate(probes)}


def seldom_due(solver: Solver) -> dict[str, str]:
    """Of outputs that the end of the run leaves with one frame at most, why."""
    end = solver.program.end
    return {
        probe.name: f"its every = {probe.every:g} is longer than the run, {end - probe.start:g}"
        if probe.start <= end
        else f"it begins at t = {probe.start:g}, after the end"
        for probe in solver.program.probes
        if probe.start > end or probe.every > (end - probe.start) * (1 + 1e-9) > 0
    }


def work_of(scene: Scene, state: Any) -> str:
    """What a step is of one member: so many particle-steps or cell-steps, where the scene has particles or cells."""
    position = getattr(state, "position", None)
    if position is not None and position.ndim == 3:
        return Work("steps", position.shape[1], "particle-steps")
    cells = getattr(scene.domain, "cells", None)
    return Work("steps", math.prod(cells), "cell-steps") if cells else "steps"


def bytes_of_outputs(solver: Solver, state: Any, params: Params) -> int:
    """Of all frames of one member, as they lie in their files."""
    import torch

    frames, total = frames_of_outputs(solver), 0
    start = torch.zeros(batch_size(state), dtype=torch.float64)
    with torch.no_grad():
        for probe in solver.program.probes:
            first = arrays(probe.look(state, params.detach(), start))
            columns = format_of(probe).columns(first)
            size = sum(math.prod(columns[key].stored) * value.itemsize for key, value in first.items())
            total += frames[probe.name] * size
    return total
