"""Problems of design and of inference with few parameters and several targets, for surrogates of their outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from scenegrad.engine.reductions import Final
from scenegrad.engine.rollout import Rollout
from scenegrad.engine.state import Params
from scenegrad.scenes import (
    Body,
    Boundary,
    Box,
    CenterOfMass,
    Domain,
    Fluid,
    Force,
    Inflow,
    LogUniform,
    NeoHookean,
    NoSlip,
    Obstacle,
    Outflow,
    Parabolic,
    Parameter,
    Scene,
    Slip,
    Sphere,
    Stick,
    Time,
    Uniform,
)
from scenegrad.scenes.shapes import Union

__all__ = ["Drag", "Problem", "Stiffness", "marked"]

Objective = Callable[[Rollout[Any]], Tensor]
Penalty = Callable[[Params], Tensor]


class Problem(Protocol):
    """Outputs as functions of parameters, and objectives made of them."""

    @property
    def name(self) -> str: ...

    @property
    def bounds(self) -> tuple[float, float]: ...  # of each parameter

    @property
    def log(self) -> bool: ...

    def scene(self, values: Mapping[str, Any]) -> Scene: ...

    def objective(self, target: int, seen: Mapping[str, float]) -> tuple[Objective, Penalty | None]:
        """seen: the numbers at the hidden parameters of that target."""
        ...

    def hidden(self, target: int) -> dict[str, float]: ...

    @property
    def addresses(self) -> tuple[str, ...]: ...

    @property
    def numbers(self) -> tuple[Final, ...]: ...

    @property
    def drawn(self) -> Any: ...

    @property
    def start(self) -> float: ...


@dataclass(frozen=True)
class Stiffness:
    """A tower of soft blocks on sticky ground is pushed to one side: how stiff is each, from where they are after a
    while? Material points, plane strain, Neo-Hooke; sizes in m, moduli in Pa. noise: of the places seen."""

    blocks: int = 6
    cells: int = 16
    end: float = 0.3
    noise: float = 1e-3
    name: str = "stiffness"
    bounds: tuple[float, float] = (5e3, 5e4)
    log: bool = True

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(f"block{n}.material.youngs_modulus" for n in range(self.blocks))

    @property
    def numbers(self) -> tuple[Final, ...]:
        return tuple(Final(f"seen{n}.center_of_mass.{axis}") for n in range(self.blocks) for axis in range(2))

    @property
    def drawn(self) -> LogUniform:
        return LogUniform(*self.bounds)

    @property
    def start(self) -> float:
        return 1.5e4

    def scene(self, values: Mapping[str, Any]) -> Scene:
        side, size = 0.2, 0.2 * self.blocks + 0.4
        blocks = {
            f"block{n}": Body(
                shape=Box(center=(size / 2, 0.1 + side * (n + 0.5)), size=(side, side)),
                material=NeoHookean(youngs_modulus=values[address], density=1000.0),
                velocity=(1.0, 0.0),
            )
            for n, address in enumerate(self.addresses)
        }
        return Scene(
            name="tower",
            domain=Domain(size=(size, size), cells=(self.cells, self.cells)),
            entities=blocks,
            boundary=Boundary(y_lo=Stick(), default=Slip()),
            outputs={f"seen{n}": CenterOfMass(f"block{n}", every=self.end) for n in range(self.blocks)},
            time=Time(end=self.end, dt=0.004),
        )

    def hidden(self, target: int) -> dict[str, float]:
        random = torch.Generator().manual_seed(100 + target)
        share = 0.15 + 0.7 * torch.rand(self.blocks, generator=random)
        low, high = self.bounds
        return {a: low * (high / low) ** float(s) for a, s in zip(self.addresses, share, strict=True)}

    def objective(self, target: int, seen: Mapping[str, float]) -> tuple[Objective, None]:
        """Sum of the squares of the distances from where the blocks were seen, in units of the noise of that."""
        wanted = torch.tensor([seen[number.series] for number in self.numbers], dtype=torch.float64)
        random = torch.Generator().manual_seed(200 + target)
        wanted = wanted + self.noise * torch.randn(len(wanted), generator=random, dtype=torch.float64)

        def apart(roll: Rollout[Any]) -> Tensor:
            ends = torch.cat([roll.outputs[f"seen{n}"][:, -1] for n in range(self.blocks)], dim=1)
            return ((ends - wanted.to(ends)) / self.noise).square().sum(1)

        return apart, None


@dataclass(frozen=True)
class Drag:
    """A body of discs in a row in a channel: which radii give the least drag, at a wanted area? Sizes in m, drag in
    N/m; the targets are areas."""

    discs: int = 4
    cells: int = 16
    end: float = 0.75
    spacing: float = 0.08
    name: str = "drag"
    bounds: tuple[float, float] = (0.04, 0.12)
    log: bool = False
    areas: tuple[float, ...] = (0.05, 0.04, 0.06)

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(f"body.shape.parts.{n}.radius" for n in range(self.discs))

    @property
    def numbers(self) -> tuple[Final, ...]:
        return (Final("force.force.0"),)

    @property
    def drawn(self) -> Uniform:
        return Uniform(*self.bounds)

    @property
    def start(self) -> float:
        return 0.08

    @property
    def along(self) -> tuple[float, ...]:
        return tuple(0.6 + self.spacing * (n - 0.5 * (self.discs - 1)) for n in range(self.discs))

    def scene(self, values: Mapping[str, Any]) -> Scene:
        discs = zip(self.along, self.addresses, strict=True)
        parts = tuple(Sphere(center=(x, 0.5), radius=values[address]) for x, address in discs)
        return Scene(
            name="body",
            domain=Domain(size=(2.0, 1.0), cells=(2 * self.cells, self.cells)),
            entities={
                "water": Fluid(viscosity=0.02, velocity=(1.0, 0.0)),
                "body": Obstacle(shape=Union(parts=parts)),
            },
            boundary=Boundary(y=NoSlip(), x_lo=Inflow(Parabolic(1.5)), x_hi=Outflow()),
            outputs={"force": Force("body", every=self.end / 3)},
            time=Time(end=self.end),
        )

    def hidden(self, target: int) -> dict[str, float]:
        return dict.fromkeys(self.addresses, self.start)

    def objective(self, target: int, seen: Mapping[str, float]) -> tuple[Objective, Penalty]:
        """Drag at the end, and ten times the square of the relative error of the area."""
        wanted = self.areas[target % len(self.areas)]

        def area(params: Params) -> Tensor:
            radii = torch.stack([params[address] for address in self.addresses], dim=1)
            return 10.0 * (area_of(radii, self.along) / wanted - 1.0).square()

        return (lambda roll: roll.outputs["force"]["force"][:, -1, 0]), area


def area_of(radii: Tensor, along: tuple[float, ...], h: float = 0.01) -> Tensor:
    """Of unions of discs with centres on one line [batch], from the share of small squares that is inside."""
    x, y = torch.meshgrid(
        torch.arange(along[0] - 0.2, along[-1] + 0.2, h, dtype=radii.dtype),
        torch.arange(-0.2, 0.2, h, dtype=radii.dtype),
        indexing="ij",
    )
    middle = torch.tensor(along, dtype=radii.dtype)
    away = torch.hypot(x[..., None] - middle, y[..., None])
    depth = (radii[:, None, None] - away).amax(-1)
    return h * h * (depth / h + 0.5).clamp(0, 1).flatten(1).sum(1)


def marked(problem: Problem) -> Scene:
    """At the start, with everything that may change."""
    one = Parameter(problem.start, bounds=problem.bounds, transform="log" if problem.log else "identity")
    return problem.scene(dict.fromkeys(problem.addresses, one))
