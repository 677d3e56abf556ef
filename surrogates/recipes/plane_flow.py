"""Plane periodic flows told by their vorticity or by their velocity, on the grid of a solver or on a coarser one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from scenegrad.surrogates.data.derived import Derived
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.resampling import fourier_resample
from scenegrad.surrogates.scales import Scales

__all__ = ["AsVorticity", "Filtered", "velocity_of", "vorticity_of"]

VORTICITY = Names(("vorticity",), ("vorticity",))


def velocity_of(vorticity: Tensor) -> Tensor:
    """The flow without mean whose curl this is [batch, nx, ny, 2], in a box of edge 2 pi: u = (d/dy, -d/dx) of the
    stream function that solves -lap psi = vorticity."""
    kx, ky = wavenumbers(vorticity)
    square = kx.square() + ky.square()
    psi = torch.fft.rfft2(vorticity) / torch.where(square == 0.0, torch.inf, square)
    grid = vorticity.shape[1:]
    return torch.stack([torch.fft.irfft2(1j * ky * psi, s=grid), torch.fft.irfft2(-1j * kx * psi, s=grid)], dim=-1)


def vorticity_of(velocity: Tensor) -> Tensor:
    """dv/dx - du/dy [batch, nx, ny], in a box of edge 2 pi."""
    u, v = velocity.unbind(-1)
    kx, ky = wavenumbers(u)
    return torch.fft.irfft2(1j * (kx * torch.fft.rfft2(v) - ky * torch.fft.rfft2(u)), s=u.shape[1:])


def wavenumbers(like: Tensor) -> tuple[Tensor, Tensor]:
    """Of a real transform; the highest of an even grid, whose slope is not known, is 0."""
    nx, ny = like.shape[1:]
    kx = torch.fft.fftfreq(nx, 1.0 / nx, dtype=like.dtype, device=like.device)
    ky = torch.fft.rfftfreq(ny, 1.0 / ny, dtype=like.dtype, device=like.device)
    for k, n in ((kx, nx), (ky, ny)):
        if n % 2 == 0:
            k[n // 2] = 0.0
    return kx[:, None], ky[None, :]


@dataclass(frozen=True)
class Filtered(Derived):
    """The vorticity of an ensemble on a coarser grid, without the waves that it cannot hold, and the velocity there."""

    cells: int

    @property
    def probes(self) -> Sequence[str]:
        return ["fields"]

    @property
    def hash(self) -> str:
        return hashlib.sha256(f"{self.data.hash} filtered to {self.cells}".encode()).hexdigest()

    def quantities(self, probe: str) -> Iterable[str]:
        return ["vorticity", "velocity"]

    def read(self, member: int, probe: str, quantity: str, frames: slice = slice(None)) -> np.ndarray:
        whole = torch.from_numpy(np.ascontiguousarray(self.data.read(member, probe, "vorticity", frames)))
        vorticity = fourier_resample(whole, (self.cells, self.cells))
        return (vorticity if quantity == "vorticity" else velocity_of(vorticity)).numpy()


class AsVorticity(nn.Module):
    """A model of velocities as one of vorticities, so that it stands beside models and solvers that speak of them."""

    objective, names = None, VORTICITY

    def __init__(self, model: Dressed):
        super().__init__()
        self.model, self.dt, self.grid = model, model.dt, model.grid

    @property
    def scales(self) -> Scales:
        return self.model.scales

    def forward(
        self,
        state: Mapping[str, Tensor],
        params: Mapping[str, Tensor],
        dt: Tensor,
        geometry: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        after = self.model({"velocity": velocity_of(state["vorticity"])}, params, dt, geometry)
        return {"vorticity": vorticity_of(after["velocity"])}

    def config(self) -> dict[str, Any]:
        return self.model.config()
