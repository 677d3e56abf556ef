"""Cases of the material point method, from those that hold to the last digit to published experiments."""

from scenegrad.verification.case import Case
from scenegrad.verification.mpm import (
    bending,
    collision,
    dam_break,
    exact,
    granular,
    hydrostatics,
    incline,
    manufactured,
    vibration,
    viscous,
)

__all__ = ["CASES"]

CASES: tuple[Case, ...] = (
    *exact.CASES, *vibration.CASES, *manufactured.CASES, *bending.CASES, *collision.CASES, *hydrostatics.CASES,
    *viscous.CASES, *incline.CASES, *dam_break.CASES, *granular.CASES,
)  # fmt: skip
