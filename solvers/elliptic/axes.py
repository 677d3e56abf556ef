"""One axis of a uniform grid, and the functions in which its second difference is diagonal."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Literal

import numpy as np

__all__ = ["Axis", "End", "Symbol"]

End = Literal["periodic", "neumann", "dirichlet", "node"]
Symbol = Literal["stencil", "spectral"]


@dataclass(frozen=True)
class Axis:
    """`count` unknowns, `spacing` apart [m], and what holds beyond the first and the last of them.

    - "periodic" (both ends): after the last comes the first.
    - "neumann": a wall half a spacing beyond the unknown, no slope there: the ghost is the unknown itself.
    - "dirichlet": a wall half a spacing beyond, the value zero there: the ghost is minus the unknown.
    - "node": the value zero a whole spacing beyond, on the wall itself.

    So cells between walls are Axis(n, h, "neumann", "neumann") for a pressure and Axis(n, h, "dirichlet", "dirichlet")
    for a velocity along the wall; a velocity that stands upon the wall lives on the n - 1 faces between,
    Axis(n - 1, h, "node", "node"), and with an outflow at the end on n of them, Axis(n, h, "node", "neumann").
    """

    count: int
    spacing: float
    lo: End = "periodic"
    hi: End = "periodic"

    def __post_init__(self) -> None:
        if (self.lo == "periodic") != (self.hi == "periodic"):
            raise ValueError(f"an axis is periodic at both ends or at none; got lo={self.lo!r}, hi={self.hi!r}")
        if self.count < 1 or not self.spacing > 0.0:
            raise ValueError(f"an axis needs an unknown and a spacing > 0; got {self.count} and {self.spacing}")

    @property
    def periodic(self) -> bool:
        return self.lo == "periodic"

    @property
    def floats(self) -> bool:
        """Whether a constant is in the null space of the second difference."""
        return self.periodic or self.lo == self.hi == "neumann"

    @property
    def phases(self) -> np.ndarray:
        """Angle by which each eigenfunction turns from one unknown to the next [count], real basis."""
        n = self.count
        if self.periodic:
            return 2.0 * pi / n * np.array([(k + 1) // 2 for k in range(n)])
        length = n - 1 + sum(1.0 if end == "node" else 0.5 for end in (self.lo, self.hi))
        even = (self.lo == "neumann") + (self.hi == "neumann")
        return pi / length * (np.arange(n) + {0: 1.0, 1: 0.5, 2: 0.0}[even])

    def eigenvalues(self, symbol: Symbol = "stencil") -> np.ndarray:
        """Of -d2/dx2 [count] [1/m^2]: of the second difference, or of the derivative itself."""
        return symbol_of(self.phases, symbol) / self.spacing**2

    def half_spectrum(self, symbol: Symbol = "stencil") -> np.ndarray:
        """The same for the frequencies 0 ... count // 2 of a real Fourier transform."""
        return symbol_of(2.0 * pi / self.count * np.arange(self.count // 2 + 1), symbol) / self.spacing**2

    def spectrum(self, symbol: Symbol = "stencil") -> np.ndarray:
        """The same in the order of a complex Fourier transform."""
        return symbol_of(2.0 * pi * np.fft.fftfreq(self.count), symbol) / self.spacing**2

    @property
    def basis(self) -> np.ndarray:
        """Orthonormal eigenfunctions as columns [count, count]."""
        j = np.arange(self.count)[:, None]
        if self.periodic:
            even = np.array([k % 2 == 1 or k == 0 for k in range(self.count)])
            waves = np.where(even, np.cos(self.phases * j), np.sin(self.phases * j))
        elif self.lo == "neumann":
            waves = np.cos(self.phases * (j + 0.5))
        else:
            waves = np.sin(self.phases * (j + (1.0 if self.lo == "node" else 0.5)))
        return waves / np.linalg.norm(waves, axis=0)


def symbol_of(phase: np.ndarray, symbol: Symbol) -> np.ndarray:
    return phase**2 if symbol == "spectral" else 4.0 * np.sin(0.5 * phase) ** 2
