"""How fast forces change while atoms move."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scenegrad.solvers.md.force_field import Term

__all__ = ["Speed", "speed_of"]


class Speed(IntEnum):
    """From fast to slow."""

    BONDS = 0
    PAIRS = 1
    WAVES = 2  # the far part of Ewald's sum


def speed_of(term: Term) -> Speed:
    """As the term has it in `speed`; that of pairs where it says nothing."""
    return getattr(term, "speed", Speed.PAIRS)
