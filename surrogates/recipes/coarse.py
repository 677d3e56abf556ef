"""A scene's own solver on coarser grids, as the competitor that a surrogate has to beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Probe, Series
from scenegrad.engine.state import Params, tensors, with_tensors
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.compile import compile_scene
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.evaluation.cost import Coarse
from scenegrad.surrogates.resampling import fourier_resample

__all__ = ["coarse_solver"]


def coarse_solver(scene: Scene, device: str = "cpu", dtype: str = "float32") -> Coarse:
    """For `break_even`: the solver of a periodic scene with the same number of cells along each axis.

    It begins with the scalar fields and the parameters of a window; the fields are brought from grid to grid by their
    Fourier series.
    """

    def prepare(cells: int, window: Window) -> Callable[[], Sequence[Mapping[str, Tensor]]]:
        full = next(iter(window.inputs.values())).shape[1:]
        dim, dt, steps = len(full), float(window.dt[0]), len(window.targets)
        grid = (cells,) * dim
        numbers = [{a: float(value[b]) for a, value in window.params.items()} for b in range(len(window.dt))]
        members = [scene.median().replace({"domain.cells": grid, **drawn}) for drawn in numbers]
        solver, state, params = compile_scene(members, device=device, dtype=dtype)
        start = {name: fourier_resample(window.inputs[name], grid) for name in tensors(state)}
        state = with_tensors(state, {name: start[name].to(value) for name, value in tensors(state).items()})

        def fields(state: object, params: Params) -> dict[str, Tensor]:
            return {name: fourier_resample(value, tuple(full)) for name, value in tensors(state).items()}

        probe = Probe("fields", dt, fields, Series())

        def run() -> Sequence[Mapping[str, Tensor]]:
            with torch.no_grad():
                seen = rollout(solver, state, params.detach(), steps * dt, probes=(probe,)).outputs["fields"]
            table = seen if isinstance(seen, dict) else {next(iter(start)): seen}
            return [{name: value[:, step] for name, value in table.items()} for step in range(1, steps + 1)]

        return run

    return prepare
