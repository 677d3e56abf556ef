"""What the equations of truncated fields leave over: the products that have no mode to go to."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.spectral.lattice import Lattice
from scenegrad.solvers.navier_stokes.spectral.modes import highest_mode
from scenegrad.solvers.shared.roots import root

__all__ = ["finer", "on_cells", "truncation"]


def finer(lattice: Lattice) -> Lattice:
    """Twice the cells along each axis, on which products of two fields of `lattice` keep all their modes."""
    return replace(lattice, cells=tuple(2 * n for n in lattice.cells))


def on_cells(spectrum: Tensor, lattice: Lattice, cells: tuple[int, ...]) -> Tensor:
    """The same field on a lattice of more cells: [..., *modes] of one to [..., *modes] of the other."""
    most = [highest_mode(n) for n in lattice.cells]
    made = spectrum.new_zeros(*spectrum.shape[: -lattice.dim], *cells[:-1], cells[-1] // 2 + 1)
    scale = 1.0
    for n, m in zip(cells, lattice.cells, strict=True):
        scale *= n / m
    ends = [(slice(0, k + 1), slice(-k, None)) for k in most[:-1]]
    for corner in product(*ends):
        where: Any = (..., *corner, slice(0, most[-1] + 1))
        made[where] = spectrum[where] * scale
    return made


def truncation(equation: Any, fine: Any, spectrum: Tensor, params: Params) -> Tensor:
    """w_t - L w - N(w) of the field as it is, with the w_t that the solver gives it: the root of its mean square over
    the box [batch, channel].

    L w cancels. N is worked out twice: on the solver's modes, which is how its fields change, and by the same equation
    on a lattice where no mode of a quadratic product is cut off; what is left is what the 2/3 rule threw away, zero for
    a field that it resolves [Canuto et al. 2007, Spectral Methods, ch. 3].
    """
    lattice, cells = equation.lattice, fine.lattice.cells
    left = fine.rate(on_cells(spectrum, lattice, cells), params)
    left = left - on_cells(equation.rate(spectrum, params), lattice, cells)
    size = torch.view_as_real(left).square().sum(-1) * fine.lattice.weight
    return root(size.flatten(2).sum(2))
