"""Lines along a flow in space at one moment, as tubes in the colours of a field."""

from __future__ import annotations

import numpy as np

from scenegrad.view.quantities import flow_of
from scenegrad.view.space import Space
from scenegrad.view.styles import Streamlines

__all__ = ["Tubes"]

LINES = 100
THICK = 0.0022  # radius of a tube, of the diagonal of the box
LONG = 0.5  # length of a line in each direction, in diagonals of the box


class Tubes:
    """The look of it. The lines start at places spread evenly over the box, the same in every frame."""

    def __init__(self, space: Space, style: Streamlines):
        self.space = space
        flow = flow_of(space.frames, style.of)
        assert flow is not None  # else the style is not offered
        self.flow = flow
        low, high = space.bounds
        self.seeds = low + spread(style.seeds or LINES) * (high - low)
        space.shade()

    def show(self, index: int) -> None:
        import pyvista

        space = self.space
        grid = space.full(space.frames.values(self.flow.name, index), "flow")
        coloured = space.grid(space.colours.quantity, index)
        grid.point_data["colour"] = coloured.point_data["colour"]
        size = float(np.linalg.norm(space.bounds[1] - space.bounds[0]))
        lines = grid.streamlines_from_source(
            pyvista.PolyData(self.seeds), vectors="flow", integration_direction="both", max_length=LONG * size,
            initial_step_length=0.5, max_steps=800, terminal_speed=1e-9, compute_vorticity=False,
        )  # fmt: skip
        shape = lines.tube(radius=THICK * size, n_sides=8) if lines.n_points else lines
        space.add(shape, "tubes", smooth_shading=True, specular=0.2, ambient=0.15)
        space.show(index, coloured)


def spread(many: int) -> np.ndarray:
    """Places in the unit cube [many, 3] that leave no large hole: the additive recurrence of the generalised golden
    ratio [Roberts 2018, The unreasonable effectiveness of quasirandom sequences]."""
    ratio = 1.22074408460575947536  # of x^4 = x + 1
    return (0.5 + np.outer(np.arange(1, many + 1), ratio ** -np.arange(1.0, 4.0))) % 1.0
