"""What the method must know of a material."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["Law"]


def no_memory(dim: int) -> int:
    return 0


def zeros(row: Tensor, memory: int) -> Tensor:
    return row.new_zeros((*row.shape[:-1], memory))


def determinant(F: Tensor, h: Tensor) -> Tensor:
    return torch.linalg.det(F)


@dataclass(frozen=True)
class Law:
    """A constitutive law, for kernels and for torch.

    row: its constants [..., width]: the density [kg/m^3], the stiffness against compression from rest [Pa], with which
    it also meets walls, then the law's own. h: what a particle remembers besides F, such as its hardening; a law reads
    the first memory(dim) of its numbers.
    """

    constants: tuple[str, ...]  # fields of the scene's material; each may learn
    row: Callable[..., Tensor]  # (**constants, each [...]) -> [..., width]
    kirchhoff: Callable[[Numbers], Any]  # -> wp.func (row, F, h, C) -> tau = J sigma [Pa]
    deform: Callable[[Numbers], Any]  # -> wp.func (row, F, C, h, dt) -> F and h a time dt later
    stress: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]  # (row, F, h, C) -> tau [..., dim, dim]
    energy: Callable[[Tensor, Tensor, Tensor], Tensor]  # (row, F, h) -> elastic energy per undeformed volume [Pa]
    wave_speed: Callable[[Tensor, Tensor, Tensor], Tensor]  # (row, F, h) -> of the fastest small wave [m/s]
    diffusivity: Callable[[Tensor], Tensor]  # row -> of momentum [m^2/s]
    memory: Callable[[int], int] = no_memory  # dim -> how many numbers a particle remembers
    start: Callable[[Tensor, int], Tensor] = zeros  # (row, memory) -> those numbers at first [..., memory]
    volume: Callable[[Tensor, Tensor], Tensor] = determinant  # (F, h) -> J, of all that was gained, elastic or not
    # (row, F, h, C) -> tau_zz of plane strain [Pa]; left out where only the stress in the plane is known
    out_of_plane: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] | None = None

    @cached_property
    def width(self) -> int:
        """Of a row."""
        return int(self.row(**{constant: torch.full((), 0.25) for constant in self.constants}).shape[-1])
