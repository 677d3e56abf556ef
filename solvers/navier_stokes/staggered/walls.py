"""From the conditions of a scene to the sides of a staggered grid, and what is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from scenegrad.scenes.domain import AXES, Periodic, SideCondition, Slip
from scenegrad.scenes.quantities import Parabolic, Profile, Samples, Through
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.sides import Inflow, NoSlip, Outflow
from scenegrad.scenes.signals import Signal, Sine, Table
from scenegrad.scenes.values import number, vector
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.sides import HI, LO, Side, Sides, TracerSide
from scenegrad.solvers.navier_stokes.staggered.sources import Source, learnable_at, profile_of

__all__ = ["condition", "kinds_of", "learnable_sides", "periodic_axes", "side_troubles", "sides_of", "structure_of"]

ENDS = ("lo", "hi")
KNOWN = (Periodic, NoSlip, Slip, Inflow, Outflow)


def condition(scene: Scene, axis: int, side: int) -> tuple[str, SideCondition | None]:
    """Where the condition of a side stands in the scene, and what it is. axis: 0, 1 or 2."""
    for name in (f"{AXES[axis]}_{ENDS[side]}", AXES[axis], "default"):
        if (found := getattr(scene.boundary, name)) is not None:
            return f"boundary.{name}", found
    return f"boundary.{AXES[axis]}_{ENDS[side]}", Periodic() if scene.domain.wraps[axis] else None


def periodic_axes(scene: Scene) -> tuple[bool, ...]:
    return tuple(isinstance(condition(scene, axis, LO)[1], Periodic) for axis in range(scene.dim))


def sides_of(scene: Scene, grid: Grid, tracers: Sequence[str]) -> Sides:
    found = {}
    for axis in range(grid.dim):
        for side in (LO, HI):
            address, given = condition(scene, axis, side)
            found[axis - grid.dim, side] = side_of(address, given, grid, axis - grid.dim, side, tracers)
    return Sides(grid, found)


def side_of(
    address: str, given: SideCondition | None, grid: Grid, axis: int, side: int, tracers: Sequence[str]
) -> Side:
    def source(where: str, value: Any, sign: float = 1.0) -> Source:
        return Source(where, value, grid.dim, grid.dtype, profile_of(grid, axis, value), sign)

    def tracer(name: str) -> TracerSide:
        value = getattr(given, "carried", {}).get(name)
        where = f"{address}.carried.{name}"
        if isinstance(value, Through):
            return TracerSide("flux", source(f"{where}.value", value.value))
        if value is not None:
            return TracerSide("value", source(where, value))
        return TracerSide("value") if isinstance(given, Inflow) else TracerSide()  # it brings nothing of the unnamed

    carried = tuple(tracer(name) for name in tracers)
    match given:
        case NoSlip() if given.velocity is not None:
            entries = enumerate(given.velocity)
            moves = tuple(None if still(v) else source(f"{address}.velocity.{n}", v) for n, v in entries)
            return Side("wall", moves, None, carried)
        case NoSlip():
            return Side("wall", (None,) * grid.dim, None, carried)
        case Slip():
            return Side("slip", (None,) * grid.dim, None, carried)
        case Outflow():
            value = None if still(given.pressure) else source(f"{address}.pressure", given.pressure)
            return Side("outflow", (None,) * grid.dim, value, carried)
        case Inflow() if isinstance(given.velocity, tuple):
            along = tuple(source(f"{address}.velocity.{n}", v) for n, v in enumerate(given.velocity))
            return Side("inflow", along, None, carried)
        case Inflow():
            inward = source(f"{address}.velocity", given.velocity, 1.0 if side == LO else -1.0)
            return Side("inflow", tuple(inward if a == axis else None for a in grid.axes), None, carried)
        case _:
            return Side("periodic", (None,) * grid.dim, None, carried)


def still(value: Any) -> bool:
    """A plain zero, which needs no arithmetic."""
    return isinstance(value, int | float) and value == 0


def side_sources(sides: Sides) -> Iterator[Source]:
    for side in sides.sides.values():
        for source in (*side.velocity, side.pressure, *(tracer.source for tracer in side.tracers)):
            if source is not None:
                yield source


def learnable_sides(sides: Sides) -> list[str]:
    return list(dict.fromkeys(a for source in side_sources(sides) for a in learnable_at(source.address, source.given)))


# ---- what cannot be run


def side_troubles(scene: Scene, tracers: Sequence[str]) -> Iterator[tuple[str, str]]:
    inflow, leaves = 0.0, False
    assert scene.domain.size is not None
    for axis in range(scene.dim):
        ends = [condition(scene, axis, side) for side in (LO, HI)]
        around = [isinstance(given, Periodic) for _, given in ends]
        if any(around) and not all(around):
            yield (
                ends[around.index(False)][0],
                f"the other side is periodic, and so must this one be: Boundary({AXES[axis]}=Periodic())",
            )
        elif scene.domain.wraps[axis] and (given := ends[0][1]) is not None and not any(around):
            yield ends[0][0], f"is {given.kind}, but the domain wraps along {AXES[axis]}; leave one of them out"
        for side, (address, given) in enumerate(ends):
            if not isinstance(given, KNOWN):
                kind = "has no condition" if given is None else f"is {given.kind}"
                yield address, f"{kind}; a fluid has no_slip, slip, inflow, outflow or periodic sides"
                continue
            leaves = leaves or isinstance(given, Outflow)
            yield from velocity_troubles(address, given, axis, scene)
            yield from carried_troubles(address, given, axis, scene, tracers)
            if isinstance(given, Inflow) and isinstance(given.velocity, int | float | tuple | Parabolic | Samples):
                area = math.prod(length for a, length in enumerate(scene.domain.size) if a != axis)
                inflow += area * inward(given, axis, side, scene)
    if abs(inflow) > 0.0 and not leaves:
        scale = max(abs(inflow), 1e-300)
        total = sum(
            abs(inward(given, axis, side, scene))
            for axis in range(scene.dim)
            for side in (LO, HI)
            if isinstance(given := condition(scene, axis, side)[1], Inflow)
        )
        if scale > 1e-9 * max(total, 1e-300):
            yield (
                "boundary",
                f"{inflow:.6g} m^{scene.dim}/s of fluid come in and none can leave; let one side be Outflow(), or let "
                f"as much go out as comes in",
            )


def inward(given: Inflow, axis: int, side: int, scene: Scene) -> float:
    """Mean velocity into the box, as far as it does not change with time."""
    value: Any = given.velocity
    if isinstance(value, tuple):
        value = value[axis]
        sign = 1.0 if side == LO else -1.0
    else:
        sign = 1.0
    if isinstance(value, Parabolic):
        walls = [a for a in range(scene.dim) if a != axis and not periodic_axes(scene)[a]]
        peak: Any = value.peak
        return 0.0 if isinstance(peak, Signal) else float(number(peak)) * (2 / 3) ** len(walls)
    if isinstance(value, Samples):
        return float(np.trapezoid(vector(value.values)) / (len(vector(value.values)) - 1))
    return 0.0 if isinstance(value, Signal) else sign * float(number(value))


def velocity_troubles(address: str, given: SideCondition, axis: int, scene: Scene) -> Iterator[tuple[str, str]]:
    velocity = getattr(given, "velocity", None)
    if isinstance(velocity, tuple) and len(velocity) != scene.dim:
        yield f"{address}.velocity", f"has {len(velocity)} entries in a scene of {scene.dim} dimensions"
    elif isinstance(given, NoSlip) and velocity is not None and not still(velocity[axis]):
        yield (
            f"{address}.velocity.{axis}",
            "a wall moves along itself only: 0 is needed across it. Fluid comes through an Inflow(...)",
        )
    if isinstance(velocity, Profile):
        yield from profile_troubles(f"{address}.velocity", velocity, axis, scene)


def carried_troubles(
    address: str, given: SideCondition, axis: int, scene: Scene, tracers: Sequence[str]
) -> Iterator[tuple[str, str]]:
    from scenegrad.scenes.errors import nearest

    for name, value in getattr(given, "carried", {}).items():
        where = f"{address}.carried.{name}"
        if name not in tracers:
            there = ", ".join(tracers) or "none"
            yield where, f"there is no tracer {name!r}.{nearest(name, tracers)} There are: {there}"
        inner = value.value if isinstance(value, Through) else value
        if isinstance(inner, Profile):
            yield from profile_troubles(where, inner, axis, scene)


def profile_troubles(address: str, profile: Profile, axis: int, scene: Scene) -> Iterator[tuple[str, str]]:
    others = [a for a in range(scene.dim) if a != axis]
    if isinstance(profile, Samples) and scene.dim != 2:
        yield address, f"samples lie along the side of a plane; this scene has {scene.dim} dimensions"
    elif isinstance(profile, Parabolic) and all(periodic_axes(scene)[a] for a in others):
        yield address, "a parabola is zero at the ends of its side, and this side is periodic; give a number or samples"
    elif not isinstance(profile, Parabolic | Samples):
        yield address, f"{profile.kind} is not known here; there are parabolic and samples"


def kinds_of(value: Any) -> Any:
    """What members of a batch have in common in a value: everything but its numbers."""
    if isinstance(value, Through):
        return ("through", kinds_of(value.value))
    if isinstance(value, Parabolic):
        return ("parabolic", kinds_of(value.peak))
    if isinstance(value, Samples):
        return ("samples", len(vector(value.values)))
    if isinstance(value, Table):
        return ("table", value.every, len(vector(value.values)))
    if isinstance(value, Sine):
        return "sine"
    if isinstance(value, tuple):
        return tuple(kinds_of(entry) for entry in value)
    if isinstance(value, dict):
        return {name: kinds_of(entry) for name, entry in value.items()}
    return "zero" if still(value) else "number"


def structure_of(scene: Scene) -> dict[str, object]:
    """(address, what members of a batch share) of every side."""
    found: dict[str, object] = {}
    for axis in range(scene.dim):
        for side in (LO, HI):
            address, given = condition(scene, axis, side)
            fields = {} if given is None else {name: getattr(given, name) for name in type(given).model_fields}
            for name, value in fields.items():
                if name == "kind":
                    found[address] = value
                elif value is not None:
                    found[f"{address}.{name}"] = kinds_of(value)
    return found
