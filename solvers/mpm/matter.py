"""What is fixed when a scene is compiled: bodies, walls, particles' volumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from scenegrad.solvers.mpm.colliders.obstacles import Obstacles
from scenegrad.solvers.mpm.grid.grid import Clinging, Grid
from scenegrad.solvers.mpm.materials import Law
from scenegrad.solvers.mpm.meeting import Meeting
from scenegrad.solvers.mpm.refined.refinement import Refinement
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.solvers.mpm.tables import BodyPart, Face

__all__ = ["Matter"]


@dataclass(frozen=True)
class Matter:
    """Bodies, the walls around them and the volume of each particle before it was deformed."""

    bodies: tuple[BodyPart, ...]
    faces: tuple[Face, ...]  # walls that matter can leave
    clinging: tuple[tuple[Clinging, ...], ...]  # walls that it cannot leave, of each member
    volume: Tensor  # [m^dim], [batch, particle]
    gravity: Tensor  # of a scene that names none: zeros [batch, dim]
    obstacles: Obstacles  # colliders and rigid bodies; where there are some, the walls too
    meeting: Meeting | None = None  # of bodies with grids of their own
    refinement: Refinement | None = None  # where a finer grid carries the matter

    def finest(self, grid: Grid) -> Grid:
        return self.refinement.fine if self.refinement else grid

    def spin(self, state: ParticleState, grid: Grid) -> Tensor | float:
        """Moment of inertia of a particle's own rotation over its mass [m^2]."""
        if self.refinement and grid.scheme.flip is None:
            return self.refinement.spread(state, grid)[..., None if grid.dim == 3 else ...]
        return grid.scheme.spin * grid.dx**2

    def free_box(self, size: Sequence[float]) -> tuple[list[float], list[float]]:
        """Lowest and highest place that touches no side of the box which matter can leave."""
        sides = {face.side for face in self.faces}
        return (
            [0.0 if (axis, "lo") in sides else -inf for axis in range(len(size))],
            [edge if (axis, "hi") in sides else inf for axis, edge in enumerate(size)],
        )

    @property
    def laws(self) -> tuple[Law, ...]:
        """Each law once."""
        return tuple(dict.fromkeys(body.law for body in self.bodies))

    @property
    def width(self) -> int:
        """Of a row of constants."""
        return max(law.width for law in self.laws)

    @property
    def memory(self) -> int:
        """How many numbers each particle remembers besides its deformation."""
        return max(law.memory(self.dim) for law in self.laws)

    @property
    def dim(self) -> int:
        return self.gravity.shape[-1]

    @property
    def body(self) -> Tensor:
        """Number of the body of each particle [particle]."""
        sizes = torch.tensor([b.end - b.first for b in self.bodies])
        return torch.repeat_interleave(torch.arange(len(self.bodies)), sizes).to(self.volume.device, torch.int32)

    @property
    def kind(self) -> Tensor:
        """Number of the law of each particle [particle]."""
        laws = self.laws
        numbers = torch.tensor([laws.index(b.law) for b in self.bodies], dtype=torch.int32, device=self.volume.device)
        return numbers[self.body.long()]
