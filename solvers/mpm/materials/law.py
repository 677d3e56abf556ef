"""What the method must know of a material."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["Law"]


@dataclass(frozen=True)
class Law:
    """A constitutive law, for kernels and for torch.

    row: its constants [5]. Three are the law's own; then its stiffness against compression from rest [Pa], with which
    it also meets walls; then its density [kg/m^3].
    """

    constants: tuple[str, ...]  # fields of the scene's material; each may learn
    row: Callable[..., Tensor]  # (**constants, each [batch]) -> [batch, 5]
    kirchhoff: Callable[[Numbers], Any]  # -> wp.func (row, F, C) -> tau = J sigma [Pa]
    deform: Callable[[Numbers], Any]  # -> wp.func (F, C, dt) -> F a time dt later
    stress: Callable[[Tensor, Tensor, Tensor], Tensor]  # (row [..., 5], F, C) -> tau [..., dim, dim]
    energy: Callable[[Tensor, Tensor], Tensor]  # (row, F) -> elastic energy per undeformed volume [Pa]
    wave_speed: Callable[[Tensor, Tensor], Tensor]  # (row, F) -> of the fastest small wave in the deformed matter [m/s]
    diffusivity: Callable[[Tensor], Tensor]  # row -> of momentum [m^2/s]
