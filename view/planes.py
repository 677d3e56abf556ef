"""A field in space on three planes at right angles."""

from __future__ import annotations

import numpy as np

from scenegrad.view.errors import ViewError
from scenegrad.view.space import Space
from scenegrad.view.styles import Slices

__all__ = ["Planes"]


class Planes:
    """The look of it."""

    def __init__(self, space: Space, style: Slices):
        self.space = space
        low, high = space.bounds
        self.through = np.asarray(style.through) if style.through is not None else 0.5 * (low + high)
        if np.any(self.through < low) or np.any(self.through > high):
            raise ViewError(
                f"Slices through {style.through} miss the box, which reaches from {tuple(low)} to {tuple(high)}."
            )

    def show(self, index: int) -> None:
        space = self.space
        grid = space.grid(space.colours.quantity, index)
        for axis in range(3):
            space.add(grid.slice(normal=np.eye(3)[axis], origin=self.through), f"plane {axis}", lighting=False)
        space.show(index, grid)
