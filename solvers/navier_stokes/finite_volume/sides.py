"""From the sides of a scene's box to kinds of ghost cells and the values that they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.domain import AXES, Periodic, SideCondition, Slip
from scenegrad.scenes.gases import Gas
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.sides import Inflow, NoSlip, Outflow
from scenegrad.scenes.signals import Signal
from scenegrad.scenes.values import Parameter, number
from scenegrad.solvers.navier_stokes.finite_volume.ghosts import HELD, MIRROR, OPEN, STUCK, WRAP
from scenegrad.solvers.navier_stokes.finite_volume.laws import Law
from scenegrad.solvers.shared.signals import addresses, span, value_at

__all__ = ["Side", "sides_of", "side_address", "side_troubles"]

WARMTH = "temperature"  # what a NoSlip can hold
KINDS: dict[type[SideCondition], int] = {Periodic: WRAP, Slip: MIRROR, NoSlip: STUCK, Inflow: HELD, Outflow: OPEN}


@dataclass(frozen=True)
class Side:
    """One side of the box. values: (field, address, number or signal, sign) of each variable that it holds."""

    kind: int
    values: tuple[tuple[int, str, Any, float], ...] = ()
    vector: str | None = None  # address of a velocity that learns as a whole
    gas_constant: str | None = None  # its address, where a wall holds a temperature

    @property
    def changes(self) -> bool:
        """Whether it changes with time."""
        return any(isinstance(value, Signal) for _, _, value, _ in self.values)

    def addresses(self) -> list[str]:
        own = [] if self.vector is None else [self.vector]
        return own + [a for _, address, value, _ in self.values for a in addresses(address, value)]

    def held(self, params: Params, time: Tensor, fields: int) -> Tensor:
        """Primitive variables, 0 where nothing is held [batch, field]."""
        batch = len(time)
        like = next(iter(params.values()))
        columns = [torch.zeros(batch, dtype=torch.float64, device=like.device)] * fields
        if self.vector is not None:
            columns[1 : 1 + params[self.vector].shape[1]] = params[self.vector].double().unbind(1)
        for field, address, value, sign in self.values:
            columns[field] = sign * value_at(params, address, value, time)
        if self.gas_constant is not None:  # p / rho in the place of the density
            columns[0] = columns[0] * params[self.gas_constant].double()
        return torch.stack(columns, dim=1)

    def fastest(self, params: Params, batch: int, law: Law, dim: int) -> Tensor:
        """Primitive variables whose waves are as fast as any that come in at any time: the largest speeds, the largest
        pressure or depth, the least density of a gas [batch, field]."""
        found = self.held(params, torch.zeros(batch, dtype=torch.float64), law.fields(dim)).clone()
        for field, address, value, _ in self.values:
            least, most = span(params, address, value)
            if 1 <= field <= dim:
                found[:, field] = torch.maximum(least.abs(), most.abs())
            elif isinstance(value, Signal) and self.gas_constant is None:
                found[:, field] = least if field == 0 and "pressure" in law.positive else most
        return found


def side_address(scene: Scene, axis: int, end: str) -> str | None:
    """Where the boundary says what one side of the box does; None where it says nothing."""
    names = (f"{AXES[axis]}_{end}", AXES[axis], "default")
    return next((f"boundary.{name}" for name in names if getattr(scene.boundary, name) is not None), None)


def condition(scene: Scene, axis: int, end: str) -> SideCondition | None:
    address = side_address(scene, axis, end)
    if address is None:
        return Periodic() if scene.domain.wraps[axis] else None
    return scene.at(address)


def sides_of(scene: Scene, law: Law) -> tuple[Side, ...]:
    """x_lo, x_hi, y_lo, ..."""
    return tuple(made(scene, law, axis, end) for axis in range(scene.dim) for end in ("lo", "hi"))


def places(law: Law, dim: int) -> dict[str, int]:
    """Field of each variable that a side can hold besides the velocity."""
    return dict(zip(law.positive, (0, dim + 1), strict=False))


def made(scene: Scene, law: Law, axis: int, end: str) -> Side:
    told, address, dim = condition(scene, axis, end), side_address(scene, axis, end), scene.dim
    assert told is not None
    kind = KINDS[type(told)]
    values: list[tuple[int, str, Any, float]] = []
    if isinstance(told, Inflow | NoSlip) and told.velocity is not None:
        if isinstance(told.velocity, tuple):
            values += [(1 + a, f"{address}.velocity.{a}", v, 1.0) for a, v in enumerate(told.velocity)]
        elif isinstance(told.velocity, Parameter) and isinstance(told.velocity.value, tuple):
            carried = tuple((f, f"{address}.carried.{n}", v, 1.0) for n, f, v in held_by(told, law, dim))
            return Side(kind, carried, f"{address}.velocity")
        else:
            values.append((1 + axis, f"{address}.velocity", told.velocity, 1.0 if end == "lo" else -1.0))
    if isinstance(told, Inflow):
        values += [(f, f"{address}.carried.{name}", v, 1.0) for name, f, v in held_by(told, law, dim)]
    if isinstance(told, NoSlip) and WARMTH in told.carried:
        values.append((0, f"{address}.carried.{WARMTH}", told.carried[WARMTH], 1.0))
        gas = next(name for name, part in scene.entities.items() if isinstance(part, Gas))
        return Side(kind, tuple(values), gas_constant=f"{gas}.gas_constant")
    if isinstance(told, Outflow) and "pressure" in law.positive:
        values.append((dim + 1, f"{address}.pressure", told.pressure, 1.0))
    return Side(kind, tuple(values))


def held_by(told: Inflow, law: Law, dim: int) -> Iterator[tuple[str, int, Any]]:
    for name, place in places(law, dim).items():
        if name in told.carried:
            yield name, place, told.carried[name]


def side_troubles(scene: Scene, law: Law) -> Iterator[tuple[str, str]]:
    """(address, what is wrong and how to mend it)."""
    names = places(law, scene.dim)
    for axis in range(scene.dim):
        found = [condition(scene, axis, end) for end in ("lo", "hi")]
        for end, told in zip(("lo", "hi"), found, strict=True):
            yield from troubles_of(scene, law, axis, end, told, names)
        if sum(isinstance(told, Periodic) for told in found) == 1:
            yield f"boundary.{AXES[axis]}", "is periodic at one end only; make both ends Periodic(), or neither"


def rubs(viscosity: object) -> bool:
    """Whether a viscosity is there, or may come to be."""
    return isinstance(viscosity, Parameter) or number(viscosity) > 0.0


def friction_troubles(scene: Scene, address: str, told: NoSlip, axis: int) -> Iterator[tuple[str, str]]:
    """What a wall says to a flow that rubs nothing, and would say in vain."""
    gas = next((part for part in scene.entities.values() if isinstance(part, Gas)), None)
    if gas is not None and rubs(gas.viscosity):
        return
    mend = "leave it out" if gas is None else "give the gas a viscosity, or leave it out"
    flow = "shallow water" if gas is None else "a gas without viscosity"
    if gas is not None and WARMTH in told.carried:
        yield f"{address}.carried.{WARMTH}", f"warms nothing, since {flow} conducts no heat; {mend}"
    entries = told.velocity if isinstance(told.velocity, tuple) else ()
    if any(entry != 0.0 for along, entry in enumerate(entries) if along != axis):
        yield f"{address}.velocity", f"moves the wall along itself, which {flow} does not feel; {mend}"


def troubles_of(
    scene: Scene, law: Law, axis: int, end: str, told: SideCondition | None, names: dict[str, int]
) -> Iterator[tuple[str, str]]:
    address = side_address(scene, axis, end) or f"boundary.{AXES[axis]}_{end}"
    known = "Periodic, Slip (a wall that mirrors), NoSlip, Inflow or Outflow"
    if told is None:
        yield address, f"has no condition; give one of {known}"
        return
    if type(told) not in KINDS:
        yield address, f"is {told.kind}, which is for other matter; give one of {known}"
        return
    if scene.domain.wraps[axis] and not isinstance(told, Periodic):
        yield address, f"is {told.kind}, but the domain wraps along {AXES[axis]}; leave one of them out"
    if isinstance(told, Inflow | NoSlip) and isinstance(told.velocity, tuple) and len(told.velocity) != scene.dim:
        yield f"{address}.velocity", f"has {len(told.velocity)} entries; the scene has {scene.dim} dimensions"
    if isinstance(told, NoSlip):
        yield from friction_troubles(scene, address, told, axis)
    if isinstance(told, Inflow):
        if not isinstance(told.velocity, tuple | float | int | Signal | Parameter):
            yield f"{address}.velocity", "varies along the side; give one number, signal or vector"
        if law.positive[0] not in told.carried:
            wanted = ", ".join(f"{name}=..." for name in law.positive)
            yield address, f"says nothing of the {law.positive[0]} that comes in; write Inflow(velocity, {wanted})"
    held = (
        tuple(names) if isinstance(told, Inflow) else (WARMTH,) if isinstance(told, NoSlip) and len(names) > 1 else ()
    )
    for name, value in getattr(told, "carried", {}).items():
        if name not in held:
            yield (
                f"{address}.carried.{name}",
                f"is not known here: {told.kind} can hold {' and '.join(held) or 'nothing'}",
            )
        elif not isinstance(value, float | int | Signal | Parameter):
            yield f"{address}.carried.{name}", "varies along the side or is a flux; give one number or signal"
        elif not isinstance(value, Signal) and not number(value) > 0.0:
            yield f"{address}.carried.{name}", f"is {number(value):g}; it must be positive"
    if isinstance(told, Outflow) and (
        number(told.pressure) < 0.0 or (number(told.pressure) > 0.0 and "pressure" not in law.positive)
    ):
        why = "it must not be negative" if "pressure" in law.positive else "water flows out freely; leave it out"
        yield f"{address}.pressure", f"is {number(told.pressure):g}; {why}"


def kinds(sides: Sequence[Side]) -> list[int]:
    return [side.kind for side in sides]
