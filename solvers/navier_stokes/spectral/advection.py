"""The nonlinear term of the vorticity equation, and its transpose.

-u.grad w = (k_x^2 - k_y^2) F[u v] + k_x k_y F[v^2 - u^2]  in Fourier space: Basdevant's form, two transforms there and
two back [Basdevant 1983, J. Comput. Phys. 50, 209-214]. Products of modes within the 2/3 mask leave no alias on it.

Cotangents of spectra are kept as the spectrum F[g] of the cotangent g of the samples. Then the transpose of a
multiplier is its conjugate, that of a product is a product, and no transform needs weights.
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.spectral.modes import Modes

__all__ = ["Advection", "as_complex", "as_pairs"]


def as_pairs(spectrum: Tensor) -> Tensor:
    """Real and imaginary part along a last axis: real factors then cost half of what they do on complex numbers."""
    return torch.view_as_real(spectrum)


def as_complex(pairs: Tensor) -> Tensor:
    return torch.view_as_complex(pairs)


class Advection:
    """The two halves of -u.grad w, spectrum -> velocity -> spectrum, and the way back through both."""

    def __init__(self, modes: Modes):
        self.modes = modes

    @cached_property
    def rotated(self) -> Tensor:
        """The multipliers of u and v [2, 1, K_y + 1, nx]."""
        return torch.stack(self.modes.velocity)[:, None]

    @cached_property
    def strain(self) -> tuple[Tensor, Tensor]:
        """k_x^2 - k_y^2 and k_x k_y on the modes that are carried, as pairs."""
        k_x, k_y = self.modes.wavenumbers
        tables = ((k_x**2 - k_y**2) * self.modes.kept, k_x * k_y * self.modes.kept)
        normal, shear = (self.modes.table(torch.stack([t, t], dim=-1)) for t in tables)
        return normal, shear

    def velocity(self, vorticity: Tensor) -> Tensor:
        """u and v at the samples [2, batch, nx, ny] of the spectrum of a vorticity."""
        return self.modes.inverse(self.rotated * vorticity)

    def rate(self, velocity: Tensor) -> Tensor:
        """Spectrum of -u.grad w as pairs [batch, K_y + 1, nx, 2]."""
        u, v = velocity
        products = torch.empty_like(velocity)
        torch.mul(u, v, out=products[0])
        torch.mul(v, v, out=products[1]).addcmul_(u, u, value=-1.0)
        mixed, difference = as_pairs(self.modes.forward(products))
        normal, shear = self.strain
        return torch.mul(mixed, normal).addcmul_(difference, shear)

    def transposed(self, velocity: Tensor, cotangent: Tensor) -> Tensor:
        """Cotangent of the vorticity's spectrum, given that of the rate of change (both as pairs)."""
        u, v = velocity
        normal, shear = self.strain
        weighed = torch.empty((2, *cotangent.shape), dtype=cotangent.dtype, device=cotangent.device)
        torch.mul(cotangent, normal, out=weighed[0])
        torch.mul(cotangent, shear, out=weighed[1])
        mixed, difference = self.modes.inverse(as_complex(weighed))
        back = torch.empty_like(velocity)
        torch.mul(v, mixed, out=back[0]).addcmul_(u, difference, value=-2.0)
        torch.mul(u, mixed, out=back[1]).addcmul_(v, difference, value=2.0)
        spectra = self.modes.forward(back).mul_(self.rotated.conj())
        return as_pairs(spectra[0].add_(spectra[1]))
