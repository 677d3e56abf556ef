"""Free energy along a coordinate."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.solvers.md.sampling.mbar import MBAR

__all__ = ["Profile", "profile"]


@dataclass(frozen=True)
class Profile:
    """By bin: its middle, the probability density of the coordinate with its error, and F = -ln p with its error.

    F is reduced (in units of the temperature) and 0 in the bin where it is least; that of an empty bin is infinite.
    """

    coordinate: Tensor
    density: Tensor
    density_error: Tensor
    free_energy: Tensor
    error: Tensor


def profile(estimate: MBAR, energy: Tensor, coordinate: Tensor, edges: Tensor) -> Profile:
    """The density of a coordinate [sample] in the state of reduced energies [sample], in bins between edges [bin + 1].

    The density is that of the number itself: of a distance it contains the area of the sphere or circle.
    """
    edges = edges.to(estimate.log_mixture)
    value = coordinate.to(edges)
    inside = (value >= edges[:-1, None]) & (value < edges[1:, None])
    found = estimate.average(energy, inside.to(edges.dtype))
    width = edges.diff()
    density = found.mean / width
    empty = density <= 0.0
    free = torch.where(empty, torch.inf, -density.clamp(min=1e-300).log())
    share = torch.where(empty, torch.inf, found.error / found.mean.clamp(min=1e-300))
    middle = 0.5 * (edges[:-1] + edges[1:])
    return Profile(middle, density, found.error / width, free - free.min(), share)
