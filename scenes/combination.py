"""What shapes made of other shapes are, in terms of these."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scenegrad.scenes.shapes import Bounds, Points, Shape

__all__ = ["Combination"]


class Combination(ABC):
    """Mixed into shapes made of others: their rule, in whatever way distances and boxes of the parts are found."""

    @abstractmethod
    def merged(self, distance: Callable[[Shape], np.ndarray]) -> np.ndarray:
        """The distance of the whole, from those of its parts."""

    @abstractmethod
    def enclosed(self, bounds: Callable[[Shape], Bounds]) -> Bounds:
        """A box around the whole, from those around its parts."""

    def signed_distance(self, points: Points) -> np.ndarray:
        return self.merged(lambda part: part.signed_distance(points))

    def bounds(self) -> Bounds:
        return self.enclosed(lambda part: part.bounds())
