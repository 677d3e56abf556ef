"""Lennard-Jones atoms of many kinds, whose pairs follow a rule."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenegrad.scenes.entity import Entity
from scenegrad.scenes.values import Positive

__all__ = ["MixedLennardJones"]


class MixedLennardJones(Entity):
    """u = 4 epsilon_ij [(sigma_ij/r)^12 - (sigma_ij/r)^6] between the atoms `of`, and between them and those of every
    other entity of this kind, with the rule of Lorentz and Berthelot: sigma_ij = (sigma_i + sigma_j)/2 and
    epsilon_ij = sqrt(epsilon_i epsilon_j).

    All of a scene have the same cutoff and the same cut. Atoms that none of them names feel none of it.
    """

    kind: Literal["mixed_lennard_jones"] = "mixed_lennard_jones"
    of: Annotated[tuple[str, ...], Field(min_length=1)]
    epsilon: Positive  # [energy]
    sigma: Positive  # [length]
    cutoff: Annotated[float, Field(gt=0)]  # [length]
    cut: Literal["force-shift", "switch", "plain"] = "force-shift"
