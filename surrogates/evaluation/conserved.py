"""Quantities of fields that a flow conserves or has a budget for: means, mass, momentum, energy, enstrophy.

Each is an object that says of which fields it is made. `value` is the mean over the box [batch, component], so that a
total is that times the volume; `scale` is a size of it that is never zero by chance [batch], by which errors are
divided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from scenegrad.surrogates.operators.names import Names

__all__ = [
    "QUANTITIES", "Enstrophy", "GasEnergy", "KineticEnergy", "Mass", "Mean", "Momentum", "Quantity", "VortexEnergy",
    "quantities_of",
]  # fmt: skip

Fields = Mapping[str, Tensor]

DENSITIES = ("density", "depth")  # what the mass of a gas, or of shallow water, is the mean of


class Quantity(Protocol):
    @property
    def name(self) -> str: ...

    def value(self, fields: Fields) -> Tensor: ...  # [batch, component]

    def scale(self, fields: Fields) -> Tensor: ...  # [batch]


@dataclass(frozen=True)
class Mean:
    """<f>: of a density the mass in a unit of volume, of a tracer or of heat how much there is of it. Its scale is the
    root mean square of f. components: of a vector."""

    field: str
    components: int = 0

    @property
    def name(self) -> str:
        return f"mean {self.field}"

    def value(self, fields: Fields) -> Tensor:
        return points(fields[self.field], self.components).mean(dim=1)

    def scale(self, fields: Fields) -> Tensor:
        return points(fields[self.field], self.components).square().sum(dim=2).mean(dim=1).sqrt()


@dataclass(frozen=True)
class Mass(Mean):
    """<rho> of a gas, <h> of shallow water."""

    field: str = "density"

    @property
    def name(self) -> str:
        return "mass"


@dataclass(frozen=True)
class KineticEnergy:
    """<|u|^2> / 2 of a velocity; with a density, <rho |u|^2> / 2."""

    velocity: str = "velocity"
    density: str | None = None
    components: int = 2

    @property
    def name(self) -> str:
        return "kinetic energy"

    def value(self, fields: Fields) -> Tensor:
        square = points(fields[self.velocity], self.components).square().sum(dim=2, keepdim=True)
        weight = 1.0 if self.density is None else points(fields[self.density])
        return (0.5 * weight * square).mean(dim=1)

    def scale(self, fields: Fields) -> Tensor:
        return self.value(fields)[:, 0]


@dataclass(frozen=True)
class Momentum:
    """<rho u>. Its scale is <rho |u|>."""

    density: str = "density"
    velocity: str = "velocity"
    components: int = 2

    @property
    def name(self) -> str:
        return "momentum"

    def value(self, fields: Fields) -> Tensor:
        return (points(fields[self.density]) * points(fields[self.velocity], self.components)).mean(dim=1)

    def scale(self, fields: Fields) -> Tensor:
        speed = points(fields[self.velocity], self.components).norm(dim=2, keepdim=True)
        return (points(fields[self.density]) * speed).mean(dim=(1, 2))


@dataclass(frozen=True)
class GasEnergy:
    """<rho |u|^2 / 2 + p / (gamma - 1)> of an ideal gas."""

    gamma: float = 1.4
    density: str = "density"
    velocity: str = "velocity"
    pressure: str = "pressure"
    components: int = 2

    @property
    def name(self) -> str:
        return "total energy"

    def value(self, fields: Fields) -> Tensor:
        moving = KineticEnergy(self.velocity, self.density, self.components).value(fields)
        return moving + points(fields[self.pressure]).mean(dim=1) / (self.gamma - 1.0)

    def scale(self, fields: Fields) -> Tensor:
        return self.value(fields)[:, 0]


@dataclass(frozen=True)
class Enstrophy:
    """<omega^2> / 2 of a vorticity."""

    vorticity: str = "vorticity"

    @property
    def name(self) -> str:
        return "enstrophy"

    def value(self, fields: Fields) -> Tensor:
        return 0.5 * points(fields[self.vorticity]).square().mean(dim=1)

    def scale(self, fields: Fields) -> Tensor:
        return self.value(fields)[:, 0]


@dataclass(frozen=True)
class VortexEnergy:
    """Kinetic energy of the plane periodic flow of a vorticity, sum over k != 0 of |omega_k|^2 / (2 |k|^2).

    size: edge lengths of the box [length]; of 2 pi each unless said, which changes a constant factor of square boxes.
    """

    vorticity: str = "vorticity"
    size: tuple[float, float] = (2.0 * torch.pi, 2.0 * torch.pi)

    @property
    def name(self) -> str:
        return "kinetic energy"

    def value(self, fields: Fields) -> Tensor:
        omega = fields[self.vorticity]
        power = torch.fft.fft2(omega, norm="forward").abs().square()
        axes = [
            2.0 * torch.pi / length * torch.fft.fftfreq(n, 1.0 / n, dtype=power.dtype, device=power.device)
            for n, length in zip(omega.shape[1:], self.size, strict=True)
        ]
        square = axes[0][:, None].square() + axes[1].square()
        square[0, 0] = torch.inf
        return 0.5 * (power / square).flatten(1).sum(dim=1, keepdim=True)

    def scale(self, fields: Fields) -> Tensor:
        return self.value(fields)[:, 0]


QUANTITIES = (Mean, Mass, KineticEnergy, Momentum, GasEnergy, Enstrophy, VortexEnergy)


def quantities_of(
    names: Names, dim: int, size: Sequence[float] | None = None, gamma: float | None = None
) -> tuple[Quantity, ...]:
    """Those that are known by the names of the outputs of a model. dim: of the grid. size: edge lengths of the box, and
    gamma of the gas, where they are known."""
    outputs = set(names.outputs)
    weight = next((name for name in DENSITIES if name in outputs), None)
    found: list[Quantity] = [
        Mass(name) if name == weight else Mean(name, names.components.get(name, 0)) for name in names.outputs
    ]
    if "velocity" in outputs:
        components = names.size("velocity")
        found.append(KineticEnergy("velocity", weight, components))
        if weight:
            found.append(Momentum(weight, "velocity", components))
        if gamma is not None and {"density", "pressure"} <= outputs:
            found.append(GasEnergy(gamma, components=components))
    if "vorticity" in outputs and "vorticity" not in names.components:
        found.append(Enstrophy())
        if dim == 2 and "velocity" not in outputs:
            found.append(VortexEnergy(size=(size[0], size[1])) if size is not None else VortexEnergy())
    return tuple(found)


def points(field: Tensor, components: int = 0) -> Tensor:
    """[batch, point, component], a scalar with one component."""
    return field.flatten(1, -2) if components else field.flatten(1).unsqueeze(-1)
