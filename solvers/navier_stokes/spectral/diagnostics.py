"""What can be read off a vorticity field: velocity, pressure, energies, their budget and their spectrum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.spectral.modes import Modes

__all__ = ["Diagnostics"]


@dataclass(frozen=True)
class Diagnostics:
    """All are differentiable. Integrals are over the box, per unit of depth: a flow in two dimensions has no third one.

    push: force at amplitude 1 [batch, 2, nx, ny] in units of acceleration; None without forcing.
    """

    modes: Modes
    push: Tensor | None

    def integral(self, field: Tensor) -> Tensor:
        return field.mean((-2, -1)) * self.modes.area

    def velocity(self, vorticity: Tensor) -> tuple[Tensor, Tensor]:
        """u and v [batch, nx, ny]; the mean velocity is zero."""
        spectrum = self.modes.spectrum(vorticity)
        u, v = (self.modes.inverse(rotated * spectrum) for rotated in self.modes.velocity)
        return u, v

    def pressure(self, vorticity: Tensor, density: Tensor, stirring: Tensor) -> Tensor:
        """laplace(p) = density div(f - u.grad u), of zero mean [batch, nx, ny]; div(u.grad u) = 2 (u_x^2 + u_y v_x)."""
        spectrum = self.modes.spectrum(vorticity)
        d_x, d_y = self.modes.gradient
        along_x, along_y = self.modes.velocity
        u_x, u_y, v_x = (
            self.modes.inverse(d * r * spectrum) for d, r in ((d_x, along_x), (d_y, along_x), (d_x, along_y))
        )
        source = -self.modes.spectrum(2.0 * (u_x.square() + u_y * v_x))
        if self.push is not None:
            f_x, f_y = (self.modes.spectrum(self.push[:, axis]) for axis in (0, 1))
            source = source + stirring.view(-1, 1, 1) * (d_x * f_x + d_y * f_y)
        return density.view(-1, 1, 1) * self.modes.inverse(-self.modes.inverse_laplacian * source)

    def summary(
        self, vorticity: Tensor, density: Tensor, viscosity: Tensor, drag: Tensor, stirring: Tensor
    ) -> dict[str, Tensor]:
        """d(kinetic_energy)/dt = energy_input - dissipation holds exactly for the discrete equations."""
        modes, spectrum = self.modes, self.modes.spectrum(vorticity)
        spin = 0.5 * modes.area * torch.view_as_real(spectrum).square().sum(-1) * modes.parseval
        energy = density * (spin * modes.inverse_laplacian).sum((-2, -1))
        enstrophy = 0.5 * self.integral(vorticity.square())
        found = {
            "kinetic_energy": energy,
            "enstrophy": enstrophy,  # 1/2 integral of w^2
            "palinstrophy": (spin * modes.k_squared.to(spin.dtype)).sum((-2, -1)),
            "circulation": self.integral(vorticity),
            "dissipation": 2.0 * density * viscosity * enstrophy + 2.0 * drag * energy,  # by viscosity and by drag
            "momentum": torch.zeros_like(density)[:, None].expand(-1, 2),  # a vorticity has no mean flow
            "energy_input": torch.zeros_like(energy),
        }
        if self.push is not None:
            work = (spectrum.conj() * self.turning).real * modes.inverse_laplacian * modes.parseval
            found["energy_input"] = density * stirring * modes.area * work.sum((-2, -1))
        return found

    @cached_property
    def turning(self) -> Tensor:
        """Spectrum of the curl of the force at amplitude 1 [batch, K_y + 1, nx]."""
        assert self.push is not None
        (d_x, d_y), force = self.modes.gradient, self.modes.spectrum(self.push)
        return d_x * force[:, 1] - d_y * force[:, 0]

    @cached_property
    def shells(self) -> tuple[Tensor, Tensor]:
        """Shell of each mode [K_y + 1, nx], and the wavenumbers in the middle of the shells [shell] (1/length)."""
        unit = 2 * math.pi / max(self.modes.size)
        index = (torch.hypot(*self.modes.wavenumbers) / unit).round().to(torch.int64)
        index = torch.where(self.modes.kept, index, 0)
        return index.to(self.modes.device), torch.arange(int(index.max()) + 1, dtype=torch.float64) * unit

    def spectrum(self, vorticity: Tensor, density: Tensor) -> Tensor:
        """Kinetic energy in shells of |k| that are as wide as the wavenumber of the longest wave [batch, shell].

        The sum over the shells is the kinetic energy.
        """
        spectrum = self.modes.spectrum(vorticity)
        size = torch.view_as_real(spectrum).square().sum(-1)
        energy = 0.5 * self.modes.area * size * self.modes.inverse_laplacian * self.modes.parseval
        index, wavenumbers = self.shells
        batch = vorticity.shape[0]
        total = torch.zeros(batch, len(wavenumbers), dtype=energy.dtype, device=energy.device)
        return density[:, None] * total.index_add(1, index.flatten(), energy.flatten(1))
