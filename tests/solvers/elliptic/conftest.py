"""Equations to solve: a cylinder in a box, and a porous medium of two permeabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import pi

import pytest
import torch
from torch import Tensor

from scenegrad.solvers.elliptic.axes import Axis
from scenegrad.solvers.elliptic.diffusion import between
from scenegrad.solvers.elliptic.fast import FastPoisson


@dataclass(frozen=True)
class Problem:
    axes: tuple[Axis, ...]
    faces: tuple[Tensor, ...]
    b: Tensor
    cells: Tensor | None = None  # beta in cells


def waves(n: int, dtype: torch.dtype) -> Tensor:
    x = torch.linspace(0.0, 3.0, n, dtype=dtype)
    return (x[:, None] * (0.4 + 5 / 3 * x)).sin()[None]


def cylinder(n: int, sharp: bool = False, dtype: torch.dtype = torch.float64) -> Problem:
    """A box with walls around a cylinder; faces are open as far as they lie outside, or wholly or not at all."""
    c, f = (torch.arange(n, dtype=dtype) + 0.5) / n, torch.arange(n + 1, dtype=dtype) / n

    def distance(x: Tensor, y: Tensor) -> Tensor:
        return ((x[:, None] - 0.5) ** 2 + (y - 0.5) ** 2).sqrt() - 0.15

    if sharp:
        open_cell = (distance(c, c) > 0).to(dtype)
        faces = [torch.ones(n + 1, n, dtype=dtype), torch.ones(n, n + 1, dtype=dtype)]
        faces[0][1:-1] = open_cell[1:] * open_cell[:-1]
        faces[1][:, 1:-1] = open_cell[:, 1:] * open_cell[:, :-1]
    else:
        faces = [(distance(f, c) * n + 0.5).clamp(0, 1), (distance(c, f) * n + 0.5).clamp(0, 1)]
    axes = (Axis(n, 1 / n, "neumann", "neumann"),) * 2
    return Problem(axes, tuple(one[None] for one in faces), waves(n, dtype))


def porous(n: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Problem:
    """12 where a Gaussian field of covariance (-laplace + 9)^-2 is positive and 3 elsewhere, the same on every grid."""
    k = pi * torch.arange(n, dtype=torch.float64)
    scale = 1.0 / (k[:, None] ** 2 + k**2 + 9.0)
    scale[0, 0] = 0.0
    modes = torch.zeros(1, n, n, dtype=torch.float64)
    noise = torch.randn(32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    modes[0, :32, :32] = noise[: min(n, 32), : min(n, 32)]
    field = FastPoisson((Axis(n, 1 / n, "neumann", "neumann"),) * 2, dtype=torch.float64).back(modes * scale)
    axes = (Axis(n, 1 / n, "dirichlet", "dirichlet"),) * 2
    cells = torch.where(field > 0, 12.0, 3.0).to(dtype)
    return Problem(axes, between(axes, cells), torch.ones(1, n, n, dtype=dtype), cells)


@pytest.fixture
def problems() -> dict[str, Callable[..., Problem]]:
    return {"cylinder": cylinder, "porous": porous}
