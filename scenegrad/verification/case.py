"""One comparison with a known answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

__all__ = ["Case", "Finding", "Result", "Setting", "absolute", "at_least", "at_most", "relative"]

ROUNDING = {"float32": 6e-8, "float64": 1.1e-16}


@dataclass(frozen=True)
class Setting:
    """Where and in which precision the cases are run."""

    device: str = "cpu"
    dtype: str = "float64"

    @property
    def rounding(self) -> float:
        """Of one operation, relative."""
        return ROUNDING[self.dtype]


@dataclass(frozen=True)
class Finding:
    """One number beside the one it is held against. reference, ours: in `unit`; what `error` means, its maker says."""

    quantity: str
    reference: float
    ours: float
    error: float
    limit: float
    unit: str = "1"

    @property
    def passed(self) -> bool:
        return self.error <= self.limit  # false for NaN


def relative(quantity: str, reference: float, ours: float, limit: float, unit: str = "1") -> Finding:
    """error = |ours - reference| / |reference|"""
    return Finding(quantity, float(reference), float(ours), abs(float(ours) / float(reference) - 1), limit, unit)


def absolute(quantity: str, reference: float, ours: float, limit: float, unit: str = "1") -> Finding:
    """error = |ours - reference|"""
    return Finding(quantity, float(reference), float(ours), abs(float(ours) - float(reference)), limit, unit)


def at_least(quantity: str, reference: float, ours: float, unit: str = "1") -> Finding:
    """error = what is missing"""
    missing = 0.0 if ours >= reference else float(reference) - float(ours)  # NaN stays NaN
    return Finding(quantity, float(reference), float(ours), missing, 0.0, unit)


def at_most(quantity: str, ours: float, limit: float, unit: str = "1") -> Finding:
    """For numbers that are errors themselves: the reference is 0."""
    return Finding(quantity, 0.0, float(ours), abs(float(ours)), limit, unit)


@dataclass(frozen=True)
class Result:
    """What came of one case. trouble: the message of the error that ended it, if one did."""

    case: Case
    findings: tuple[Finding, ...]
    seconds: float
    trouble: str | None = None

    @property
    def passed(self) -> bool:
        return self.trouble is None and bool(self.findings) and all(f.passed for f in self.findings)


@dataclass(frozen=True)
class Case:
    """A set-up whose outcome is known.

    against: what the solver is compared with. source: where that is written, or how it is derived. quick: one of the
    half that `--quick` runs. needs: the kind of device that it takes, "cuda", or "" where any will do. measure: runs it
    and says what was found.
    """

    name: str
    family: str
    against: str
    source: str
    measure: Callable[[Setting], Iterable[Finding]]
    quick: bool = True
    needs: str = ""

    def run(self, setting: Setting | None = None) -> Result:
        """Never raises what a solver raises: a case that ends in an error has failed, and the others go on."""
        begin = time.perf_counter()
        found: list[Finding] = []
        trouble = None
        try:
            for finding in self.measure(setting or Setting()):
                found.append(finding)
        except Exception as error:
            trouble = f"{type(error).__name__}: {error}"
        return Result(self, tuple(found), time.perf_counter() - begin, trouble)

    def __str__(self) -> str:
        return self.name
