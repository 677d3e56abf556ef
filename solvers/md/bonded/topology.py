"""Which atoms bonded potentials act on, and which pairs they take from the pair potentials."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.scenes.atoms import Atoms
from scenegrad.scenes.bonded import Bonded
from scenegrad.scenes.molecules import Chains
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.md.lattice import counts

__all__ = ["bonded_of", "excluded_pairs", "groups_of", "starts_of"]


def bonded_of(scene: Scene) -> dict[str, Any]:
    """Bonded potentials by name."""
    return {name: part for name, part in scene.entities.items() if isinstance(part, Bonded)}


def starts_of(scene: Scene) -> dict[str, tuple[int, int]]:
    """Numbers of the first atom of each species and of the one after its last."""
    number_of = counts({name: part for name, part in scene.entities.items() if isinstance(part, Atoms)})
    ends = list(accumulate(number_of.values()))
    return {name: (end - count, end) for (name, count), end in zip(number_of.items(), ends, strict=True)}


def groups_of(scene: Scene, part: Bonded) -> np.ndarray:
    """Atoms by number [group, atom of it] int32."""
    starts = starts_of(scene)
    names = list(starts) if part.of is None else [part.of]
    if part.groups is not None:
        offset = 0 if part.of is None else starts[part.of][0]
        return np.array(part.groups, dtype=np.int32) + np.int32(offset)
    found = [np.zeros((0, part.together), dtype=np.int32)]
    for name in names:
        lattice = scene.at(f"{name}.lattice")
        if isinstance(lattice, Chains) and lattice.length >= part.together:
            first = np.arange(lattice.count)[:, None] * lattice.length + starts[name][0]
            along = np.arange(lattice.length - part.together + 1)
            windows = (first + along).reshape(-1, 1) + np.arange(part.together)
            found.append(windows.astype(np.int32))
    return np.concatenate(found)


def excluded_pairs(scene: Scene, atoms: int) -> Tensor | None:
    """Pairs that no pair potential acts on, as rows of partners [atom, most] int32 that end with -1; None where there
    are none."""
    ends = [groups_of(scene, part)[:, [0, -1]] for part in bonded_of(scene).values() if part.excludes]
    if not ends or not sum(map(len, ends)):
        return None
    both = np.concatenate(ends)
    pairs = np.unique(np.concatenate([both, both[:, ::-1]]), axis=0)  # sorted by the first of the two
    count = np.bincount(pairs[:, 0], minlength=atoms)
    place = np.arange(len(pairs)) - np.repeat(np.cumsum(count) - count, count)
    table = np.full((atoms, count.max()), -1, dtype=np.int32)
    table[pairs[:, 0], place] = pairs[:, 1]
    return torch.from_numpy(table)
