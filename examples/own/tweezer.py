"""A tweezer of light that holds atoms where it shines, a term of the energy of one's own."""

from typing import Literal

import scenegrad as sg


class Tweezer(sg.EnergyTerm, sg.Entity):
    """U = -depth sum_i exp(-|x_i - center|^2 / (2 waist^2))"""

    kind: Literal["tweezer"] = "tweezer"
    depth: sg.Positive  # [energy]
    waist: sg.Positive  # [length]
    center: sg.Vector  # [length]


def energy(x, edges, depth, waist, center):
    apart = (x - center[:, None]).square().sum(-1) / (2 * waist[:, None].square())
    return -(depth[:, None] * (-apart).exp()).sum(1)


sg.register_energy(Tweezer, energy)
