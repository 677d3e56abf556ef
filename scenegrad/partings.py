"""Two sets of numbers held against each other: where they part first, and how far they come apart."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from scenegrad.engine.errors import EngineError
from scenegrad.scenes.errors import nearest

__all__ = ["Comparison", "Parting", "Spread", "lone"]

BLOCK = 1 << 24  # numbers that are read at once
T = TypeVar("T")
Both = tuple[T, T]  # of the one, of the other


@dataclass(frozen=True)
class Parting:
    """The first number that is not the same: the first time at which any is, and of those the first of the first
    output. size: |other - one|; relative: over the largest number of that quantity, of all its frames, in the one."""

    output: str
    quantity: str
    frame: int
    time: float
    element: tuple[int, ...]
    one: float
    other: float
    size: float
    relative: float
    member: int | None = None

    def __str__(self) -> str:
        whose = "" if self.member is None else f"member {self.member}, "
        where = f"[{', '.join(map(str, self.element))}]" if self.element else ""
        one, other = told_apart(self.one, self.other)
        return (
            f"{whose}{self.output}.{self.quantity}{where} in frame {self.frame}, t = {self.time:.6g}: "
            f"{one} and {other}, apart by {self.size:.3g} ({self.relative:.2g} of the largest)"
        )


@dataclass(frozen=True)
class Spread:
    """One quantity over all frames that both have. largest: |other - one|; frames: how many are not the same."""

    quantity: str
    frames: int
    of: int
    largest: float
    relative: float

    def __str__(self) -> str:
        if not self.frames:
            return f"{self.quantity}: the same in {self.of} frames"
        return (
            f"{self.quantity}: {self.frames} of {self.of} frames differ, at most by {self.largest:.3g} "
            f"({self.relative:.2g} of the largest)"
        )


class Comparison:
    """Gathers what is found of one quantity after the other. chosen: only these, "fields" or "fields.vorticity"; all if
    none is named."""

    def __init__(self, folders: Both[Path], tolerance: float, chosen: Sequence[str] = ()):
        self.folders, self.tolerance, self.chosen = folders, tolerance, chosen
        self.known: list[str] = []
        self.first: Parting | None = None
        self.spreads: list[Spread] = []

    def compare(
        self, output: str, sides: Both[Mapping[str, Any]], times: Both[np.ndarray], member: int | None = None
    ) -> list[str]:
        """The quantities of one output in both; returns what only one has, or what has another shape."""
        left, right = sides
        here, there = times
        self.known += [f"{output}.{name}" for name in left]
        if self.chosen and not any(self.wants(output, name) for name in {*left, *right}):
            return []
        told = lone(self.folders, sides, f"quantity of {output}:")
        if len(here) != len(there):
            told.append(f"{output}: {len(here)} frames and {len(there)}")
        count = min(len(here), len(there))
        if (apart := np.flatnonzero(~alike(here[:count], there[:count], self.tolerance, scale_of(here)))).size:
            n = int(apart[0])
            told.append(f"{output}: frame {n} is of t = {here[n]:.9g} and {there[n]:.9g}")
            count = n
        for name in (name for name in left if name in right and self.wants(output, name)):
            a, b = left[name], right[name]
            if tuple(a.shape[1:]) != tuple(b.shape[1:]):
                told.append(f"{output}.{name}: shape {list(a.shape[1:])} and {list(b.shape[1:])}")
            else:
                self.compare_quantity(output, name, a, b, here, count, member)
        return told

    def wants(self, output: str, name: str) -> bool:
        return not self.chosen or output in self.chosen or f"{output}.{name}" in self.chosen

    def refuse_unknown(self) -> None:
        """EngineError where something was chosen that is not there."""
        known = list(dict.fromkeys([*(name.partition(".")[0] for name in self.known), *self.known]))
        for name in self.chosen:
            if name not in known:
                raise EngineError(
                    f"There is no {name!r} to compare.{nearest(name, known)} There are {', '.join(known) or 'none'}."
                )

    def compare_quantity(
        self, output: str, name: str, a: Any, b: Any, times: np.ndarray, count: int, member: int | None
    ) -> None:
        step = max(1, BLOCK // max(1, int(np.prod(a.shape[1:]))))
        blocks = [slice(n, min(n + step, count)) for n in range(0, count, step)]
        scale = max((scale_of(np.asarray(a[block])) for block in blocks), default=0.0)
        frames, largest, first = 0, 0.0, None
        for block in blocks:
            x, y = np.asarray(a[block]), np.asarray(b[block])
            parted = ~alike(x, y, self.tolerance, scale)
            if not parted.any():
                continue
            frames += int(parted.reshape(len(x), -1).any(axis=1).sum())
            apart = distance(x, y)
            largest = max(largest, float(apart[parted].max()))
            if first is None:
                index = tuple(int(k) for k in np.unravel_index(int(parted.argmax()), parted.shape))
                n, size = block.start + index[0], float(apart[index])
                first = Parting(
                    output, name, n, float(times[n]), index[1:], float(x[index]), float(y[index]), size,
                    ratio(size, scale), member,
                )  # fmt: skip
        if first is not None and (self.first is None or (self.first.member == member and first.time < self.first.time)):
            self.first = first
        self.spreads.append(Spread(f"{output}.{name}", frames, count, largest, ratio(largest, scale)))

    def summed(self) -> Iterator[Spread]:
        """Spreads of the same quantity of several members as one."""
        for name in dict.fromkeys(spread.quantity for spread in self.spreads):
            these = [spread for spread in self.spreads if spread.quantity == name]
            yield Spread(
                name, sum(s.frames for s in these), sum(s.of for s in these), max(s.largest for s in these),
                max(s.relative for s in these),
            )  # fmt: skip


def told_apart(one: float, other: float) -> tuple[str, str]:
    """With as many digits as it takes."""
    short = f"{one:.7g}", f"{other:.7g}"
    return short if short[0] != short[1] else (repr(one), repr(other))


def alike(x: np.ndarray, y: np.ndarray, tolerance: float, scale: float) -> np.ndarray:
    """Elementwise: the same bits, or closer than the tolerance. What is no number is only like itself."""
    if x.dtype != y.dtype or tolerance:
        with np.errstate(invalid="ignore"):
            return (distance(x, y) <= tolerance * scale) | (np.isnan(as_floats(x)) & np.isnan(as_floats(y)))
    bits = np.dtype(f"u{x.dtype.itemsize}") if x.dtype.itemsize in (1, 2, 4, 8) else None
    if bits is None:
        return x == y
    return np.ascontiguousarray(x).view(bits).reshape(x.shape) == np.ascontiguousarray(y).view(bits).reshape(y.shape)


def distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """|y - x|; infinite where only one of them is a number."""
    a, b = as_floats(x), as_floats(y)
    with np.errstate(invalid="ignore"):
        apart = np.abs(b - a)
    return np.where(a == b, 0.0, np.where(np.isnan(apart), np.inf, apart))


def as_floats(x: np.ndarray) -> np.ndarray:
    return np.asarray(x, dtype=np.float64)


def scale_of(x: np.ndarray) -> float:
    """The largest finite size."""
    sizes = np.abs(as_floats(x))
    return float(np.max(sizes, initial=0.0, where=np.isfinite(sizes)))


def ratio(size: float, scale: float) -> float:
    return size / scale if scale else (0.0 if size == 0.0 else float("inf"))


def lone(folders: Both[Path], sides: Both[Collection[str]], what: str) -> list[str]:
    """What only one of them has, in words."""
    (one, other), (left, right) = folders, sides
    first = [f"{what} {name} is in {one} alone" for name in left if name not in right]
    return first + [f"{what} {name} is in {other} alone" for name in right if name not in left]
