"""`safeguarded`: a trained network with its solver behind it, from the scene alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.dataset import Dataset
from scenegrad.engine.device import pick_device, pick_dtype
from scenegrad.engine.errors import EngineError
from scenegrad.engine.fields import fields_of, with_fields
from scenegrad.engine.solver import Solver
from scenegrad.engine.state import Params
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.compile import compile_scene, method_of
from scenegrad.surrogates.data.samples import Data, Window
from scenegrad.surrogates.data.windows import Trajectories
from scenegrad.surrogates.evaluation.forecasts import blocks
from scenegrad.surrogates.hybrid.checks import Check
from scenegrad.surrogates.hybrid.coarse_grid import CoarseGrid
from scenegrad.surrogates.hybrid.safe_stepper import SafeStepper, doubts_along, threshold_of
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.recipes.timeless import refuse_clocks
from scenegrad.surrogates.surrogate import Surrogate
from scenegrad.surrogates.training.fit import Fit

__all__ = ["coarse_check", "safeguarded"]


def coarse_check(scene: Scene | Sequence[Scene], cells: int | Sequence[int] | None = None) -> CoarseGrid:
    """The check of learned steps by one step of the scene's own solver on fewer cells; it takes batches of any size.

    scene: that of all members, or a list with one for each; the params of the solver that is guarded are told to the
    coarse one by their addresses. cells: along each axis, or along the first with the others in proportion; half of the
    scene's if left out. For `SafeStepper`, `Speculating`, `calibrated`; doubts are relative to the change of the state.

    Raises EngineError where the scene has no coarser like: particles, meshes, cells that cannot be halved.
    """
    scenes = [scene] if isinstance(scene, Scene) else list(scene)
    if not scenes:
        raise EngineError("There is no scene to make a check of: the list is empty.")
    return CoarseGrid.of(scenes, cells, method_of(scenes[0]).kind, compile_scene)


def safeguarded(
    model: Fit | str | Path,
    scene: Scene | Sequence[Scene] | None = None,
    data: Data | Trajectories | None = None,
    *,
    check: Callable[[Solver[Any]], Check] | None = None,
    cells: int | Sequence[int] | None = None,
    quantile: float = 0.95,
    device: str | torch.device = "auto",
    dtype: str | torch.dtype = "float32",
) -> tuple[SafeStepper[Any], Any, Params]:
    """(safe, state, params), as `compile` gives them, with a trained network that its solver guards in the solver's
    place: the network proposes a step, a check accepts it, or the solver goes the same way.

    model: a fit, or the folder of a training, which needs `data`. scene: what is run, or a list of scenes, one member
    each; that of the data if left out. check: from the solver that is guarded to a check of its steps, such as
    Residual, or lambda solver: Drift(solver.observe, ("mass",)); the distance to one step on a coarser grid of so many
    `cells`, half of them along each axis, if left out, as `coarse_check` makes it. It accepts as many steps as
    `quantile` says of those that begin at the frames of the validation trajectories, each with the numbers that it
    drew. The result's threshold and log tell what that came to: how good the steps are that it trusts is up to the
    network, and a warning says so where they may be as far off as no step at all.

    Raises EngineError where the data do not tell their scene and none is given, where they hold too few frames to
    validate, where grids differ, where there is no coarser solver, and where `cells` come with a check of one's own.
    """
    if check is not None and cells is not None:
        raise EngineError(
            f"safeguarded got check= and cells={cells}, which are those of the check on a coarser grid. Leave one out."
        )
    fit = loaded(model, data)
    home = scene_of(fit)
    scene = home if scene is None else scene
    if scene is None:
        raise EngineError("These data do not tell the scene that made them. Say it: safeguarded(fit, scene).")
    scenes = [scene] if isinstance(scene, Scene) else list(scene)
    checked = partial(check_of, check, cells)
    if check is None:
        coarse_check(scenes, cells)  # refuses before anything runs
    refuse_other_grids(fit.model, scenes)
    compiled = partial(compile_scene, device=pick_device(device), dtype=pick_dtype(dtype))
    doubts = []
    for members, window in validation(fit, home or scenes[0]):
        solver, state, params = compiled(members)
        way = frames_of(solver, state, params.detach(), window)
        surrogate = Surrogate(fit.model, like=solver)
        refuse_geometry(surrogate, state, params)
        doubts.append(doubts_along(surrogate, checked(solver, members), way, params.detach()))
    threshold = threshold_of(torch.cat(doubts), quantile)
    if check is None and threshold >= 1.0:
        warnings.warn(
            f"The threshold came out as {threshold:.3g}, and a step that changes nothing has a doubt of 1: steps as "
            f"wrong as that will be trusted. Train the network further, take more cells= for the check or a smaller "
            f"quantile=, and see that no field stands still in the frames of validation.",
            stacklevel=2,
        )
    solver, state, params = compiled(scenes)
    safe = SafeStepper(Surrogate(fit.model, like=solver), solver, checked(solver, scenes), threshold)
    return safe, state, params


def check_of(
    check: Callable[[Solver[Any]], Check] | None,
    cells: int | Sequence[int] | None,
    solver: Solver[Any],
    members: Sequence[Scene],
) -> Check:
    if check is None:
        return coarse_check(members, cells)
    try:
        return check(solver)
    except TypeError as error:
        raise EngineError(
            f"safeguarded asks check= for the check of a solver, and got {type(check).__name__}, which takes no solver "
            f"alone: {error}. A check that is there already is given as check=lambda solver: it, and Residual is one "
            f"that is made of the solver."
        ) from error


def loaded(model: Fit | str | Path, data: Data | Trajectories | None) -> Fit:
    if isinstance(model, Fit):
        return model if data is None else Fit.load(model.path, data)
    if data is None:
        raise EngineError(f"safeguarded got the path {model} and no data; say safeguarded(path, scene, data).")
    return Fit.load(model, data)


def scene_of(fit: Fit) -> Scene | None:
    """What made the data, with its distributions, where they tell it."""
    source = getattr(getattr(fit.samples, "how", None), "data", None)
    return Scene.parse(source.scene_table) if isinstance(source, Dataset) else None


def validation(fit: Fit, home: Scene) -> Iterator[tuple[list[Scene], Window]]:
    """The trajectories of the validation part, some at a time, with the scene of each of them."""
    refuse_clocks(home)
    median, places = home.median(), list(fit.samples.parts.get("validation", ()))
    drawn = fit.samples.parameters
    for window in blocks(fit.model, fit.samples, "validation"):
        here, places = places[: len(window.dt)], places[len(window.dt) :]
        yield [median.replace({a: float(values[place]) for a, values in drawn.items()}) for place in here], window


def frames_of(solver: Solver[Any], state: Any, params: Params, window: Window) -> Iterator[Any]:
    """The states at the frames of a window but the last, from which there is no step to judge."""
    there = fields_of(solver, state, params)
    time = torch.zeros(len(window.dt), dtype=torch.float64)
    for n, frame in enumerate((window.inputs, *window.targets[:-1])):
        told: dict[str, Tensor] = {name: value.to(there[name]) for name, value in frame.items() if name in there}
        state = with_fields(solver, state, params, told, time + n * float(window.dt[0]))
        yield state


def refuse_other_grids(model: Dressed, scenes: Sequence[Scene]) -> None:
    for one in scenes:
        if one.domain.cells is not None and one.domain.cells != tuple(model.grid):
            raise EngineError(
                f"The network was trained on {tuple(model.grid)} points, and scene {one.name!r} has "
                f"{one.domain.cells} cells; how far it is to be trusted was seen on its own grid alone. Say "
                f"scene.replace({{'domain.cells': {tuple(model.grid)}}})."
            )


def refuse_geometry(surrogate: Surrogate[Any], state: Any, params: Params) -> None:
    carried = surrogate.fields(state, params)
    if unknown := [name for name in surrogate.names.fields if name not in carried]:
        raise EngineError(
            f"The network is told {', '.join(unknown)}, and the solver carries {', '.join(carried)} alone. Make it by "
            f"hand: calibrated(Surrogate(model, like=solver, given=...), solver, coarse_check(scene), starts)."
        )
