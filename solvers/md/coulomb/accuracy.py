"""How Ewald's sum is split and cut so that forces have a tolerance [Kolafa & Perram 1992, Mol. Simul. 9, 351].

The tolerance is relative to the force 1/a^2 between unit charges at their mean distance a = (V/N)^(1/3). With a cutoff
r_c, s = alpha r_c and waves up to the number n = t alpha L / pi along an edge L, the errors of the forces are

    near  2 sqrt(a / r_c) exp(-s^2),    far  alpha a^2 / (pi L^2) sqrt(8 N / n) exp(-t^2).
"""

from __future__ import annotations

import math

__all__ = ["alpha_of", "balanced_cutoff", "mesh_points", "waves_of"]

SAFE = 0.2  # of the tolerance goes to each part; crystals add up errors that are random elsewhere
COST = 5.5  # of a wave, in pairs
# Error (alpha h)^p / C of the force, with p the order and h the spacing of the mesh, as measured on molten salt.
MESH = {4: 2.0, 5: 5.5, 6: 7.5, 7: 8.0, 8: 9.0, 9: 9.0, 10: 9.0}


def alpha_of(tolerance: float, cutoff: float, apart: float) -> float:
    """Splitting parameter alpha [1/length] that leaves pairs beyond the cutoff below the tolerance."""
    return math.sqrt(math.log(max(2.0 * math.sqrt(apart / cutoff) / (SAFE * tolerance), math.e))) / cutoff


def balanced_cutoff(tolerance: float, atoms: int, volume: float) -> float:
    """For which pairs and waves take the same time."""
    alpha = math.sqrt(math.pi) * (COST * atoms / volume**2) ** (1 / 6)
    return math.sqrt(math.log(2.0 / (SAFE * tolerance))) / alpha


def waves_of(tolerance: float, alpha: float, edges: tuple[float, ...], atoms: int, volume: float) -> tuple[int, ...]:
    """Highest number of a wave along each edge."""
    size = volume ** (1 / 3)
    scale = alpha * (size / atoms ** (1 / 3)) ** 2 / (math.pi * size**2) * math.sqrt(8.0 * atoms)
    t = 1.0
    for _ in range(20):
        n = max(t * alpha * size / math.pi, 1.0)
        t = math.sqrt(math.log(max(scale / math.sqrt(n) / (SAFE * tolerance), math.e)))
    return tuple(max(math.ceil(t * alpha * edge / math.pi), 1) for edge in edges)


def mesh_points(tolerance: float, alpha: float, order: int, edges: tuple[float, ...], spacing: float | None) -> tuple:
    """Points of the mesh along each edge; products of 2, 3, 5 and 7, which transforms are fast for."""
    h = spacing or (0.5 * MESH[order] * tolerance) ** (1.0 / order) / alpha
    return tuple(smooth(max(math.ceil(edge / h), order)) for edge in edges)


def smooth(number: int) -> int:
    while True:
        rest = number
        for prime in (2, 3, 5, 7):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return number
        number += 1
