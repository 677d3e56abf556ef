"""The kinds of files that there are; of several that fit a path the first is meant."""

from __future__ import annotations

from scenegrad.importing.atoms import ATOMS
from scenegrad.importing.datasets import DATASETS
from scenegrad.importing.kind import Kind
from scenegrad.importing.meshes import MESHES

__all__ = ["KINDS"]

ALL: tuple[Kind, ...] = (*DATASETS, *ATOMS, *MESHES)

KINDS: dict[str, Kind] = {kind.name: kind for kind in ALL}
