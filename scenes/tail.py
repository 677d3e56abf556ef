"""What cut-off potentials leave out."""

from __future__ import annotations

from typing import Literal

from scenegrad.scenes.entity import Entity

__all__ = ["TailCorrection"]


class TailCorrection(Entity):
    """Energy and pressure of all pairs beyond the cutoffs of plainly cut Lennard-Jones potentials, as in a fluid that
    is uniform there. It pulls on no atom; it depends on the volume of the box and on epsilon and sigma."""

    kind: Literal["tail_correction"] = "tail_correction"
