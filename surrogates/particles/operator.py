"""What all networks of particles have in common: how they see each other, the sides of their box, and their past."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.operators.operator import Operator, Said
from scenegrad.surrogates.operators.predictions import Acceleration, Change
from scenegrad.surrogates.particles.neighbours import apart, close_pairs
from scenegrad.surrogates.particles.scales import ParticleScales
from scenegrad.surrogates.particles.stepper import ParticleStepper

__all__ = ["ParticleOperator", "length", "with_length"]

Walls = Sequence[Sequence[float]]


class ParticleOperator(Operator):
    """A network of particles whose vector "position" is among the fields; the grid is their number.

    radius: how far they see [length]. wrap: edges of a box that repeats, infinite where it does not. walls: lowest and
    highest corner of a box with sides, to which they know the distance as far as they see; infinite where there is
    none. Nothing else tells one place from another: away from the walls the network commutes with translation.

    Positions come in as they are; earlier ones, "position[-k]", as the displacement over the step that followed, in
    units of the spread of displacements (see ParticleScales). With a history, it predicts the Acceleration().
    """

    scales = ParticleScales

    def __init__(
        self,
        radius: float,
        wrap: Sequence[float] | None,
        walls: Walls | None,
        fields: Sequence[str],
        parameters: Sequence[str],
        said: Said,
    ):
        if said.get("predicts") is None and "position" in (said.get("outputs") or fields):
            said = {**said, "predicts": Acceleration() if said.get("history", 1) > 1 else Change()}
        super().__init__(fields, parameters, **said)
        self.radius = float(radius)
        self.wrap = None if wrap is None else tuple(map(float, wrap))
        self.walls = None if walls is None else tuple(tuple(map(float, corner)) for corner in walls)
        self.refuse_bad_space()
        self.dim = self.names.size("position")

    def refuse_bad_space(self) -> None:
        name, names = type(self).__name__, self.names
        if "position" not in names.fields or not names.is_vector("position"):
            raise EngineError(
                f"{name} got the fields {', '.join(names.fields)}; 'position' must be among them, with its number of "
                f"components, as in components={{'position': 2}}."
            )
        dim = names.size("position")
        if self.walls is not None and not right_corners(self.walls, dim):
            raise EngineError(
                f"{name} got walls={self.walls}; they are the lowest and the highest corner, of {dim} numbers each."
            )
        fits = self.wrap is None or (len(self.wrap) == dim and min(self.wrap) > 2 * self.radius)
        if not (self.radius > 0.0 and fits):
            raise EngineError(
                f"{name} got radius={self.radius:g} and wrap={self.wrap}; the radius is positive, and a box that "
                f"repeats has {dim} edges, each longer than twice the radius."
            )

    def dressed(self, statistics: Statistics | None, dt: float, grid: tuple[int, ...]) -> ParticleStepper:
        return ParticleStepper(self, statistics, dt, grid)

    @property
    def told(self) -> int:
        """Numbers that a particle knows of itself."""
        sides = 0 if self.walls is None else 2 * self.dim
        return self.channels_in - self.names.size("position") + self.constants + sides

    @property
    def vectors(self) -> list[str]:
        """Fields beside the position that are vectors in space, such as where a flow would take particles."""
        return [name for name in self.names.fields if name != "position" and self.names.size(name) == self.dim]

    def split(self, u: Tensor) -> dict[str, Tensor]:
        """The channels of each input by name [batch, particle, component]."""
        sizes = [self.names.size(name) for name in self.names.inputs]
        return dict(zip(self.names.inputs, torch.split(u.transpose(1, 2), sizes, dim=-1), strict=True))

    def nodes(self, parts: dict[str, Tensor], constants: Tensor) -> Tensor:
        """What every particle knows of itself [batch * particle, told]."""
        x = parts["position"]
        known = [part for name, part in parts.items() if name != "position"]
        known.append(constants[:, None].expand(-1, x.shape[1], -1))
        if self.walls is not None:
            low, high = (x.new_tensor(corner) for corner in self.walls)
            known += [((x - low) / self.radius).clamp(-1.0, 1.0), ((high - x) / self.radius).clamp(-1.0, 1.0)]
        return torch.cat(known, dim=-1).flatten(0, 1)

    def neighbours(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Senders and receivers of every pair in sight, one way in the first half and back in the second, and the way
        from the former to the latter in units of the radius [edge, dim]."""
        pairs = close_pairs(x, self.radius, self.wrap)
        there = apart(pairs, x, x, self.wrap) / self.radius
        return torch.cat([pairs[0], pairs[1]]), torch.cat([pairs[1], pairs[0]]), torch.cat([there, -there])


def right_corners(walls: Walls, dim: int) -> bool:
    if len(walls) != 2 or [len(corner) for corner in walls] != [dim, dim]:
        return False
    return all(low < high for low, high in zip(*walls, strict=True))


def with_length(d: Tensor) -> Tensor:
    """Vectors, and how long they are [edge, dim + 1]; smooth where points meet."""
    return torch.cat([d, length(d)], dim=-1)


def length(d: Tensor) -> Tensor:
    return (d.square().sum(-1, keepdim=True) + torch.finfo(d.dtype).tiny).sqrt()
