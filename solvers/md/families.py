"""How parts of a scene become parts of a solver: interactions and motions, each family in a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from scenegrad.engine.controllers import CFL, Controller
from scenegrad.scenes.atoms import Dynamics
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.force_field import Term
from scenegrad.solvers.md.motions.motion import Motion
from scenegrad.solvers.md.neighbours.lists import Neighbours
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["Assembly", "Interaction", "Movement"]

# A fifth of the stability bound: dt = 0.005 tau for the Lennard-Jones liquid at its triple point, where the energy of
# an atom wavers by 6e-5 epsilon (2.5 dt^2).
DEFAULT = CFL(0.2, steps=32)
SAME = 1.001  # of two cutoffs that share a list


def nothing(scene: Scene) -> dict[str, object]:
    return {}


@dataclass(frozen=True)
class Assembly:
    """What the builders of terms are given. species: of every atom, as an index [atom]; names: of the species.

    box: as large as it will be.
    """

    scenes: Sequence[Scene]
    names: tuple[str, ...]
    species: Tensor
    box: Box
    dtype: torch.dtype
    skin: float  # [length]
    excluded: Tensor | None = None  # pairs that no pair potential acts on [atom, most], see `Neighbours`
    lists: list[tuple[Tensor, Neighbours]] = field(default_factory=list)

    @property
    def device(self) -> str:
        return str(self.species.device)

    @cached_property
    def like(self) -> Tensor:
        """An empty tensor on the device and in the precision of positions."""
        return torch.empty(0, dtype=self.dtype, device=self.species.device)

    def neighbours(self, cutoff: Tensor) -> Neighbours:
        """Lists that hold every pair within the cutoff, float64 [batch]; terms of about the same cutoff share them."""
        for reach, made in self.lists:
            if bool(((cutoff <= reach) & (reach <= SAME * cutoff)).all()):
                return made
        made = Neighbours(self.box, cutoff, self.skin, len(self.species), self.dtype, excluded=self.excluded)
        self.lists.append((cutoff, made))
        return made


@dataclass(frozen=True)
class Interaction:
    """A family of forces: the entities of a scene that it serves, and the terms that it makes of them."""

    serves: tuple[type[Entity], ...]
    terms: Callable[[Assembly], list[Term]]
    check: Callable[[Scene, Reasons], None]  # adds every reason for which these entities cannot be served
    learnable: Callable[[Scene], list[str]]  # addresses by which the terms can be differentiated
    room: Callable[[Scene, float, Reasons], None] = lambda scene, shortest, reasons: None  # shortest: edge of the box
    reach: Callable[[Scene], float | None] = lambda scene: None  # scale of the skin of lists [length], if it has any
    alike: Callable[[Scene], dict[str, object]] = nothing  # what members of a batch must share, by address
    tilts: bool = False  # whether it serves triclinic boxes
    weights: Callable[[Sequence[Scene], Tensor], dict[str, Tensor]] = lambda scenes, like: {}  # of networks, for params

    def entities(self, scene: Scene) -> dict[str, Entity]:
        return {name: part for name, part in scene.entities.items() if isinstance(part, self.serves)}


@dataclass(frozen=True)
class Movement:
    """A family of motions: the dynamics that it serves, and the motion that it makes of them."""

    serves: tuple[type[Dynamics], ...]
    motion: Callable[[Assembly], Motion]
    check: Callable[[Scene, Reasons], None]
    learnable: Callable[[Scene], list[str]]
    alike: Callable[[Scene], dict[str, object]] = nothing
    steps: Controller = DEFAULT  # where the scene leaves them to the solver
