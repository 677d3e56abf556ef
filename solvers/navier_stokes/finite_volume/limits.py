"""What bounds the step of a flow in finite volumes, in words."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.finite_volume.grid import Grid

__all__ = ["limit_of"]


def limit_of(name: str, grid: Grid, w: Tensor, sound: Tensor, spread: float, beside: float) -> str:
    """For one member: w: primitive variables [field, *cells]. sound: speed of waves [*cells]. spread: of momentum or
    heat, times the density. beside: rate at which what comes in at a side crosses cells [1/s]."""
    h = min(grid.spacing)
    flow = w[1 : 1 + grid.dim].square().sum(0).sqrt()
    wave = torch.nan_to_num(flow + sound, nan=torch.inf, posinf=torch.inf)
    fastest = place_of(wave.argmax(), grid)
    rate = float(wave[fastest]) / h
    if beside > 2.0 * grid.dim * rate:
        return (
            f"It is set by what comes in at a side, now or later, and crosses {beside:.3g} cells a second, more than "
            f"anything inside; a slower inflow or larger cells allow a larger dt."
        )
    thinnest = place_of(w[0].argmin(), grid)
    if 2.0 * spread / float(w[0][thinnest]) * sum(h**-2 for h in grid.spacing) > rate:
        return (
            f"It is set by {name}.viscosity, which does most in cell {shown(thinnest)}, where the density is "
            f"{float(w[0][thinnest]):.3g} kg/m^3; less of it or larger cells allow a larger dt."
        )
    return (
        f"It is set by waves in cell {shown(fastest)}, which run at {float(sound[fastest]):.3g} m/s in a flow of "
        f"{float(flow[fastest]):.3g} m/s, across cells of {h:.3g} m; larger cells allow a larger dt."
    )


def place_of(flat: Tensor, grid: Grid) -> tuple[int, ...]:
    return tuple(int(i) for i in torch.unravel_index(flat.cpu(), grid.cells))


def shown(place: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, place))})"
