"""Matter whose particles push themselves."""

from __future__ import annotations

from typing import Literal

from scenegrad.scenes.atoms import Dynamics
from scenegrad.scenes.outputs import Output
from scenegrad.scenes.values import NonNegative, Positive

__all__ = ["ActiveBrownian", "EntropyProduction"]


class ActiveBrownian(Dynamics):
    """Active Brownian particles: dx = speed e dt + F dt / (m friction) + sqrt(2 D) dW, D = temperature / (m friction).

    Each is driven along its own direction e, which turns by diffusion: <e(0) . e(t)> = exp(-(dim - 1) rotation t).
    temperature: a number, or the address of one. Velocities do not matter.
    """

    kind: Literal["active_brownian"] = "active_brownian"
    temperature: Positive | str  # [energy]
    speed: NonNegative  # [length/time]
    rotation: Positive  # diffusion constant of the direction [1/time]
    friction: Positive = 1.0  # [1/time]


class EntropyProduction(Output):
    """Rate of the entropy that active particles produce, in units of k_B [1/time], of all and per particle.

    m friction speed / T times the sum of e . dx/dt: what the drive does in work, divided by the temperature, where
    directions count as even under reversal of time [Pietzonka & Seifert 2018, J. Phys. A 51, 01LT01]. The noise in
    dx/dt, which has no mean along e, is left out.
    """

    kind: Literal["entropy_production"] = "entropy_production"
