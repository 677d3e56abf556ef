"""Matter whose stress torch computes: before each step it writes tau into what the particle remembers.

h = (tau [dim, dim], W): the Kirchhoff stress and the elastic energy per undeformed volume [Pa].
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.materials.law import Law
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["LEARNED"]


def row(stiffness: Tensor, headroom: Tensor, density: Tensor) -> Tensor:
    """(rho, M, largest M)"""
    return torch.stack([density, stiffness, headroom * stiffness], dim=-1)


def memory(dim: int) -> int:
    return dim * dim + 1


@cache
def kirchhoff(n: Numbers) -> Any:
    dim, mat, Row, History = n.dim, n.mat, n.row, n.history

    if dim == 2:

        @wp.func
        def plane(constants: Row, F: mat, h: History, C: mat):
            return mat(h[0], h[1], h[2], h[3])

        return plane

    @wp.func
    def space(constants: Row, F: mat, h: History, C: mat):
        return mat(h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], h[8])

    return space


@cache
def deform(n: Numbers) -> Any:
    mat, real, Row, History = n.mat, n.real, n.row, n.history

    @wp.func
    def carried(constants: Row, F: mat, C: mat, h: History, dt: real):
        """dF/dt = C F; what of it is permanent, a return map says after the step."""
        return F + dt * (C * F), h

    return carried


def stress(constants: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
    return h[..., : F.shape[-1] ** 2].view(F.shape)


def energy(constants: Tensor, F: Tensor, h: Tensor) -> Tensor:
    return h[..., F.shape[-1] ** 2]


def wave_speed(constants: Tensor, F: Tensor, h: Tensor) -> Tensor:
    """sqrt(M / rho), M what the scene promises not to be exceeded"""
    return (constants[..., 2] / constants[..., 0]).sqrt().expand(F.shape[:-2])


def diffusivity(constants: Tensor) -> Tensor:
    return torch.zeros_like(constants[..., 0])


LEARNED = Law(
    ("stiffness", "headroom", "density"), row, kirchhoff, deform, stress, energy, wave_speed, diffusivity, memory
)
