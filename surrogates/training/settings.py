"""The settings of a training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.choices import choose, spell
from scenegrad.surrogates.evaluation.conserved import QUANTITIES
from scenegrad.surrogates.particles.targets import RandomWalk
from scenegrad.surrogates.training.curricula import CURRICULA, Curriculum
from scenegrad.surrogates.training.gradient_targets import WithGradients
from scenegrad.surrogates.training.gradients import PRECISIONS
from scenegrad.surrogates.training.losses import LOSSES, Loss, RelativeL2
from scenegrad.surrogates.training.optimisers import OPTIMISERS, AdamW, Optimiser
from scenegrad.surrogates.training.schedules import SCHEDULES, Cosine, Schedule
from scenegrad.surrogates.training.stopping import STOPS, Patience
from scenegrad.surrogates.training.targets import TARGETS, Target

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """How a network is trained.

    batch_size: examples of one step of the optimiser, over all processes. accumulate: in how many parts they pass
    through the network one after the other, where memory is short; the result differs by rounding only.
    learning_rate: the highest of the schedule. gradient_norm: longer gradients are shortened to it. average: decay
    of the running mean of the weights that is kept as the model, over about 1 / (1 - average) steps; 0 keeps the
    last weights. precision: of the products of matrices, the weights stay float32: "float32", "bfloat16", or
    "float16" with a loss that is scaled. compile: whether torch compiles the networks. target: what is compared, or
    a curriculum of such; unless said, what the model is made for, which is OneStep() for a network that steps.
    stop: before the last epoch.
    """

    epochs: int = 20
    batch_size: int = 16
    accumulate: int = 1
    learning_rate: float = 2e-3
    schedule: Schedule = field(default_factory=Cosine)
    optimiser: Optimiser = field(default_factory=AdamW)
    gradient_norm: float = 1.0
    average: float = 0.0
    precision: str = "float32"
    compile: bool = False
    target: Target | Curriculum | None = None
    loss: Loss = field(default_factory=RelativeL2)
    stop: Patience | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        wrong = [
            f"{name}={getattr(self, name)} ({what})"
            for name, right, what in (
                ("epochs", self.epochs >= 1, "a positive number"),
                ("batch_size", self.batch_size >= 1, "a positive number"),
                ("accumulate", self.accumulate >= 1, "a positive number"),
                ("learning_rate", self.learning_rate > 0.0, "positive"),
                ("gradient_norm", self.gradient_norm > 0.0, "positive"),
                ("average", 0.0 <= self.average < 1.0, "a decay in [0, 1)"),
                ("precision", self.precision in PRECISIONS, " or ".join(PRECISIONS)),
            )
            if not right
        ]
        if wrong:
            raise EngineError("The training got " + ", ".join(wrong) + ".")

    def plain(self) -> dict[str, Any]:
        return {item.name: spell(getattr(self, item.name)) for item in fields(self)}

    @staticmethod
    def read(table: Mapping[str, Any]) -> Settings:
        """From the table of a recipe; what is left out takes its default."""
        allowed = [item.name for item in fields(Settings)]
        if strangers := [name for name in table if name not in allowed]:
            raise EngineError(f"The training got {', '.join(strangers)}; it takes {', '.join(allowed)}.")
        chosen = {
            name: choose(value, CHOICES[name], name, PARTS.get(name, ()))
            if name in CHOICES and value is not None
            else value
            for name, value in table.items()
        }
        return Settings(**chosen)


CHOICES: dict[str, Iterable[type]] = {
    "target": (*TARGETS, WithGradients, RandomWalk, *CURRICULA),
    "loss": LOSSES,
    "schedule": SCHEDULES,
    "optimiser": OPTIMISERS,
    "stop": STOPS,
}
"""What is an object, and in a recipe a table with a kind."""
PARTS: dict[str, Iterable[type]] = {"loss": QUANTITIES}
"""What these are made of, and are not themselves."""
