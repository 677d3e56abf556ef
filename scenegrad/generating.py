"""`generate`: the members of a scene that holds distributions into one dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenegrad.checking import bytes_of_outputs, first_plan, frames_of_outputs
from scenegrad.clusters import dask_cluster
from scenegrad.engine.dataset import Dataset
from scenegrad.engine.dataset_folder import DatasetFolder
from scenegrad.engine.device import kind_of, pick_device, pick_dtype
from scenegrad.engine.ensemble import blocks_of_share, generate_members
from scenegrad.engine.errors import EngineError
from scenegrad.engine.files.disk import need_room
from scenegrad.engine.progress import COMPILING, Progress, Work, patience, progress_for
from scenegrad.engine.record import device_name, library_versions
from scenegrad.engine.reductions import Reduction
from scenegrad.engine.step_adjoints import Adjoints
from scenegrad.member_task import MemberTask
from scenegrad.provenance import makers, provenance
from scenegrad.scenes.plugins import plugins_of
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.vary import Ensemble, vary
from scenegrad.solvers.compile import compile_scene
from scenegrad.sources import read_scene

if TYPE_CHECKING:
    from typing import Literal

    import torch

__all__ = ["generate"]


def generate(
    scene: Ensemble | Scene | str | Path,
    n: int | None = None,
    *,
    out: str | Path | None = None,
    seed: int = 0,
    sampler: Literal["sobol", "random"] = "sobol",
    device: str | torch.device = "auto",
    dtype: str = "float32",
    workers: int = 1,
    batch: int = 1,
    threads: int = 1,
    executor: Executor | str | None = None,
    shard: str = "0/1",
    gradients: Sequence[str] = (),
    of: Sequence[Reduction] = (),
    adjoints: Adjoints | None = None,
    progress: bool | Progress = True,
) -> Dataset:
    """Simulates an ensemble into a folder (data/<name> if left out), one shard a member; goes on where it stopped.

    scene: an ensemble made by `vary`, or a scene and n. workers: processes on this machine; batch: members that each
    simulates together. executor: any concurrent.futures.Executor in place of the workers, or the address of a Dask
    scheduler, "tcp://127.0.0.1:8786". shard: "i/n" makes every n-th batch from i on, for job arrays. threads: of torch
    in each worker. gradients: addresses by which every scalar series is differentiated (its mean over time). Neither
    order nor workers nor restarts change a byte of the data; the size of a batch may change the last digits, where a
    method's Fourier transforms depend on it. docs/many_machines.md tells more.

    Raises SceneError or DeviceError before anything runs, OutputInUse where the folder holds another dataset. Members
    that diverge or fail stop nothing: `diverged` and `failed` of the dataset list them.
    """
    for name, number in (("workers", workers), ("batch", batch), ("threads", threads)):
        if number < 1:
            raise EngineError(f"generate got {name}={number}; it is a positive number.")
    ensemble = scene if isinstance(scene, Ensemble) else vary(read_scene(scene), wanted(n), seed=seed, sampler=sampler)
    share = parse_share(shard)
    folder = DatasetFolder(Path(out) if out is not None else Path("data") / ensemble.scene.name)
    shown = progress_for(progress)
    with workplace(executor, device, folder) as place:
        task = MemberTask.of(ensemble, place.kind, dtype, folder.path, gradients, of, adjoints)
        with patience(shown, f"{ensemble.scene.name}: {COMPILING}"):  # refuses before anything runs
            solver, state, params = compile_scene(task.scenes((0,)), place.here, pick_dtype(dtype))
            first_plan(solver, state, params)
            size = bytes_of_outputs(solver, state, params)
            frames = max(frames_of_outputs(solver).values(), default=0)
        about = about_ensemble(ensemble, place, dtype, task, threads)
        folder.refuse_another(about["identity"])
        status = folder.status(len(ensemble))
        mine = [i for block in blocks_of_share(len(ensemble), batch, share) for i in block]
        need_room(folder.path, size * sum(status[i] != "ok" for i in mine), f"The data of {ensemble.scene.name}")
        generate_members(
            task, folder, about, workers=workers, batch=batch, threads=threads, executor=place.executor, share=share,
            progress=shown, unit=Work("members", frames, "frames"),
        )  # fmt: skip
    return Dataset(folder.path)


@dataclass(frozen=True)
class Workplace:
    """Where members are made. kind: of device, "cuda" for all GPUs that a worker sees; name: of such a device; here:
    the device of this process, which a cluster's need not be."""

    executor: Executor | None
    kind: str
    name: str
    here: str


@contextmanager
def workplace(
    executor: Executor | str | None, device: str | torch.device, folder: DatasetFolder
) -> Iterator[Workplace]:
    if not isinstance(executor, str):
        here = pick_device(device)
        yield Workplace(executor, kind_of(str(device)), device_name(here), here)
        return
    folder.make()
    with dask_cluster(executor, folder.path) as cluster:
        kind, name = cluster.device(str(device))
        yield Workplace(cluster.executor, kind, name, pick_device("auto") if kind == "cuda" else "cpu")


def about_ensemble(ensemble: Ensemble, place: Workplace, dtype: str, task: MemberTask, threads: int) -> dict[str, Any]:
    """What the manifest says; `identity` is all that the bytes of a member depend on."""
    scene = ensemble.scene
    values = [ensemble.values(i) for i in range(len(ensemble))]
    origin = provenance(scene.median(), place.here, pick_dtype(dtype))
    more: dict[str, Any] = {"of": sorted(number.name for number in task.numbers)} if task.numbers else {}
    own = {plugin.module: plugin.sha256 for plugin in plugins_of(scene)}
    more |= {"plugins": own} if own else {}
    more |= {"adjoints": asdict(task.adjoints) | {"by": list(task.adjoints.by)}} if task.adjoints else {}
    return {
        "identity": {
            "scene": scene.hash, "seed": ensemble.seed, "sampler": ensemble.sampler, "dtype": dtype,
            "device": place.kind.split(":")[0], "gradients": sorted(task.gradients), **more,
        },
        "name": scene.name,
        "scene": scene.model_dump(mode="json"),
        "n": len(ensemble),
        "parameters": {address: [drawn[address] for drawn in values] for address in ensemble.drawn},
        "seeds": {"spawn": "SeedSequence(seed, spawn_key=(member,))", "seed": ensemble.seed},
        "method": origin["method"],
        "device": place.name,
        "threads": threads,
        "version": origin["version"],
        **makers(place.here),
        "libraries": library_versions(),
    }  # fmt: skip


def wanted(n: int | None) -> int:
    if n is None:
        raise EngineError("How many members? Give n=..., or an ensemble made by vary(scene, n).")
    return n


def parse_share(text: str) -> tuple[int, int]:
    """'3/16' -> (3, 16): share 3 of the shares 0 ... 15."""
    try:
        index, count = (int(part) for part in text.split("/"))
    except ValueError:
        index, count = -1, 0
    if not 0 <= index < count:
        raise EngineError(f"--shard {text!r} is not i/n with 0 <= i < n, such as 0/16 ... 15/16.")
    return index, count
