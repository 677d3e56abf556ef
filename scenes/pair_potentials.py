"""Potentials between every two atoms."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenegrad.scenes.entity import Entity
from scenegrad.scenes.model import Model
from scenegrad.scenes.values import Positive, Scalar

__all__ = ["WCA", "BornMayerHuggins", "Buckingham", "LennardJones", "Morse", "PairPotential", "SoftSphere", "Yukawa"]


class PairPotential(Model):
    """What every pair potential has; mixed into the entity that names its parameters.

    cut: how it ends at the cutoff. "force-shift" subtracts the force and the energy there linearly, so that both end
    smoothly; "switch" brings the energy to zero over the last tenth with two continuous derivatives; "plain" just
    stops, which leaves the gradient of a trajectory wrong by the jumps.
    between: the two species it acts on; without it, every two species that no other potential of its kind names.
    Potentials of several kinds add up.
    """

    cutoff: Annotated[float, Field(gt=0)] = 2.5  # [length]
    cut: Literal["force-shift", "switch", "plain", "none"] = "force-shift"
    between: tuple[str, str] | None = None


class LennardJones(PairPotential, Entity):
    """u(r) = 4 epsilon [(sigma/r)^12 - (sigma/r)^6] up to the cutoff."""

    kind: Literal["lennard_jones"] = "lennard_jones"
    cut: Literal["force-shift", "switch", "plain"] = "force-shift"
    epsilon: Positive = 1.0  # [energy]
    sigma: Positive = 1.0  # [length]


class WCA(PairPotential, Entity):
    """The repulsion of Lennard-Jones alone: it ends by itself, with its force, at 2^(1/6) sigma, which is 1.12 sigma.

    cutoff: how far neighbours are looked for; sigma may be varied for as long as the potential ends before that.
    """

    kind: Literal["wca"] = "wca"
    cutoff: Annotated[float, Field(gt=0)] = 1.25  # [length]
    cut: Literal["none"] = "none"
    epsilon: Positive = 1.0  # [energy]
    sigma: Positive = 1.0  # [length]


class Morse(PairPotential, Entity):
    """u(r) = depth [(1 - exp(-alpha (r - r0)))^2 - 1] up to the cutoff."""

    kind: Literal["morse"] = "morse"
    cut: Literal["force-shift", "switch", "plain"] = "force-shift"
    depth: Positive = 1.0  # [energy]
    alpha: Positive = 6.0  # [1/length]
    r0: Positive = 1.0  # [length]


class Buckingham(PairPotential, Entity):
    """u(r) = repulsion exp(-r / decay) - dispersion / r^6 up to the cutoff.

    At short distances the second part wins and atoms fall into each other; it is for atoms that charges or low
    temperatures keep away from there.
    """

    kind: Literal["buckingham"] = "buckingham"
    cut: Literal["force-shift", "switch", "plain"] = "force-shift"
    repulsion: Positive  # [energy]
    decay: Positive  # [length]
    dispersion: Scalar = 0.0  # [energy length^6]


class BornMayerHuggins(PairPotential, Entity):
    """u(r) = repulsion exp((size - r) / decay) - dispersion / r^6 - quadrupole / r^8 up to the cutoff, for ions.

    At short distances, as with `Buckingham`, the last two win; ions stay away from there.
    """

    kind: Literal["born_mayer_huggins"] = "born_mayer_huggins"
    cut: Literal["force-shift", "switch", "plain"] = "force-shift"
    repulsion: Positive  # [energy]
    size: Positive  # sum of the radii of the two ions [length]
    decay: Positive  # [length]
    dispersion: Scalar = 0.0  # [energy length^6]
    quadrupole: Scalar = 0.0  # [energy length^8]


class SoftSphere(PairPotential, Entity):
    """u(r) = epsilon (sigma/r)^exponent up to the cutoff."""

    kind: Literal["soft_sphere"] = "soft_sphere"
    cut: Literal["force-shift", "switch", "plain"] = "force-shift"
    epsilon: Positive = 1.0  # [energy]
    sigma: Positive = 1.0  # [length]
    exponent: Positive = 12.0


class Yukawa(PairPotential, Entity):
    """u(r) = strength exp(-screening r) / r up to the cutoff."""

    kind: Literal["yukawa"] = "yukawa"
    cut: Literal["force-shift", "switch", "plain"] = "force-shift"
    strength: Scalar  # [energy length]
    screening: Positive  # [1/length]
