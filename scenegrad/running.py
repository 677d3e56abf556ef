"""`run`: a scene into a folder, from the beginning or from where it stopped."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenegrad.checking import bytes_of_outputs, first_plan, seldom_due, work_of
from scenegrad.engine.device import pick_device, pick_dtype
from scenegrad.engine.errors import EngineError, OutputInUse
from scenegrad.engine.files.disk import need_room
from scenegrad.engine.progress import COMPILING, Progress, patience, progress_for
from scenegrad.engine.run_folder import RunFolder
from scenegrad.engine.simulate import simulate
from scenegrad.engine.workers import refuse_endless_spawning
from scenegrad.provenance import identity, made_by, makers, provenance, unlike
from scenegrad.runs import Run
from scenegrad.solvers.compile import compile_scene
from scenegrad.sources import read_scene
from scenegrad.watching import watched

if TYPE_CHECKING:
    import torch

    from scenegrad.scenes.scene import Scene

__all__ = ["run", "run_again"]


def run(
    scene: Scene | str | Path,
    out: str | Path | None = None,
    *,
    device: str | torch.device = "auto",
    dtype: str = "float32",
    resume: bool = True,
    overwrite: bool = False,
    progress: bool | Progress = True,
    checkpoint_every: float = 30.0,
) -> Run:
    """Simulates a scene and writes its outputs to the folder `out` (runs/<name> if left out).

    A run that was stopped, however that happened, goes on from its last checkpoint; one that is finished is opened as
    it is. overwrite: begin anew, whatever the folder holds. resume: False refuses a folder that holds anything.
    checkpoint_every: wall time [s]. Distributions of the scene stand at their medians. Scenes of flows that ask for
    Fields get Diagnostics of them too.

    Raises SceneError where the scene cannot be run, DeviceError where the device or precision is not there, OutputInUse
    where the folder holds something else or another process writes to it, StabilityError where a dt that was given is
    too long, Diverged where the state is no longer finite, and DiskFull; frames that were committed before are kept.
    """
    refuse_endless_spawning()
    if not checkpoint_every >= 0.0:
        raise EngineError(f"run got checkpoint_every={checkpoint_every}; it is a wall time in seconds, not negative.")
    scene = read_scene(scene)
    where, precision = pick_device(device), pick_dtype(dtype)
    folder = RunFolder(Path(out) if out is not None else Path("runs") / scene.name)
    shown = progress_for(progress)
    with patience(shown, f"{scene.name}: {COMPILING}"):
        solver, state, params = compile_scene(watched(scene), where, precision)
        first_plan(solver, state, params)  # a dt beyond the bound is refused before the folder is touched
    same, origin = identity(scene, where, precision), provenance(scene, where, precision)
    about = {"identity": same, **makers(where), "provenance": origin}
    lock = folder.lock
    lock.claim()
    try:
        if overwrite:
            folder.clear()
        folder.refuse_another(same)
        if folder.record.is_file():
            if not resume:
                raise OutputInUse(
                    f"{folder.path} already holds this run. Leave resume on, or replace it with --overwrite."
                )
            if (status := folder.read()["status"]) == "done":
                return Run(folder.path)
            if status == "diverged":
                raise OutputInUse(
                    f"{folder.path} holds this run, and it diverged: {folder.read()['error']}\n"
                    f"Change the scene and write elsewhere with --out, or replace it with --overwrite."
                )
        else:
            with patience(shown, f"{scene.name}: {COMPILING}"):
                size = bytes_of_outputs(solver, state, params)
            need_room(folder.path, size, f"The output of {scene.name}")
        scene.save(folder.path / "scene.toml")
        shown.say(f"{scene.name}: {origin['method']}, {origin['device']}, {dtype}, to {folder.path}")
        seldom = seldom_due(solver)
        for why in dict.fromkeys(seldom.values()):
            names = " and ".join(name for name in seldom if seldom[name] == why)
            warnings.warn(f"{scene.name}: one frame of {names} at most: {why}.", stacklevel=2)
        simulate(
            solver,
            state,
            params,
            folder,
            about,
            progress=shown,
            checkpoint_every=checkpoint_every,
            unit=work_of(scene, state),
        )
    finally:
        lock.release()
    return Run(folder.path)


def run_again(source: str | Path, out: str | Path | None = None, **how: Any) -> Run:
    """Makes an earlier run once more, from what its folder says: the same scene, precision and kind of device.

    On a CPU the outputs have the same bytes. Where code, libraries, threads or machine are others than they were, the
    last digits may not be the same: a warning says so.
    """
    earlier = Run(source)
    same = earlier.record["identity"]
    how = {"device": same["device"], "dtype": same["dtype"], **how}
    made = run(earlier.scene, out or earlier.folder.with_name(f"{earlier.folder.name}-again"), **how)
    if parts := unlike(made_by(earlier.record), made_by(made.record)):
        told = "; ".join(f"{name} {before}, now {now}" for name, before, now in parts)
        warnings.warn(
            f"{made.folder} was made by something else than {earlier.folder} ({told}): last digits may differ. "
            f"`scenegrad diff {earlier.folder} {made.folder}` says whether they do.",
            stacklevel=2,
        )
    return made
