"""Masses, springs and walls as fixed when compiled, and the tables of their constants as functions of the params."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.shared.signals import addresses, values_at

__all__ = ["Body", "Constants", "Face", "Muscle", "Truss"]

NUMBERS = ("stiffness", "damping", "rest")  # of springs
WEIGHTS = ("mass", "drag")  # of masses


@dataclass(frozen=True)
class Body:
    """One body: its places among the masses and among the springs."""

    name: str
    masses: range
    springs: range

    @property
    def slice(self) -> slice:
        return slice(self.masses.start, self.masses.stop)

    def addresses(self) -> tuple[str, ...]:
        return tuple(f"{self.name}.{number}" for number in (*NUMBERS, *WEIGHTS))

    def parts(self, address: str) -> range:
        """The springs, or the masses, that the number at an address is one of."""
        return self.springs if address.rpartition(".")[2] in NUMBERS else self.masses


@dataclass(frozen=True)
class Muscle:
    """An actuator: where its activation is found, and the numbers of its springs [n]."""

    address: str
    signal: Any  # a number or a Signal of the scene
    springs: Tensor

    def addresses(self) -> tuple[str, ...]:
        return addresses(self.address, self.signal)


@dataclass(frozen=True)
class Face:
    """A wall that masses can leave, by the addresses of its numbers; a plain tensor [batch] where it has none."""

    normal: Tensor  # of length 1 [batch, dim]
    offset: str | Tensor  # [m]
    friction: str | Tensor

    def addresses(self) -> tuple[str, ...]:
        return tuple(value for value in (self.offset, self.friction) if isinstance(value, str))


@dataclass(frozen=True)
class Constants:
    """Numbers by spring and by mass, in the precision of the state."""

    stiffness: Tensor  # k [batch, spring]
    damping: Tensor  # c [batch, spring]
    length: Tensor  # at rest, no muscle active [batch, spring]
    mass: Tensor  # [batch, mass]
    drag: Tensor  # [batch, mass]
    gravity: Tensor  # [batch, dim]
    wall: Tensor  # stiffness of a wall as each mass feels it [batch, mass]
    offset: Tensor  # [batch, wall]
    friction: Tensor  # [batch, wall]


@dataclass(frozen=True)
class Truss:
    """What joins what. pairs: the two masses of each spring [spring, 2]; length: of each at first [batch, spring];
    free: 0 where a mass is held, 1 elsewhere [batch, mass]; gravity: where the scene names none [batch, dim]."""

    bodies: tuple[Body, ...]
    muscles: tuple[Muscle, ...]
    faces: tuple[Face, ...]
    pairs: Tensor
    length: Tensor
    free: Tensor
    gravity: Tensor

    @cached_property
    def body(self) -> Tensor:
        """Number of the body of each mass [mass]."""
        return torch.repeat_interleave(
            torch.arange(len(self.bodies), device=self.pairs.device),
            torch.tensor([len(b.masses) for b in self.bodies], device=self.pairs.device),
        )

    @cached_property
    def shares(self) -> Tensor:
        """Of each mass in that of its body [mass]."""
        return self.length.new_tensor([1.0 / len(b.masses) for b in self.bodies])[self.body]

    @cached_property
    def normals(self) -> Tensor:
        """[batch, wall, dim]"""
        batch, dim = self.gravity.shape
        return (
            torch.stack([f.normal for f in self.faces], dim=1) if self.faces else self.gravity.new_zeros(batch, 0, dim)
        )

    def constants(self, params: Params) -> Constants:
        springs = {name: self.spread(params, name, lambda body: len(body.springs)) for name in NUMBERS}
        weights = {name: self.spread(params, name, lambda body: len(body.masses)) for name in WEIGHTS}
        faces = [(look(params, f.offset), look(params, f.friction)) for f in self.faces]
        offset, friction = (torch.stack(column, dim=1) for column in zip(*faces, strict=True)) if faces else (
            self.gravity[:, :0], self.gravity[:, :0]
        )  # fmt: skip
        like = self.length
        return Constants(
            springs["stiffness"],
            springs["damping"],
            springs["rest"] * self.length,
            weights["mass"] * self.shares,
            weights["drag"],
            params.get("gravity", self.gravity).to(like),
            WALL * self.gather(springs["stiffness"]),
            offset.to(like),
            friction.to(like),
        )

    def spread(self, params: Params, name: str, count: Callable[[Body], int]) -> Tensor:
        """A number of every body, or one for each of its parts, as [batch, part]."""
        found = []
        for body in self.bodies:
            value = params[f"{body.name}.{name}"]
            found.append(value if value.ndim == 2 else value[:, None].expand(-1, count(body)))
        return torch.cat(found, dim=1)

    def gather(self, per_spring: Tensor) -> Tensor:
        """Sum over the springs at each mass [batch, spring, ...] -> [batch, mass, ...]."""
        masses = len(self.body)
        made = per_spring.new_zeros(per_spring.shape[0], masses, *per_spring.shape[2:])
        return made.index_add(1, self.pairs[:, 0], per_spring).index_add(1, self.pairs[:, 1], per_spring)

    def activation(self, params: Params, time: Tensor) -> Tensor:
        """Of each muscle [batch, muscle]."""
        if not self.muscles:
            return self.length[:, :0]
        return values_at(params, [(m.address, m.signal) for m in self.muscles], time).to(self.length)

    def contraction(self, activation: Tensor) -> Tensor:
        """By which share each spring is shortened at rest [batch, spring]; muscles that share a spring add up."""
        made = torch.zeros_like(self.length)
        return made.index_add(1, self.moved, activation[:, self.owner]) if self.muscles else made

    def contraction_back(self, bar: Tensor) -> Tensor:
        """Transpose of `contraction` [batch, spring] -> [batch, muscle]."""
        made = bar.new_zeros(len(bar), len(self.muscles))
        return made.index_add(1, self.owner, bar[:, self.moved]) if self.muscles else made

    @cached_property
    def moved(self) -> Tensor:
        """The springs of all muscles in a row."""
        return torch.cat([m.springs for m in self.muscles])

    @cached_property
    def owner(self) -> Tensor:
        """Number of the muscle of each of them."""
        device = self.pairs.device
        return torch.repeat_interleave(
            torch.arange(len(self.muscles), device=device),
            torch.tensor([len(m.springs) for m in self.muscles], device=device),
        )

    def constants_back(self, bars: Constants, params: Params) -> dict[str, Tensor]:
        """Transpose of `constants`: cotangents of those params that learn, by address."""
        wall = WALL * (bars.wall[:, self.pairs[:, 0]] + bars.wall[:, self.pairs[:, 1]])
        numbers = {
            "stiffness": bars.stiffness + wall,
            "damping": bars.damping,
            "rest": bars.length * self.length,
            "mass": bars.mass * self.shares,
            "drag": bars.drag,
        }
        found: dict[str, Tensor] = {}
        for body in self.bodies:
            for name, bar in numbers.items():
                parts = body.parts(name)
                own = bar[:, parts.start : parts.stop]
                address = f"{body.name}.{name}"
                found[address] = own.clone() if params[address].ndim == 2 else own.sum(1)
        if "gravity" in params:
            found["gravity"] = bars.gravity
        for number, face in enumerate(self.faces):
            for where, bar in ((face.offset, bars.offset), (face.friction, bars.friction)):
                if isinstance(where, str):  # several sides of the box may share a friction
                    found[where] = found.get(where, 0.0) + bar[:, number]
        return {a: bar for a, bar in found.items() if params[a].requires_grad}


WALL = 2.0  # stiffness of a wall, in units of that of all springs at the mass which meets it


def look(params: Params, value: str | Tensor) -> Tensor:
    return params[value] if isinstance(value, str) else value
