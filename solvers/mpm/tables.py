"""From params to the tables of constants that kernels read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.signals import Signal
from scenegrad.solvers.mpm.materials import Law
from scenegrad.solvers.shared.signals import addresses, peak, peaks, value_at, values_at

__all__ = ["BodyPart", "Face", "Tables"]


@dataclass(frozen=True)
class BodyPart:
    """One body: its law, its place among the particles, and which constants of the law change with time."""

    name: str
    law: Law
    first: int  # particle
    end: int
    signals: tuple[tuple[str, Signal], ...] = ()  # (constant, how it changes)

    @property
    def slice(self) -> slice:
        return slice(self.first, self.end)

    @property
    def count(self) -> int:
        """Of its particles."""
        return self.end - self.first

    def address(self, constant: str) -> str:
        return f"{self.name}.material.{constant}"

    def addresses(self) -> tuple[str, ...]:
        """Of all numbers of its law."""
        signals = dict(self.signals)
        return tuple(a for c in self.law.constants for a in addresses(self.address(c), signals.get(c)))

    def plain(self) -> list[str]:
        """Addresses of the constants that do not change with time."""
        return [self.address(c) for c in self.law.constants if c not in dict(self.signals)]

    def constants(self, params: Params, time: Tensor | None) -> dict[str, Tensor]:
        """Each [batch], or [batch, particle] where particles differ, float64; without a time, at their peaks."""
        signals = dict(self.signals)
        return {
            c: peak(params, self.address(c), signals.get(c))
            if time is None
            else value_at(params, self.address(c), signals.get(c), time)
            for c in self.law.constants
        }


@dataclass(frozen=True)
class Face:
    """A wall that matter can leave, by the addresses of its numbers; a plain tensor [batch] where it has none.

    side: axis and end ("lo", "hi") where it is a side of the box; such walls come before the others.
    """

    name: str
    normal: Tensor  # of length 1 [batch, dim]
    offset: str | Tensor  # [m]
    friction: str | Tensor
    side: tuple[int, str] | None = None

    def addresses(self) -> tuple[str, ...]:
        return tuple(value for value in (self.offset, self.friction) if isinstance(value, str))


@dataclass(frozen=True)
class Tables:
    """Constants by slot, a slot being a body or a particle; differentiable functions of the params, in float64."""

    row: Tensor  # of the law [batch, slot, width]
    gravity: Tensor  # [batch, slot, dim]
    face: Tensor  # normal, offset and friction of each wall [batch, slot, wall, dim + 2]

    @staticmethod
    def of(
        params: Params,
        bodies: tuple[BodyPart, ...],
        faces: tuple[Face, ...],
        gravity: Tensor,
        time: Tensor | None = None,
    ) -> Tables:
        """One slot a body; one a particle as soon as one constant differs from particle to particle.

        gravity: for a scene that names none [batch, dim]. time: for constants that change with it [batch]; left out,
        they are taken where they are largest in size.
        """
        rows = rows_of(bodies, params, time)
        pull = params.get("gravity", gravity).double()
        planes = [
            torch.cat([f.normal.double(), look(params, f.offset)[:, None], look(params, f.friction)[:, None]], dim=1)
            for f in faces
        ]
        face = torch.stack(planes, dim=1) if planes else pull.new_zeros((len(pull), 0, pull.shape[1] + 2))
        by_particle = any(row.shape[1] > 1 for row in rows)
        if by_particle:
            rows = [row.expand(-1, body.count, -1) for row, body in zip(rows, bodies, strict=True)]
        slots = bodies[-1].end if by_particle else len(bodies)
        return Tables(
            torch.cat(rows, dim=1),
            pull[:, None].expand(-1, slots, -1),
            face[:, None].expand(-1, slots, -1, -1),
        )

    @property
    def slots(self) -> int:
        return self.row.shape[1]

    def map(self, change: Callable[[Tensor], Tensor]) -> Tables:
        return Tables(change(self.row), change(self.gravity), change(self.face))


def rows_of(bodies: tuple[BodyPart, ...], params: Params, time: Tensor | None) -> list[Tensor]:
    """Of each body [batch, 1 or particle of the body, width]. Bodies of one law and one number a constant share a call:
    a robot of many muscles costs little more than one body."""
    width = max(body.law.width for body in bodies)
    groups: dict[Any, list[int]] = {}
    for number, body in enumerate(bodies):
        even = all(params[address].ndim == 1 for address in body.plain())
        groups.setdefault(body.law if even else number, []).append(number)
    found: dict[int, Tensor] = {}
    for numbers in groups.values():
        if len(numbers) == 1:
            constants = bodies[numbers[0]].constants(params, time)
            found[numbers[0]] = row_of(bodies[numbers[0]].law, constants, width)
            continue
        members = [bodies[n] for n in numbers]
        law = members[0].law
        together = {}
        for constant in law.constants:
            told = [(body.address(constant), dict(body.signals).get(constant)) for body in members]
            together[constant] = peaks(params, told) if time is None else values_at(params, told, time)
        found.update(zip(numbers, row_of(law, together, width).split(1, dim=1), strict=True))
    return [found[number] for number in range(len(bodies))]


def row_of(law: Law, constants: dict[str, Tensor], width: int) -> Tensor:
    """[batch, as many as the constants differ in, width]"""
    columns = {name: value if value.ndim == 2 else value[:, None] for name, value in constants.items()}
    row = law.row(**dict(zip(columns, torch.broadcast_tensors(*columns.values()), strict=True)))
    return torch.nn.functional.pad(row, (0, width - row.shape[-1]))


def look(params: Params, value: str | Tensor) -> Tensor:
    return (params[value] if isinstance(value, str) else value).double()
