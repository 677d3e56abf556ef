"""Numbers that an optimiser may lead where they mean nothing."""

from __future__ import annotations

from scenegrad.engine.errors import EngineError
from scenegrad.engine.state import Params

__all__ = ["refuse_negative_friction"]


def refuse_negative_friction(params: Params) -> None:
    """Kernels know only how much friction can bear; below zero that would be as much again."""
    for address, value in params.items():
        if address.endswith(".friction") and bool((value < 0.0).any()):
            member = int(value.detach().reshape(len(value), -1).amin(1).argmin())
            raise EngineError(
                f"{address} is {float(value.detach().min()):.4g} in member {member} of the params; friction is not "
                f"negative. Keep it at 0 or above, with value.clamp(min=0) after each step of an optimiser, or let it "
                f"learn as Parameter(..., bounds=(0.0, 1.0))."
            )
