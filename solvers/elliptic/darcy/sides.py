"""What the sides of the box do to the flow in a porous medium."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.domain import AXES, Periodic, SideCondition, Slip
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.sides import Inflow, NoSlip, Outflow
from scenegrad.scenes.values import Choice, LogUniform, Normal, Parameter, Uniform
from scenegrad.solvers.elliptic.axes import Axis, End
from scenegrad.solvers.elliptic.diffusion import Side

__all__ = ["ENDS", "Sides", "axes_of", "condition", "side_troubles", "sides_of"]

ENDS: tuple[Literal["lo", "hi"], ...] = ("lo", "hi")


@dataclass(frozen=True)
class Sides:
    """Where the numbers that sides impose are found in Params: pressures, and speeds of what comes in."""

    addresses: Mapping[Side, str]

    def values(self, params: Params) -> dict[Side, Tensor]:
        return {side: params[address] for side, address in self.addresses.items()}


def condition(scene: Scene, axis: int, end: Literal["lo", "hi"]) -> tuple[str, SideCondition | None]:
    """Where the condition of a side stands in the scene, and what it is."""
    for name in (f"{AXES[axis]}_{end}", AXES[axis], "default"):
        if (found := getattr(scene.boundary, name)) is not None:
            return f"boundary.{name}", found
    return f"boundary.{AXES[axis]}_{end}", Periodic() if scene.domain.wraps[axis] else None


def axes_of(scene: Scene) -> tuple[Axis, ...]:
    assert scene.domain.cells is not None
    assert scene.domain.size is not None
    found = []
    for axis, (count, length) in enumerate(zip(scene.domain.cells, scene.domain.size, strict=True)):
        lo, hi = (end_of(condition(scene, axis, end)[1]) for end in ENDS)
        found.append(Axis(count, length / count, lo, hi))
    return tuple(found)


def end_of(given: SideCondition | None) -> End:
    if isinstance(given, Periodic):
        return "periodic"
    return "dirichlet" if isinstance(given, Outflow) else "neumann"


def sides_of(scene: Scene) -> Sides:
    found: dict[Side, str] = {}
    for axis in range(scene.dim):
        for end in ENDS:
            address, given = condition(scene, axis, end)
            if isinstance(given, Outflow):
                found[axis, end] = f"{address}.pressure"
            elif isinstance(given, Inflow):
                found[axis, end] = f"{address}.velocity"
    return Sides(found)


def side_troubles(scene: Scene) -> Iterator[tuple[str, str]]:
    for axis in range(scene.dim):
        ends = [condition(scene, axis, end) for end in ENDS]
        around = [isinstance(given, Periodic) for _, given in ends]
        if any(around) and not all(around):
            yield ends[around.index(False)][0], "the other side is periodic, and so must this one be"
        elif scene.domain.wraps[axis] and (told := ends[0][1]) is not None and not any(around):
            yield ends[0][0], f"is {told.kind}, but the domain wraps along {AXES[axis]}; leave one of them out"
        for address, given in ends:
            if not isinstance(given, Periodic | Outflow | Inflow | Slip | NoSlip):
                kind = "has no condition" if given is None else f"is {given.kind}"
                yield address, f"{kind}; a porous medium has outflow, inflow, slip, no_slip or periodic sides"
            number = float | int | Parameter | Uniform | LogUniform | Normal | Choice
            if isinstance(given, Inflow) and not isinstance(given.velocity, number):
                yield f"{address}.velocity", "is a speed along the inward normal here: one number"
