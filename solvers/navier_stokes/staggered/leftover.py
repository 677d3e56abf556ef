"""What the equation of a flow leaves over on a staggered grid, seen by differences of fourth order."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.staggered.fourth_order import FourthOrder
from scenegrad.solvers.navier_stokes.staggered.obstacles.immersed import Immersion
from scenegrad.solvers.navier_stokes.staggered.physics import Physics
from scenegrad.solvers.navier_stokes.staggered.stepping import shares_of
from scenegrad.solvers.shared.roots import root

__all__ = ["leftover"]

RESOLVED = ("numerical", "viscosity", "buoyancy")  # causes that a stencil of higher order sees differently
Fields = list[Tensor]  # one for each component, on its faces


def leftover(
    physics: Physics,
    u: Fields,
    parts: Mapping[str, Fields],
    pushes: Fields,
    pressure: Tensor,
    tracers: Tensor | None,
    params: Params,
    solid: Immersion | None,
) -> Tensor:
    """u_t + div(u u) + grad p / density - viscosity laplace u + drag u - f, with the solver's u_t and p, and every
    slope taken to fourth order: the root of the mean square over the faces whose stencils see no side and no body
    [batch]. Of the order of the solver's own error in space; large where a frame is too rough for its grid.

    parts: accelerations by their causes; pushes: by pressure, over density.
    """
    grid = physics.grid
    fine = FourthOrder(grid)
    flow = [fine.on_cells(one, c) for c, one in zip(grid.axes, u, strict=True)]
    carried = fine.carried(flow)
    squares, counts = [], []
    for place, (c, seen) in enumerate(zip(grid.axes, fine.seen(shares_of(solid)), strict=True)):
        own = [pushes[place]] + [parts[cause][place] for cause in RESOLVED if cause in parts]
        left = fine.on_cells(torch.stack(own).sum(0), c) + carried[place] + fine.slope_at_lower(pressure, c)
        if physics.viscous:
            left = left - physics.number(params, f"{physics.fluid}.viscosity") * fine.laplace(flow[place])
        for number, one in enumerate(physics.carried):
            if one.buoyant:
                assert tracers is not None
                pull = params[f"{one.name}.buoyancy"].to(grid.dtype)[:, place].view(-1, *[1] * grid.dim)
                left = left - pull * fine.lower(tracers[:, number], c)
        squares.append((left.square() * seen).flatten(1).sum(1))
        counts.append(seen.expand_as(left).flatten(1).sum(1))
    return root(torch.stack(squares).sum(0) / torch.stack(counts).sum(0).clamp(min=1.0))
