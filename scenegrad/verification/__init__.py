"""Cases with a known answer, and what the solvers make of them: `scenegrad verify FAMILY`."""

from scenegrad.verification.case import Case, Finding, Result, Setting
from scenegrad.verification.registry import FAMILIES, cases_of

__all__ = ["FAMILIES", "Case", "Finding", "Result", "Setting", "cases_of"]
