"""Cases of molecular dynamics, from those that hold to the last digit to published liquids."""

from scenegrad.verification.case import Case
from scenegrad.verification.md import (
    charges,
    derivatives,
    ensembles,
    fluids,
    gravity,
    laws,
    liquid,
    lists,
    molecules,
    pressure,
    published_configurations,
    sampling,
    silicon,
    ways,
)

__all__ = ["CASES"]

CASES: tuple[Case, ...] = (
    *published_configurations.CASES,
    *lists.CASES,
    *derivatives.CASES,
    *ways.CASES,
    *laws.CASES,
    *ensembles.CASES,
    *fluids.CASES,
    *liquid.CASES,
    *molecules.CASES,
    *gravity.CASES,
    *pressure.CASES,
    *charges.CASES,
    *silicon.CASES,
    *sampling.CASES,
)
