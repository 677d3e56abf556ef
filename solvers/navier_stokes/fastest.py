"""Where a flow is fastest: what a refused time step, or a flow that runs away, tells of."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["fastest_cell", "speed_of"]


def speed_of(components: Sequence[Tensor]) -> Tensor:
    """|u| from components in the cells, each [*cells]; one that is not finite counts as the largest [m/s]."""
    squares = torch.stack([part.detach().double().square() for part in components]).sum(0)
    return torch.nan_to_num(squares.sqrt(), nan=torch.inf, posinf=torch.inf)


def fastest_cell(speed: Tensor) -> str:
    """speed: of one member [*cells]; nothing is told of a fluid at rest."""
    if not float(speed.max()) > 0.0:
        return ""
    place = torch.unravel_index(speed.argmax(), speed.shape)
    cell = ", ".join(str(int(i)) for i in place)
    return f"The fastest cell is ({cell}), at {float(speed.max()):.3g} m/s."
