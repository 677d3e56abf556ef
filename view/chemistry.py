"""Which element an atom is of, told from its mass, and the colours that chemists give to elements."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["ELEMENTS", "ELEMENT_COLOURS", "elements_of"]

MASSES = {  # symbol: atomic number, standard atomic weight [IUPAC 2021, Pure Appl. Chem. 94, 573], colour
    "H": (1, 1.008, "#d8d8d8"), "Li": (3, 6.94, "#b060e0"), "C": (6, 12.011, "#4a4a4a"), "N": (7, 14.007, "#3c5fd0"),
    "O": (8, 15.999, "#d43d3d"), "F": (9, 18.998, "#7fbf4d"), "Ne": (10, 20.180, "#7fd0dd"),
    "Na": (11, 22.990, "#8a5cc9"), "Mg": (12, 24.305, "#5a9a3c"), "Al": (13, 26.982, "#b0a0a0"),
    "Si": (14, 28.085, "#c0a070"), "P": (15, 30.974, "#e08a2a"), "S": (16, 32.06, "#d9b92b"),
    "Cl": (17, 35.45, "#3da63d"), "Ar": (18, 39.95, "#62b8c9"), "Ca": (20, 40.078, "#6a9a3a"),
    "Fe": (26, 55.845, "#c06a33"), "Ni": (28, 58.693, "#5fa05f"), "Cu": (29, 63.546, "#b87333"),
    "Zn": (30, 65.38, "#7d80b0"), "Br": (35, 79.904, "#973030"), "Kr": (36, 83.798, "#5aa5bb"),
    "Ag": (47, 107.868, "#a8a8b0"), "I": (53, 126.904, "#7a3a93"), "Xe": (54, 131.293, "#4090a8"),
    "Au": (79, 196.967, "#d4a72c"),
}  # fmt: skip
ELEMENTS = {number: symbol for symbol, (number, _, _) in MASSES.items()}
ELEMENT_COLOURS = {number: colour for number, _, colour in MASSES.values()}
CLOSE = 0.004  # of a mass: nearer than this it is meant


def elements_of(masses: NDArray[np.floating]) -> NDArray[np.int64] | None:
    """Atomic numbers [atom] of masses [g/mol]; None where some mass is of no element here."""
    known = np.array([mass for _, mass, _ in MASSES.values()])
    numbers = np.array([number for number, _, _ in MASSES.values()])
    apart = np.abs(np.asarray(masses, dtype=np.float64)[:, None] / known - 1)
    return numbers[apart.argmin(axis=1)] if np.all(apart.min(axis=1) < CLOSE) else None
