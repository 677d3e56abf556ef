"""From params to the tables of constants that kernels read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.mpm.materials import Law

__all__ = ["BodyPart", "Face", "Tables"]


@dataclass(frozen=True)
class BodyPart:
    """One body: its law and its place among the particles."""

    name: str
    law: Law
    first: int  # particle
    end: int

    @property
    def slice(self) -> slice:
        return slice(self.first, self.end)

    def addresses(self) -> dict[str, str]:
        """Address of each constant of the law."""
        return {constant: f"{self.name}.material.{constant}" for constant in self.law.constants}


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

    row: Tensor  # of the law [batch, slot, 5]
    gravity: Tensor  # [batch, slot, dim]
    face: Tensor  # normal, offset and friction of each wall [batch, slot, wall, dim + 2]

    @staticmethod
    def of(params: Params, bodies: tuple[BodyPart, ...], faces: tuple[Face, ...], gravity: Tensor) -> Tables:
        """One slot a body. gravity: for a scene that names none [batch, dim]."""
        rows = [body.law.row(**{c: params[a].double() for c, a in body.addresses().items()}) for body in bodies]
        pull = params.get("gravity", gravity).double()
        planes = [
            torch.cat([f.normal.double(), look(params, f.offset)[:, None], look(params, f.friction)[:, None]], dim=1)
            for f in faces
        ]
        face = torch.stack(planes, dim=1) if planes else pull.new_zeros((len(pull), 0, pull.shape[1] + 2))
        return Tables(
            torch.stack(rows, dim=1),
            pull[:, None].expand(-1, len(bodies), -1),
            face[:, None].expand(-1, len(bodies), -1, -1),
        )

    def map(self, change: Callable[[Tensor], Tensor]) -> Tables:
        return Tables(change(self.row), change(self.gravity), change(self.face))


def look(params: Params, value: str | Tensor) -> Tensor:
    return (params[value] if isinstance(value, str) else value).double()
