"""The settings of a training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.choices import choose, spell
from scenegrad.surrogates.training.losses import LOSSES, Loss, RelativeL2
from scenegrad.surrogates.training.targets import TARGETS, Target

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """AdamW [Loshchilov & Hutter 2019] under a learning rate that rises during `warmup` and falls along a cosine.

    learning_rate: the highest. warmup: fraction of all steps. gradient_norm: longer gradients are shortened to it.
    average: decay of the running mean of the weights that is kept as the model; 0 keeps the last weights. target: what
    is compared; unless said, what the model is made for, which is OneStep() for a network that steps.
    """

    epochs: int = 20
    batch_size: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warmup: float = 0.05
    gradient_norm: float = 1.0
    average: float = 0.0
    target: Target | None = None
    loss: Loss = field(default_factory=RelativeL2)
    seed: int = 0

    def __post_init__(self) -> None:
        wrong = [
            f"{name}={getattr(self, name)} ({what})"
            for name, right, what in (
                ("epochs", self.epochs >= 1, "a positive number"),
                ("batch_size", self.batch_size >= 1, "a positive number"),
                ("learning_rate", self.learning_rate > 0.0, "positive"),
                ("weight_decay", self.weight_decay >= 0.0, "not negative"),
                ("warmup", 0.0 <= self.warmup < 1.0, "a fraction in [0, 1)"),
                ("gradient_norm", self.gradient_norm > 0.0, "positive"),
                ("average", 0.0 <= self.average < 1.0, "a decay in [0, 1)"),
            )
            if not right
        ]
        if wrong:
            raise EngineError("The training got " + ", ".join(wrong) + ".")

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of one of `steps` steps."""
        rising = max(1, round(self.warmup * steps))
        if step < rising:
            return self.learning_rate * (step + 1) / rising
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))

    def plain(self) -> dict[str, Any]:
        return {item.name: spell(getattr(self, item.name)) for item in fields(self)}

    @staticmethod
    def read(table: Mapping[str, Any]) -> Settings:
        """From the table of a recipe; what is left out takes its default."""
        allowed = [item.name for item in fields(Settings)]
        if strangers := [name for name in table if name not in allowed]:
            raise EngineError(f"The training got {', '.join(strangers)}; it takes {', '.join(allowed)}.")
        chosen = dict(table)
        if chosen.get("target") is not None:
            chosen["target"] = choose(chosen["target"], TARGETS, "target")
        if "loss" in chosen:
            chosen["loss"] = choose(chosen["loss"], LOSSES, "loss")
        return Settings(**chosen)
