"""Learning rates over a training, as parts of the highest one. All lengths are fractions of all steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from scenegrad.engine.errors import EngineError

__all__ = ["SCHEDULES", "Constant", "Cosine", "Exponential", "OneCycle", "Schedule", "Steps"]


class Schedule(Protocol):
    """A function of the step alone, so that a training that goes on needs to keep nothing of it."""

    def __call__(self, step: int, steps: int) -> float:
        """The part of the highest learning rate that one of `steps` steps takes, step = 0, 1, ..."""
        ...


@dataclass(frozen=True)
class Warmed:
    """Rises from nothing in a straight line during `warmup`; what comes after goes from 0 to 1 in `after`."""

    warmup: float = 0.05

    def __post_init__(self) -> None:
        refuse(self, [("warmup", 0.0 <= self.warmup < 1.0, "a fraction in [0, 1)")])

    def __call__(self, step: int, steps: int) -> float:
        rising = max(1, round(self.warmup * steps)) if self.warmup else 0
        if step < rising:
            return (step + 1) / rising
        return self.after((step - rising) / max(1, steps - rising))

    def after(self, progress: float) -> float:
        raise NotImplementedError


@dataclass(frozen=True)
class Constant(Warmed):
    """Stays at the highest."""

    warmup: float = 0.0

    def after(self, progress: float) -> float:
        return 1.0


@dataclass(frozen=True)
class Cosine(Warmed):
    """Falls along half a cosine to `last` [Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts]."""

    last: float = 0.0

    def after(self, progress: float) -> float:
        return self.last + (1.0 - self.last) * 0.5 * (1.0 + math.cos(math.pi * progress))


@dataclass(frozen=True)
class Exponential(Warmed):
    """Falls to `last`, evenly in its logarithm."""

    last: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse(self, [("last", 0.0 < self.last <= 1.0, "a part of the highest rate in (0, 1]")])

    def after(self, progress: float) -> float:
        return self.last**progress


@dataclass(frozen=True)
class Steps(Warmed):
    """Falls by `factor` each time that `every` has passed."""

    warmup: float = 0.0
    every: float = 0.2
    factor: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        right = [("every", 0.0 < self.every <= 1.0, "a fraction in (0, 1]"), ("factor", self.factor > 0.0, "positive")]
        refuse(self, right)

    def after(self, progress: float) -> float:
        return self.factor ** math.floor(progress / self.every * (1.0 + 1e-12))


@dataclass(frozen=True)
class OneCycle:
    """From `first` up along half a cosine during `rise`, then down along another one to `last`.

    [Smith & Topin 2018, arXiv:1708.07120]
    """

    rise: float = 0.3
    first: float = 0.04
    last: float = 4e-6

    def __post_init__(self) -> None:
        refuse(self, [("rise", 0.0 < self.rise < 1.0, "a fraction in (0, 1)")])

    def __call__(self, step: int, steps: int) -> float:
        top = max(self.rise * steps - 1.0, 0.0)
        if step <= top:
            return between(self.first, 1.0, step / top if top > 0.0 else 1.0)
        return between(1.0, self.last, (step - top) / max(steps - 1.0 - top, 1e-12))


def between(begin: float, end: float, progress: float) -> float:
    """Along half a cosine."""
    return end + (begin - end) * 0.5 * (1.0 + math.cos(math.pi * progress))


def refuse(choice: object, checks: list[tuple[str, bool, str]]) -> None:
    wrong = [f"{name}={getattr(choice, name)} ({what})" for name, right, what in checks if not right]
    if wrong:
        raise EngineError(f"{type(choice).__name__} got " + ", ".join(wrong) + ".")


SCHEDULES = (Cosine, Constant, Steps, OneCycle, Exponential)
