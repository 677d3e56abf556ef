"""Cases of molecular dynamics, from those that hold to the last digit to published liquids."""

from scenegrad.verification.case import Case
from scenegrad.verification.md import (
    charges,
    fluids,
    gravity,
    laws,
    liquid,
    published_configurations,
    sampling,
)

__all__ = ["CASES"]

CASES: tuple[Case, ...] = (
    *charges.CASES,
    *fluids.CASES,
    *gravity.CASES,
    *laws.CASES,
    *liquid.CASES,
    *published_configurations.CASES,
    *sampling.CASES,
)
