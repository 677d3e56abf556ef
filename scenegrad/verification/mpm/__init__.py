"""Cases of the material point method, from those that hold to the last digit to published experiments."""

from scenegrad.verification.case import Case
from scenegrad.verification.mpm import (
    bending,
    dam_break,
    exact,
    hydrostatics,
    incline,
    manufactured,
    vibration,
    viscous,
)

__all__ = ["CASES"]

CASES: tuple[Case, ...] = (
    *exact.CASES, *vibration.CASES, *manufactured.CASES, *bending.CASES, *hydrostatics.CASES, *viscous.CASES,
    *incline.CASES, *dam_break.CASES,
)  # fmt: skip
