"""What passes over boxes work on: their memory, weights of a step, tracers that push and are blown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.boxes import Box

__all__ = ["Lift", "Room", "Weights", "Wind"]


@dataclass(frozen=True)
class Weights:
    """Of the rates in  u + newer rate + older before.  pair: (newer, older), each [batch]."""

    pair: tuple[Tensor, Tensor]
    before: Sequence[Tensor]


@dataclass(frozen=True)
class Lift:
    """How tracers push the velocity. pull [batch, tracer, axis]; fields: the tracers in their box, as kernels see."""

    pull: Tensor
    box: Box
    fields: Any


@dataclass(frozen=True)
class Wind:
    """A tracer of a box and the cotangent of its rate, as kernels see them. push: (pull [batch, axis], cotangents of
    the rates of the velocity) where it pushes that."""

    box: Box
    number: int
    fields: Any
    rates: Any
    small: Tensor
    push: tuple[Tensor, Any] | None = None


@dataclass(frozen=True)
class Room:
    """Memory of a box, as a kernel sees it, the samples of each field in it, and what goes around periodic axes."""

    whole: Tensor
    array: Any
    inside: list[Tensor]
    copies: list[list[tuple[Tensor, Tensor]]]
