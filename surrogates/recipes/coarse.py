"""A scene's own solver on coarser grids, as the competitor that a surrogate has to beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.fields import fields_of, with_fields
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Probe, Series
from scenegrad.engine.state import Params
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.compile import compile_scene, method_of
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.evaluation.cost import Coarse
from scenegrad.surrogates.recipes.timeless import refuse_clocks
from scenegrad.surrogates.resampling import cell_resample, fourier_resample

__all__ = ["coarse_solver"]

Fields = dict[str, Tensor]


def coarse_solver(scene: Scene, device: str = "cpu", dtype: str = "float32") -> Coarse:
    """For `break_even`: the solver of a scene in a box, with so many cells along its first axis, and the others in
    proportion.

    It begins with the fields and the parameters of a window. Spectral methods bring fields from grid to grid by their
    Fourier series, others by means over cells.
    """
    refuse_clocks(scene)
    if scene.domain.size is None:
        raise EngineError(f"Scene {scene.name!r} fills no box, so that its solver has no coarser grid.")
    dim, spectral = len(scene.domain.size), method_of(scene).kind == "spectral"

    def onto(fields: Mapping[str, Tensor], grid: Sequence[int]) -> Fields:
        """Scalars [batch, *cells] and vectors [batch, *cells, component] on another grid."""
        bring = fourier_resample if spectral else cell_resample
        return {
            name: bring(value, grid)
            if value.ndim == 1 + dim
            else torch.stack([bring(one, grid) for one in value.unbind(-1)], dim=-1)
            for name, value in fields.items()
        }

    def prepare(cells: int, window: Window) -> Callable[[], Sequence[Fields]]:
        full = next(iter(window.targets[0].values())).shape[1 : 1 + dim]
        batch, dt, steps = len(window.dt), float(window.dt[0]), len(window.targets)
        grid = tuple(round(cells * n / full[0]) for n in full)
        numbers = [{a: float(value[b]) for a, value in window.params.items()} for b in range(batch)]
        members = [scene.median().replace({"domain.cells": grid, **drawn}) for drawn in numbers]
        solver, state, params = compile_scene(members, device=device, dtype=dtype)
        there = fields_of(solver, state, params)
        if strangers := [name for name in window.targets[0] if name not in there]:
            raise EngineError(
                f"The model gives {', '.join(strangers)}; the solver of the scene carries {', '.join(there)}, and can "
                f"be held against a model of those alone."
            )
        begun = onto({name: value for name, value in window.inputs.items() if name in there}, grid)
        told = {name: value.to(there[name]) for name, value in begun.items()}
        state = with_fields(solver, state, params.detach(), told, torch.zeros(batch, dtype=torch.float64))

        def fields(state: object, params: Params) -> Fields:
            found = fields_of(solver, state, params)
            return onto({name: found[name] for name in window.targets[0]}, full)

        probe = Probe("fields", dt, fields, Series())

        def run() -> Sequence[Fields]:
            with torch.no_grad():
                seen = rollout(solver, state, params.detach(), steps * dt, probes=(probe,)).outputs["fields"]
            table = seen if isinstance(seen, dict) else {next(iter(window.targets[0])): seen}
            return [{name: value[:, step] for name, value in table.items()} for step in range(1, steps + 1)]

        return run

    return prepare
