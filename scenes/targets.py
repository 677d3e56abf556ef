"""Energy landscapes that samplers are tried on, and the wells and biases that sampling makes use of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenegrad.scenes.entity import Entity
from scenegrad.scenes.values import NonNegative, Positive, Scalar, Vector

__all__ = [
    "Confinement", "DistanceBias", "DoubleWellPairs", "HarmonicWell", "LennardJonesPairs", "Oscillator",
]  # fmt: skip


class DoubleWellPairs(Entity):
    """U = sum_{i<j} [a (r - d0)^4 + b (r - d0)^2 + c] of every two atoms, at any distance. The numbers are those of the
    target DW4: two wells, at d0 -+ sqrt(-b / 2a), where b is negative. [Kohler, Klein & Noe 2020]
    """

    kind: Literal["double_well_pairs"] = "double_well_pairs"
    a: Positive = 0.9  # [energy/length^4]
    b: Scalar = -4.0  # [energy/length^2]
    c: Scalar = 0.0  # [energy]
    d0: Positive = 4.0  # [length]


class LennardJonesPairs(Entity):
    """U = sum epsilon [(rm/r)^12 - 2 (rm/r)^6], at any distance.

    pairs: "unordered" is the physical sum over i < j; "ordered" counts every pair twice, as the published samples of
    LJ13 and LJ55 do, which makes its wells twice as deep. rm: where a pair has its least energy, 2^(1/6) sigma.
    """

    kind: Literal["lennard_jones_pairs"] = "lennard_jones_pairs"
    pairs: Literal["ordered", "unordered"]
    epsilon: Positive = 1.0  # [energy]
    rm: Positive = 1.0  # [length]


class Oscillator(Entity):
    """U = stiffness/2 sum_i |x_i - mean(x)|^2: holds a cluster together, wherever it goes."""

    kind: Literal["oscillator"] = "oscillator"
    stiffness: Positive = 1.0  # [energy/length^2]


class HarmonicWell(Entity):
    """U = stiffness/2 sum_i |x_i - center|^2, of all atoms or of those of one species."""

    kind: Literal["harmonic_well"] = "harmonic_well"
    stiffness: Positive = 1.0  # [energy/length^2]
    center: Vector  # [length]
    of: str | None = None  # name of the Atoms


class Confinement(Entity):
    """U = stiffness/2 sum_i (|x_i - mean(x)| - radius)^2 of atoms further out than the radius: a soft wall that keeps
    what evaporates from a cluster near it."""

    kind: Literal["confinement"] = "confinement"
    radius: Positive  # [length]
    stiffness: Positive = 100.0  # [energy/length^2]


class DistanceBias(Entity):
    """U = stiffness/2 (|x_i - x_j| - center)^2 of two atoms, by their numbers: the bias of umbrella sampling."""

    kind: Literal["distance_bias"] = "distance_bias"
    atoms: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] = (0, 1)
    center: NonNegative  # [length]
    stiffness: NonNegative  # [energy/length^2]
