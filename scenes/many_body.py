"""Potentials of more than two atoms at once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenegrad.scenes.entity import Entity
from scenegrad.scenes.values import NonNegative, Positive

__all__ = ["LearnedPotential", "StillingerWeber"]


class StillingerWeber(Entity):
    """Pairs and triplets that favour the angle of a tetrahedron; its numbers are those of silicon.

    u = sum_{i<j} epsilon A [B (sigma/r)^4 - 1] exp(sigma/(r - a sigma))
      + sum over angles jik of epsilon lambda (cos + 1/3)^2 h_ij h_ik,    h = exp(gamma sigma/(r - a sigma))

    with A pair_strength, B balance, lambda stiffness, gamma fall, a reach: it ends by itself at a sigma.
    [Stillinger & Weber 1985, Phys. Rev. B 31, 5262]. of: the species it acts among; without it, all atoms.
    """

    kind: Literal["stillinger_weber"] = "stillinger_weber"
    epsilon: Positive = 2.1683  # [energy]
    sigma: Positive = 2.0951  # [length]
    pair_strength: Positive = 7.049556277
    balance: Positive = 0.6022245584
    stiffness: NonNegative = 21.0
    fall: Positive = 1.20
    reach: Annotated[float, Field(gt=1)] = 1.80
    of: str | None = None


class LearnedPotential(Entity):
    """An energy of each atom, by the torch module that was registered under the name `law`; it adds up with others.

    cutoff: how far the module looks around an atom [length].
    """

    kind: Literal["learned_potential"] = "learned_potential"
    law: str
    cutoff: Annotated[float, Field(gt=0)]
