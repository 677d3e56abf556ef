"""What a conservation law tells the solver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["Law", "LawBack", "LawKernels"]


@dataclass(frozen=True)
class LawKernels:
    """The law as functions that kernels call. Velocities are turned so that the normal one comes first.

    u: conserved, w: primitive, k: the constant of the law (gamma of a gas, gravity of water), all of one cell.
    """

    primitive: Any  # (u, k) -> w
    conserved: Any  # (w, k) -> u
    flux: Any  # (w, k) -> vec, along the normal
    speed: Any  # (w, k) -> |u_n| + c
    scale: Any  # (w, k) -> vec, how large differences of w are that count as large
    frame: Any  # (mean, k) -> pair of numbers that make the characteristic variables at the state `mean`
    height: Any  # (mean, k) -> vec, how large differences of those variables are that count as large
    waves: Any  # (w, frame) -> vec, w in those variables
    unwaved: Any  # (v, frame) -> w
    riemann: Any  # (w_l, w_r, k) -> vec, flux between two states
    reserve: Any  # (u, before, k) -> how much is left of what must stay positive, relative to `before`; concave in u
    possible: Any  # (w) -> whether w is a state
    wall: Any  # (w, into, k) -> pressure at a wall that w meets with the speed `into`


@dataclass(frozen=True)
class LawBack:
    """Transposed derivatives, as functions that kernels call; bar: the cotangent of what the function returns."""

    riemann: Any  # (w_l, w_r, k, bar) -> cotangents of w_l, w_r and k, and the flux itself
    scale: Any  # (mean, k, bar) -> cotangents of mean and k
    short: Any  # (flux, w, courant, least, k) -> whether a loss of courant * flux leaves w less reserve than `least`
    flux: Any  # (w, k, bar) -> cotangents of w and k
    of_mean: Any  # (mean, k, frame_bar, height_bar, scale_bar) -> cotangents of mean and k
    waves: Any  # (w, frame, bar) -> cotangents of w and frame
    unwaved: Any  # (v, frame, bar) -> cotangents of v and frame


@dataclass(frozen=True)
class Law:
    """A law by its names, its kernels, and the same in torch for what is measured.

    In torch, fields stand along the second axis [batch, field, *cells] and k is [batch].
    """

    name: str
    constant: str  # name of k in the scene
    positive: tuple[str, ...]  # names of the primitive variables that are positive, first and last of them
    extra: int  # fields besides the momentum
    kernels: Callable[[Numbers], LawKernels]
    primitive: Callable[[Tensor, Tensor], Tensor]
    conserved: Callable[[Tensor, Tensor], Tensor]
    sound: Callable[[Tensor, Tensor], Tensor]  # of primitive variables [batch, *cells]
    back: Callable[[Numbers], LawBack]

    def fields(self, dim: int) -> int:
        return dim + self.extra
