"""What the equations of truncated fields leave over: the products that have no mode to go to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.spectral.lattice import Lattice
from scenegrad.solvers.navier_stokes.spectral.modes import highest_mode
from scenegrad.solvers.shared.roots import root

__all__ = ["finer", "on_finer", "truncation"]


def finer(lattice: Lattice) -> Lattice:
    """Twice the cells along each axis, on which products of two fields of `lattice` keep all their modes."""
    return replace(lattice, cells=tuple(2 * n for n in lattice.cells))


def on_finer(spectrum: Tensor, lattice: Lattice) -> Tensor:
    """The same field on the finer lattice: [..., *modes] of one to [..., *modes] of the other."""
    fine = finer(lattice)
    for axis, n, modes in zip(lattice.axes, lattice.cells, fine.modes, strict=True):
        most = highest_mode(n)
        positive = spectrum.narrow(axis, 0, most + 1)
        negative = [] if axis == -1 else [spectrum.narrow(axis, n - most, most)]
        shape = list(spectrum.shape)
        shape[axis] = modes - most - 1 - (0 if axis == -1 else most)
        spectrum = torch.cat([positive, spectrum.new_zeros(shape), *negative], dim=axis)
    return spectrum * 2.0**lattice.dim


def truncation(equation: Any, fine: Any, spectrum: Tensor, params: Params) -> Tensor:
    """w_t - L w - N(w) of the field as it is, with the w_t that the solver gives it: the root of its mean square over
    the box [batch, channel].

    L w cancels. N is worked out twice: on the solver's modes, which is how its fields change, and by the same equation
    on a lattice where no mode of a quadratic product is cut off; what is left is what the 2/3 rule threw away, zero for
    a field that it resolves [Canuto et al. 2007, Spectral Methods, ch. 3].
    """
    lattice: Lattice = equation.lattice
    left = fine.rate(on_finer(spectrum, lattice), params) - on_finer(equation.rate(spectrum, params), lattice)
    size = torch.view_as_real(left).square().sum(-1) * fine.lattice.weight
    return root(size.flatten(2).sum(2))
