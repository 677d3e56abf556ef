"""How an incompressible flow in a periodic box keeps its laws, term by term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.spectral.equations.flow import FlowEquation
from scenegrad.solvers.navier_stokes.spectral.lattice import Lattice
from scenegrad.solvers.navier_stokes.spectral.modes import highest_mode
from scenegrad.solvers.navier_stokes.spectral.truncation import on_cells
from scenegrad.solvers.shared.roots import root

__all__ = ["FlowBudget"]


@dataclass(frozen=True)
class FlowBudget:
    """With the rates of change by each of its causes, u_t = sum_c a_c and all a_c free of divergence,

        d/dt density/2 integral u^2 = sum_c density integral u . a_c,
        d/dt 1/2 integral w^2 = sum_c integral w . curl a_c,   w = curl u.

    The rates on the left are those of the solver's own right-hand side and not sums of these terms, so that a budget
    that closes says something. It closes to rounding: integrals of products are exact on the modes that are carried.
    """

    equation: FlowEquation

    @property
    def lattice(self) -> Lattice:
        return self.equation.lattice

    @property
    def unforced(self) -> FlowEquation:
        return FlowEquation(self.lattice, self.equation.fluid, self.equation.tracers)

    @property
    def units(self) -> Mapping[str, str]:
        dim = self.lattice.dim
        depth = "/m" if dim == 2 else ""
        found = {"divergence_max": "1/s", "divergence_rms": "1/s", "residual": "m/s^2"}
        found |= {"kinetic_energy": f"J{depth}", "spectrum": f"J{depth}", "wavenumber": "1/m"}
        found |= {"enstrophy": f"m^{dim}/s^2", "palinstrophy": "m/s^2" if dim == 3 else "1/s^2"}
        for cause in ("rate", *self.causes):
            found[f"energy_{cause}"] = f"W{depth}"
        for cause in ("rate", *self.causes, "stretching"):
            found[f"enstrophy_{cause}"] = f"m^{dim}/s^3"
        return found

    @property
    def causes(self) -> tuple[str, ...]:
        forced = ("forcing",) if self.equation.push is not None else ()
        lifted = ("buoyancy",) if self.equation.buoyant else ()
        return (*forced, *lifted, "drag", "viscosity")

    def __call__(self, field: Tensor, params: Params) -> dict[str, Tensor]:
        """field: velocity, then tracers [batch, channel, *cells]."""
        grid, dim, equation = self.lattice, self.lattice.dim, self.equation
        density = params[f"{equation.fluid}.density"]
        spectrum = grid.forward(field)
        u = spectrum[:, :dim]
        w = equation.curl(u)
        energy, spin = (0.5 * self.sizes(one) for one in (u, w))
        parts = self.parts(spectrum, params)
        right = (equation.rate(spectrum, params) + equation.symbol(params).to(grid.dtype) * spectrum)[:, :dim]
        divergence = grid.inverse((grid.gradient * u).sum(1)).flatten(1)
        found = {
            "divergence_max": divergence.abs().amax(1),
            "divergence_rms": root(divergence.square().mean(1)),
            "kinetic_energy": density * whole(energy),
            "energy_rate": density * self.inner(u, right),
        }
        found |= {f"energy_{cause}": density * self.inner(u, part) for cause, part in parts.items()}
        found |= self.damped("energy", energy, density, params)
        found |= {"enstrophy": whole(spin), "enstrophy_rate": self.inner(w, equation.curl(right))}
        found |= {f"enstrophy_{cause}": self.inner(w, equation.curl(part)) for cause, part in parts.items()}
        found |= self.damped("enstrophy", spin, torch.ones_like(density), params)
        if dim == 3:
            found["enstrophy_stretching"] = self.inner(w, equation.curl(self.unforced.rate(spectrum, params)[:, :dim]))
        found["palinstrophy"] = whole(spin * grid.k_squared.to(grid.dtype))
        index, wavenumbers = grid.shells
        shells = energy.new_zeros(len(energy), len(wavenumbers)).index_add(1, index.flatten(), energy.flatten(1))
        found["spectrum"] = density[:, None] * shells
        found["residual"] = self.residual(u, w)
        return found

    def sizes(self, spectrum: Tensor) -> Tensor:
        """What each mode has in the integral of the square over the box [batch, *modes]."""
        return squared(spectrum).sum(1) * (self.lattice.weight * self.lattice.volume)

    def damped(self, law: str, sizes: Tensor, density: Tensor, params: Params) -> dict[str, Tensor]:
        """What drag and viscosity take of half of a square, mode by mode."""
        viscosity, drag = (params[f"{self.equation.fluid}.{name}"] for name in ("viscosity", "drag"))
        fast = whole(sizes * self.lattice.k_squared.to(sizes.dtype))
        return {
            f"{law}_drag": -2.0 * density * drag * whole(sizes),
            f"{law}_viscosity": -2.0 * density * viscosity * fast,
        }

    def parts(self, spectrum: Tensor, params: Params) -> dict[str, Tensor]:
        """Accelerations by what pushes the fluid [batch, dim, *modes]."""
        grid, dim, equation = self.lattice, self.lattice.dim, self.equation
        u = spectrum[:, :dim]
        found = {}
        if equation.push is not None:
            forced = FlowEquation(grid, equation.fluid, (), (), equation.push).force(u, params)
            assert forced is not None
            found["forcing"] = grid.solenoidal(grid.forward(forced.expand(len(u), -1, *grid.cells)))
        if equation.buoyant:
            lifting = FlowEquation(grid, equation.fluid, equation.tracers, equation.buoyant)
            lift = lifting.force(grid.inverse(spectrum[:, dim:]), params)
            assert lift is not None
            found["buoyancy"] = grid.solenoidal(grid.forward(lift))
        return found

    def residual(self, u: Tensor, w: Tensor) -> Tensor:
        """What u_t + w x u + grad P - viscosity laplace u + drag u - f is with the solver's own u_t: all is found again
        but for the modes of u x w that the 2/3 rule throws away, those of them without divergence. The root of the mean
        square over the box [batch] [m/s^2]."""
        grid, (weight, against, k) = self.lattice, self.beyond
        seen = [torch.fft.irfftn(on_cells(one, grid, self.more), s=self.more, dim=grid.axes) for one in (u, w)]
        u, w = seen[0].unbind(1), seen[1].unbind(1)
        if grid.dim == 2:
            turned = torch.stack([u[1] * w[0], -u[0] * w[0]], dim=1)
        else:
            turned = torch.linalg.cross(seen[0], seen[1], dim=1)
        cut = torch.fft.rfftn(turned, dim=grid.axes)
        along = torch.zeros_like(cut[:, 0])
        for one, number in zip(cut.unbind(1), k, strict=True):
            along = along + one * number
        everything, longitudinal = squared(cut).sum(1) * weight, squared(along) * against
        return root(whole(everything - longitudinal))

    @property
    def more(self) -> tuple[int, ...]:
        """Cells on which products of two fields keep all their modes apart."""
        return tuple(3 * n // 2 + n % 2 for n in self.lattice.cells)

    @cached_property
    def beyond(self) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Tables on the modes of those cells: weights of the modes that are not carried, the same over |k|^2, and the
        wavenumbers along each axis."""
        grid = self.lattice
        wide = Lattice(self.more, grid.size, grid.device, grid.dtype)
        cut = torch.zeros(wide.modes, dtype=torch.bool)
        for n, cells in zip(wide.indices, grid.cells, strict=True):
            cut |= n.abs() > highest_mode(cells)
        weight = wide.weight * cut.to(grid.device)
        against = weight / wide.k_squared.clamp(min=1e-300)
        return weight, against.to(grid.dtype), [k.to(grid.dtype) for k in wide.k]

    def inner(self, a: Tensor, b: Tensor) -> Tensor:
        """Integral of a . b over the box, from spectra [batch, component, *modes] -> [batch]."""
        products = (a.real * b.real + a.imag * b.imag).sum(1)
        return whole(products * self.lattice.weight) * self.lattice.volume


def whole(sizes: Tensor) -> Tensor:
    """Sum over the modes [batch]"""
    return sizes.flatten(1).sum(1)


def squared(spectrum: Tensor) -> Tensor:
    """|f|^2"""
    return spectrum.real.square() + spectrum.imag.square()
