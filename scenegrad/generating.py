"""`generate`: the members of a scene that holds distributions into one dataset."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenegrad.checking import bytes_of_outputs, first_plan
from scenegrad.engine.dataset import Dataset
from scenegrad.engine.dataset_folder import DatasetFolder
from scenegrad.engine.device import pick_device, pick_dtype
from scenegrad.engine.ensemble import blocks_of_share, generate_members
from scenegrad.engine.errors import EngineError
from scenegrad.engine.files.disk import need_room
from scenegrad.engine.members import Member, simulate_members
from scenegrad.engine.progress import COMPILING, Progress, patience, progress_for
from scenegrad.provenance import commit, library_versions, provenance
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import Parameter
from scenegrad.scenes.vary import Ensemble, vary
from scenegrad.solvers.compile import compile_scene
from scenegrad.sources import read_scene

if TYPE_CHECKING:
    from typing import Literal

    import torch

__all__ = ["MemberTask", "generate"]


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
    executor: Executor | None = None,
    shard: str = "0/1",
    gradients: Sequence[str] = (),
    progress: bool | Progress = True,
) -> Dataset:
    """Simulates an ensemble into a folder (data/<name> if left out), one shard a member; goes on where it stopped.

    scene: an ensemble made by `vary`, or a scene and n. workers: processes on this machine; batch: members that each
    simulates together. executor: any concurrent.futures.Executor in place of the workers. shard: "i/n" makes every n-th
    batch from i on, for job arrays. threads: of torch in each worker. gradients: addresses by which every scalar series
    is differentiated (its mean over time). Neither order nor workers nor restarts change a byte of the data; the size
    of a batch may change the last digits, where a method's Fourier transforms depend on it.
    """
    for name, number in (("workers", workers), ("batch", batch), ("threads", threads)):
        if number < 1:
            raise EngineError(f"generate got {name}={number}; it is a positive number.")
    ensemble = scene if isinstance(scene, Ensemble) else vary(read_scene(scene), wanted(n), seed=seed, sampler=sampler)
    precision, where = pick_dtype(dtype), devices(device)
    share = parse_share(shard)
    folder = DatasetFolder(Path(out) if out is not None else Path("data") / ensemble.scene.name)
    task = MemberTask.of(ensemble, where, dtype, folder.path, gradients)
    shown = progress_for(progress)
    with patience(shown, f"{ensemble.scene.name}: {COMPILING}"):
        solver, state, params = compile_scene(task.scenes((0,)), where[0], precision)  # refuses before anything runs
        first_plan(solver, state, params)
        size = bytes_of_outputs(solver, state, params)
    about = about_ensemble(ensemble, where[0], dtype, gradients, threads)
    folder.refuse_another(about["identity"])
    status = folder.status(len(ensemble))
    mine = [i for block in blocks_of_share(len(ensemble), batch, share) for i in block]
    need_room(folder.path, size * sum(status[i] != "ok" for i in mine), f"The data of {ensemble.scene.name}")
    generate_members(
        task, folder, about, workers=workers, batch=batch, threads=threads, executor=executor, share=share,
        progress=shown,
    )  # fmt: skip
    return Dataset(folder.path)


@dataclass(frozen=True)
class MemberTask:
    """Simulates some members into their shards; small enough to be sent to another process."""

    scene: str  # as JSON, distributions and all
    n: int
    seed: int
    sampler: Any
    devices: tuple[str, ...]
    dtype: str
    folder: Path
    gradients: tuple[str, ...]

    @classmethod
    def of(
        cls, ensemble: Ensemble, where: Sequence[str], dtype: str, folder: Path, gradients: Sequence[str]
    ) -> MemberTask:
        scene = json.dumps(ensemble.scene.model_dump(mode="json"))
        drawn = (ensemble.n, ensemble.seed, ensemble.sampler)
        return cls(scene, *drawn, tuple(where), dtype, folder.absolute(), tuple(gradients))

    @property
    def ensemble(self) -> Ensemble:
        return vary(Scene.parse(json.loads(self.scene)), self.n, seed=self.seed, sampler=self.sampler)

    def scenes(self, members: Sequence[int]) -> list[Scene]:
        """The members, with everything to be differentiated marked as a Parameter."""
        ensemble = self.ensemble
        return [marked(ensemble[i], self.gradients) for i in members]

    def __call__(self, members: tuple[int, ...], wanted: tuple[int, ...]) -> None:
        device = self.devices[members[0] % len(self.devices)]
        precision, ensemble, folder = pick_dtype(self.dtype), self.ensemble, DatasetFolder(self.folder)
        scenes = self.scenes(members)
        solver, state, params = compile_scene(scenes, device, precision)
        about = {"ensemble": ensemble.scene.hash}
        places = {
            place: Member(
                folder.shard(i),
                {**provenance(one, device, precision), **about, "name": one.name, "member": i},
                ensemble.values(i),
            )
            for place, (i, one) in enumerate(zip(members, scenes, strict=True))
            if i in wanted
        }
        simulate_members(solver, state, params, places, self.gradients)


def marked(scene: Scene, addresses: Sequence[str]) -> Scene:
    plain = {address: scene.at(address) for address in addresses}
    new = {address: Parameter(value=value) for address, value in plain.items() if not isinstance(value, Parameter)}
    return scene.replace(new) if new else scene


def about_ensemble(
    ensemble: Ensemble, device: str, dtype: str, gradients: Sequence[str], threads: int
) -> dict[str, Any]:
    """What the manifest says; `identity` is all that the bytes of a member depend on."""
    scene = ensemble.scene
    values = [ensemble.values(i) for i in range(len(ensemble))]
    origin = provenance(scene.median(), device, pick_dtype(dtype))
    return {
        "identity": {
            "scene": scene.hash, "seed": ensemble.seed, "sampler": ensemble.sampler, "dtype": dtype,
            "device": device.split(":")[0], "gradients": sorted(gradients),
        },
        "name": scene.name,
        "scene": scene.model_dump(mode="json"),
        "n": len(ensemble),
        "parameters": {address: [drawn[address] for drawn in values] for address in ensemble.drawn},
        "seeds": {"spawn": "SeedSequence(seed, spawn_key=(member,))", "seed": ensemble.seed},
        "method": origin["method"],
        "device": origin["device"],
        "threads": threads,
        "version": origin["version"],
        "commit": commit(),
        "libraries": library_versions(),
    }  # fmt: skip


def devices(name: str | torch.device) -> list[str]:
    """ "auto" and "cuda" spread the members over all GPUs."""
    import torch

    first = pick_device(name)
    if str(name) in ("auto", "cuda") and first.startswith("cuda"):
        return [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    return [first]


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
