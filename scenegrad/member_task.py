"""Some members of an ensemble as a task that any process can do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenegrad.engine.dataset_folder import DatasetFolder
from scenegrad.engine.device import device_of, pick_dtype
from scenegrad.engine.members import Member, simulate_members
from scenegrad.engine.reductions import Reduction
from scenegrad.engine.sensitivities import INITIAL
from scenegrad.engine.step_adjoints import Adjoints
from scenegrad.provenance import provenance
from scenegrad.scenes.plugins import all_plugins, load_plugin
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import Parameter
from scenegrad.scenes.vary import Ensemble, vary
from scenegrad.solvers.compile import compile_scene

__all__ = ["MemberTask"]


@dataclass(frozen=True)
class MemberTask:
    """Simulates some members into their shards; small enough to be sent to another process."""

    scene: str  # as JSON, distributions and all
    n: int
    seed: int
    sampler: Any
    device: str  # or "cuda" for all GPUs of the process that does it
    dtype: str
    folder: Path
    gradients: tuple[str, ...]
    numbers: tuple[Reduction, ...] = ()
    adjoints: Adjoints | None = None
    plugins: tuple[str, ...] = ()  # code of the user's own that the scene needs

    @classmethod
    def of(
        cls,
        ensemble: Ensemble,
        device: str,
        dtype: str,
        folder: Path,
        gradients: Sequence[str],
        numbers: Sequence[Reduction] = (),
        adjoints: Adjoints | None = None,
    ) -> MemberTask:
        scene = json.dumps(ensemble.scene.model_dump(mode="json"))
        drawn = (ensemble.n, ensemble.seed, ensemble.sampler)
        own = tuple(plugin.source for plugin in all_plugins(ensemble.scene))
        gradients, numbers = tuple(gradients), tuple(numbers)
        return cls(scene, *drawn, device, dtype, folder.absolute(), gradients, numbers, adjoints, own)

    @property
    def ensemble(self) -> Ensemble:
        for plugin in self.plugins:
            load_plugin(plugin)
        return vary(Scene.parse(json.loads(self.scene)), self.n, seed=self.seed, sampler=self.sampler)

    def scenes(self, members: Sequence[int]) -> list[Scene]:
        """The members, with everything to be differentiated marked as a Parameter."""
        ensemble = self.ensemble
        return [marked(ensemble[i], self.differentiated) for i in members]

    @property
    def differentiated(self) -> tuple[str, ...]:
        """Addresses of the scene."""
        wanted = (*self.gradients, *(self.adjoints.by if self.adjoints else ()))
        return tuple(dict.fromkeys(address for address in wanted if not address.startswith(INITIAL)))

    def __call__(self, members: tuple[int, ...], wanted: tuple[int, ...]) -> None:
        device = device_of(self.device, members[0] // len(members))
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
        cost = simulate_members(solver, state, params, places, self.gradients, self.numbers, self.adjoints)
        folder.note_cost(vars(cost))


def marked(scene: Scene, addresses: Sequence[str]) -> Scene:
    plain = {address: scene.at(address) for address in addresses}
    new = {address: Parameter(value=value) for address, value in plain.items() if not isinstance(value, Parameter)}
    return scene.replace(new) if new else scene
