"""Targets that become harder while a network learns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.training.targets import OneStep, Pushforward, Target, Unrolled

__all__ = ["CURRICULA", "Curriculum", "Growing", "Mastery", "Stages", "curriculum_of"]


@runtime_checkable
class Curriculum(Protocol):
    """Lessons 0, 1, ...: which one a training is at is a number that its checkpoint keeps."""

    @property
    def horizon(self) -> int: ...  # of the farthest-reaching lesson: the data are cut for it

    @property
    def aim(self) -> Target: ...  # the last lesson

    def lesson(self, place: int) -> Target: ...

    def onward(self, place: int, progress: float) -> int:
        """Where to be at a part of all steps; asked before every step."""
        ...

    def after_epoch(self, place: int, loss: float) -> int:
        """Where to go on after an epoch of this mean loss."""
        ...


@dataclass(frozen=True)
class Stages:
    """One target after another. begin: the part of all steps at which each one after the first takes over; evenly,
    unless said."""

    targets: tuple[Target, ...]
    begin: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        need_some(self)
        begin = self.starts
        if (
            len(begin) != len(self.targets) - 1
            or list(begin) != sorted(begin)
            or not all(0.0 <= b < 1.0 for b in begin)
        ):
            raise EngineError(
                f"Stages got {len(self.targets)} targets and begin={self.begin}; it takes one rising part of the "
                f"training for each target after the first, such as (0.3, 0.6) for three."
            )

    @property
    def starts(self) -> tuple[float, ...]:
        count = len(self.targets)
        return self.begin or tuple(i / count for i in range(1, count))

    @property
    def horizon(self) -> int:
        return max(target.horizon for target in self.targets)

    @property
    def aim(self) -> Target:
        return self.targets[-1]

    def lesson(self, place: int) -> Target:
        return self.targets[place]

    def onward(self, place: int, progress: float) -> int:
        return sum(progress >= start for start in self.starts)

    def after_epoch(self, place: int, loss: float) -> int:
        return place


@dataclass(frozen=True)
class Mastery:
    """The next target as soon as the mean loss of an epoch is below `below`; the last one to the end."""

    targets: tuple[Target, ...]
    below: float

    def __post_init__(self) -> None:
        need_some(self)
        if not self.below > 0.0:
            raise EngineError(f"Mastery got below={self.below}; it is a loss to fall under, such as 0.05.")

    @property
    def horizon(self) -> int:
        return max(target.horizon for target in self.targets)

    @property
    def aim(self) -> Target:
        return self.targets[-1]

    def lesson(self, place: int) -> Target:
        return self.targets[place]

    def onward(self, place: int, progress: float) -> int:
        return place

    def after_epoch(self, place: int, loss: float) -> int:
        return min(place + (loss < self.below), len(self.targets) - 1)


@dataclass(frozen=True)
class Growing:
    """From one step to all the steps of `target`, evenly until the part `until` of the training.

    target: Unrolled(8), or anything that holds such a one, as Noise(0.1, then=Unrolled(8)) does.
    """

    target: Target = field(default_factory=lambda: Unrolled(4))
    until: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 < self.until <= 1.0:
            raise EngineError(f"Growing got until={self.until}; it is a part of the training in (0, 1].")
        if steps_of(self.target) is None:
            raise EngineError(
                f"Growing got {self.target}, which takes no number of steps. Give Unrolled(8), or a target around it."
            )

    @property
    def longest(self) -> int:
        return steps_of(self.target) or 1

    @property
    def horizon(self) -> int:
        return self.target.horizon

    @property
    def aim(self) -> Target:
        return self.target

    def lesson(self, place: int) -> Target:
        return of_steps(self.target, place + 1)

    def onward(self, place: int, progress: float) -> int:
        return min(int(progress / self.until * self.longest), self.longest - 1)

    def after_epoch(self, place: int, loss: float) -> int:
        return place


def need_some(stages: Stages | Mastery) -> None:
    if not stages.targets:
        raise EngineError(f"{type(stages).__name__} got no targets; it takes one or more, the easiest first.")


def steps_of(target: Any) -> int | None:
    """Of the innermost target."""
    if hasattr(target, "then"):
        return steps_of(target.then)
    return getattr(target, "steps", None)


def of_steps(target: Any, steps: int) -> Any:
    """The same with fewer steps in the innermost target."""
    if hasattr(target, "then"):
        return replace(target, then=of_steps(target.then, steps))
    return OneStep() if isinstance(target, Pushforward) and steps < 2 else replace(target, steps=steps)


def curriculum_of(target: Target | Curriculum) -> Curriculum:
    """A target alone is a curriculum of one lesson."""
    return target if isinstance(target, Curriculum) else Stages((target,))


CURRICULA = (Stages, Mastery, Growing)
