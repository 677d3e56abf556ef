"""What every way to solve the linear equations of a mesh gives and takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from scenegrad.solvers.navier_stokes.finite_element.flow import PressureForms

__all__ = ["Forms", "Inverse", "Linear", "Local", "Reference"]

Local = Callable[[bool], Tensor]  # matrices of elements [batch, element, m, m]; True: those of Picard's iteration
Forms = Callable[[], PressureForms]  # of a flow
Reference = Callable[[], Tensor]  # a right side [batch, n]


class Inverse(Protocol):
    """The solutions of equations with the matrices of a batch."""

    @property
    def size(self) -> int:
        """[bytes]"""
        ...

    def solve(
        self, b: Tensor, transposed: bool = False, reference: Reference | None = None, share: Tensor | None = None
    ) -> Tensor:
        """[batch, n] to [batch, n]. reference: a right side whose solution is the measure of errors, b if left out;
        share: of it, that may be left [batch], where that is more than the tolerance."""
        ...


class Linear(Protocol):
    """One way to solve."""

    def inverse(self, local: Local, keys: tuple[Tensor, ...] | None, forms: Forms | None) -> Inverse:
        """local is not asked where the matrices are known by their keys [batch, ...], which are compared by value."""
        ...
