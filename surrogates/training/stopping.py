"""When a training has learnt what it can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scenegrad.engine.errors import EngineError

__all__ = ["STOPS", "Patience"]


@dataclass(frozen=True)
class Patience:
    """Ends a training after so many epochs in a row without a validation error below the best one before.

    least: part of the best by which it has to fall to count. The weights of the best epoch are the model.
    """

    epochs: int = 10
    least: float = 0.0

    def __post_init__(self) -> None:
        if self.epochs < 1 or not 0.0 <= self.least < 1.0:
            raise EngineError(
                f"Patience got epochs={self.epochs}, least={self.least}; epochs is a positive number, and least a part "
                f"of the best error in [0, 1)."
            )

    def best(self, errors: Sequence[float]) -> int:
        """Which of the errors so far counts as the best."""
        found = 0
        for place, error in enumerate(errors):
            if error < errors[found] * (1.0 - self.least):
                found = place
        return found

    def over(self, errors: Sequence[float]) -> bool:
        return bool(errors) and len(errors) - 1 - self.best(errors) >= self.epochs


STOPS = (Patience,)
