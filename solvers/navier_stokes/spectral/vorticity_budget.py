"""How a flow in a periodic plane, known by its vorticity, keeps its laws: all from one transform of the vorticity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from scipy.fft import next_fast_len
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.spectral.advection import as_complex
from scenegrad.solvers.navier_stokes.spectral.modes import Modes
from scenegrad.solvers.navier_stokes.spectral.solver import SpectralSolver
from scenegrad.solvers.navier_stokes.spectral.state import VorticityState
from scenegrad.solvers.shared.roots import root

__all__ = ["VorticityBudget"]


@dataclass(frozen=True)
class VorticityBudget:
    """The same quantities as those of `FlowBudget`, with sums over modes in the place of those over samples,

        integral of f g = area sum_k Re(f_k* g_k),  u_k.v_k = w_k* z_k / |k|^2 of flows with vorticities w and z,

    and w_t = d_x d_y (u^2 - v^2) + (d_yy - d_xx) u v - drag w + viscosity laplace w + curl f, Basdevant's form, with
    products on so many cells that they keep all their modes [Basdevant 1983, J. Comput. Phys. 50, 209-214].
    """

    solver: SpectralSolver

    @property
    def modes(self) -> Modes:
        return self.solver.modes

    @property
    def forced(self) -> bool:
        return self.solver.stepper.pattern is not None

    @property
    def causes(self) -> tuple[str, ...]:
        return (*(("forcing",) if self.forced else ()), "drag", "viscosity")

    @property
    def units(self) -> Mapping[str, str]:
        found = {"divergence_max": "1/s", "divergence_rms": "1/s", "residual": "m/s^2", "wavenumber": "1/m"}
        found |= {"kinetic_energy": "J/m", "spectrum": "J/m", "enstrophy": "m^2/s^2", "palinstrophy": "1/s^2"}
        for cause in ("rate", *self.causes):
            found |= {f"energy_{cause}": "W/m", f"enstrophy_{cause}": "m^2/s^3"}
        return found

    # ---- modes of products of two fields: twice those that are carried, on cells where none has an alias

    @property
    def carried(self) -> tuple[int, int]:
        return self.modes.highest

    @cached_property
    def cells(self) -> tuple[int, int]:
        x, y = (next_fast_len(4 * k + 2, real=True) for k in self.carried)
        return x, y

    @cached_property
    def waves(self) -> tuple[Tensor, Tensor]:
        """Waves per edge of the modes of products, x [1, M_x] and y [2 K_y + 1, 1], float64 on the host."""
        n_x = torch.fft.fftfreq(self.cells[0], 1.0 / self.cells[0], dtype=torch.float64).round()
        return n_x[None, :], torch.arange(2 * self.carried[1] + 1, dtype=torch.float64)[:, None]

    @cached_property
    def tables(self) -> tuple[Tensor, ...]:
        """k_x, k_y, 1 / |k|^2 (0 for the mean) and weights of sums over all modes, of products; then which of them are
        carried too."""
        n_x, n_y = self.waves
        k_x, k_y = (n * (2 * math.pi / length) for n, length in zip((n_x, n_y), self.modes.size, strict=True))
        square = k_x.square() + k_y.square()
        inverse = torch.where(square > 0, 1.0 / square.clamp(min=1e-300), 0.0)
        real = (n_x.abs() <= 2 * self.carried[0]).to(torch.float64)
        weight = torch.where(n_y > 0, 2.0, 1.0) * real * self.modes.area
        kept = ((n_x.abs() <= self.carried[0]) & (n_y <= self.carried[1])).to(torch.float64)
        return tuple(self.modes.table(one) for one in (k_x, k_y, inverse, weight, kept))

    @cached_property
    def shells(self) -> tuple[Tensor, Tensor]:
        """Shell of each mode that is carried [K_y + 1, M_x], and the wavenumbers of the shells."""
        n_x, n_y = self.waves
        (x, y), unit = self.modes.size, 2 * math.pi / max(self.modes.size)
        k = torch.hypot(n_x * (2 * math.pi / x), n_y[: self.carried[1] + 1] * (2 * math.pi / y))
        index = (k / unit).round().to(torch.int64)
        index = torch.where((n_x.abs() <= self.carried[0]).expand_as(index), index, 0)
        return index.to(self.modes.device), torch.arange(int(index.max()) + 1, dtype=torch.float64) * unit

    def widened(self, spectrum: Tensor) -> Tensor:
        """Coefficients of waves along x as more cells have them: [..., K_y + 1, nx] -> [..., K_y + 1, M_x]."""
        (k, _), (n, m) = self.carried, (self.modes.cells[0], self.cells[0])
        none = spectrum.new_zeros(*spectrum.shape[:-1], m - 2 * k - 1)
        return torch.cat([spectrum[..., : k + 1], none, spectrum[..., n - k :]], dim=-1)

    def samples(self, coefficients: Tensor) -> Tensor:
        """[..., K_y + 1, M_x] -> [..., M_x, M_y]"""
        turned = torch.fft.ifft(coefficients, norm="forward").transpose(-2, -1)
        return torch.fft.irfft(turned, n=self.cells[1], norm="forward")

    def coefficients(self, field: Tensor) -> Tensor:
        """Of all modes of products [..., 2 K_y + 1, M_x]."""
        rows = 2 * self.carried[1] + 1
        return torch.fft.fft(torch.fft.rfft(field, norm="forward")[..., :rows].transpose(-2, -1), norm="forward")

    # ---- what there is to tell

    def __call__(self, state: VorticityState, params: Params) -> dict[str, Tensor]:
        flow, addresses = self.solver.flow(state, params), self.solver.addresses
        density, rows = params[addresses.density], slice(0, self.carried[1] + 1)
        k_x, k_y, inverse, weight, kept = self.tables
        inside = (inverse * kept)[rows], (weight * kept)[rows]
        w = self.widened(self.modes.spectrum(state.vorticity)) / math.prod(self.modes.cells)
        u, v = 1j * k_y[rows] * inside[0] * w, -1j * k_x * inside[0] * w
        flow_x, flow_y, gap = self.samples(torch.stack([u, v, 1j * (k_x * u + k_y[rows] * v)], dim=1)).unbind(1)
        product = self.coefficients(torch.stack([flow_x.square() - flow_y.square(), flow_x * flow_y], dim=1))
        moved = (k_x.square() - k_y.square()) * product[:, 1] - k_x * k_y * product[:, 0]

        spin = 0.5 * squared(w) * inside[1]  # what each mode has in the enstrophy
        energy = spin * inside[0]
        square = k_x.square() + k_y[rows].square()
        slow = -(flow.drag.view(-1, 1, 1) + flow.viscosity.view(-1, 1, 1) * square)
        parts = {}
        right = moved[:, rows] + slow * w
        if self.forced:
            assert self.solver.stepper.pattern is not None
            force = self.widened(as_complex(self.solver.stepper.pattern)) / math.prod(self.modes.cells)
            parts["forcing"] = flow.stirring.view(-1, 1, 1) * force
            right = right + parts["forcing"]
        found = {
            "divergence_max": gap.abs().flatten(1).amax(1),
            "divergence_rms": root(gap.square().flatten(1).mean(1)),
            "kinetic_energy": density * whole(energy),
            "energy_rate": density * whole(product_of(w, right) * inside[1] * inside[0]),
        }
        for law, sizes, scale, table in (
            ("energy", energy, density, inside[1] * inside[0]),
            ("enstrophy", spin, torch.ones_like(density), inside[1]),
        ):
            if law == "enstrophy":
                found |= {"enstrophy": whole(spin), "enstrophy_rate": whole(product_of(w, right) * table)}
            found |= {f"{law}_{cause}": scale * whole(product_of(w, part) * table) for cause, part in parts.items()}
            found[f"{law}_drag"] = -2.0 * scale * flow.drag * whole(sizes)
            found[f"{law}_viscosity"] = -2.0 * scale * flow.viscosity * whole(sizes * square)
        found["palinstrophy"] = whole(spin * square)
        index, wavenumbers = self.shells
        shells = energy.new_zeros(len(energy), len(wavenumbers)).index_add(1, index.flatten(), energy.flatten(1))
        found["spectrum"] = density[:, None] * shells
        cut = squared(moved) * (inverse * weight * (1.0 - kept) / self.modes.area)
        found["residual"] = root(whole(cut))
        return found


def whole(sizes: Tensor) -> Tensor:
    """Sum over the modes [batch]"""
    return sizes.flatten(1).sum(1)


def squared(spectrum: Tensor) -> Tensor:
    """|f|^2"""
    return spectrum.real.square() + spectrum.imag.square()


def product_of(a: Tensor, b: Tensor) -> Tensor:
    """Re(a* b)"""
    return a.real * b.real + a.imag * b.imag
