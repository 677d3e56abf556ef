"""The passes of a step, the rooms they need, and the way back through them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.scenes.methods import FiniteVolume
from scenegrad.solvers.navier_stokes.finite_volume.entering import Entering
from scenegrad.solvers.navier_stokes.finite_volume.faces import fluxes, fluxes_back
from scenegrad.solvers.navier_stokes.finite_volume.ghosts import WRAP, primitive_with_ghosts
from scenegrad.solvers.navier_stokes.finite_volume.grid import Grid
from scenegrad.solvers.navier_stokes.finite_volume.laws import Law
from scenegrad.solvers.navier_stokes.finite_volume.numbers import numbers
from scenegrad.solvers.navier_stokes.finite_volume.passes import Pass
from scenegrad.solvers.navier_stokes.finite_volume.rooms import Rooms
from scenegrad.solvers.navier_stokes.finite_volume.tables import Tables
from scenegrad.solvers.navier_stokes.finite_volume.update import updated
from scenegrad.solvers.navier_stokes.finite_volume.viscosity import with_viscosity
from scenegrad.solvers.navier_stokes.finite_volume.wall import wall_push

__all__ = ["KEEP", "Workspace"]

BY_LAYER = ("constant", "held", "viscosity", "conduction")
KEEP = (0.0, 3.0 / 4.0, 1.0 / 3.0)  # share of the beginning in each stage of SSPRK3
SHARES = (1.0 / 6.0, 1.0 / 6.0, 2.0 / 3.0)  # of the rates of change of each stage in the whole step

BOX = ("cells", "margin", "stride", "first")
FILL = (*BOX, "kinds", "constant", "held", "u")
FACES = ("margin", "stride", "first", "axis", "1/dx", "dt", "constant", "open", "w")
FELT = ("w", "constant", "open")
RUB = (*BOX, "axis", "1/dx", "kinds", "held", "viscosity", "conduction", "open", "w", "flux")
WALL = (*BOX, "1/dx", "constant", "viscosity", "open", "w")
UPDATE = (*BOX, "keep", "1/dx", "dt", "free", "push", "flux", "begin", "u")


class Workspace:
    """Passes and scratch for a batch of boxes in one precision on one device, and steps of SSPRK3."""

    order, estimate_order, reach = 3, 3, 1.0

    def __init__(
        self,
        grid: Grid,
        law: Law,
        method: FiniteVolume,
        kinds: list[int],
        batch: int,
        device: str,
        dtype: torch.dtype,
        viscous: bool = False,
        immersed: bool = False,
    ):
        """viscous: whether a gas has friction; immersed: whether there are obstacles. Passes that are not needed are
        not made."""
        self.grid, self.law, self.batch, self.device, self.dtype = grid, law, batch, torch.device(device), dtype
        self.fields, self.viscous, self.immersed = law.fields(grid.dim), viscous, immersed
        self.wraps = tuple(kinds[2 * axis] == WRAP for axis in range(grid.dim))
        self.entering = Entering(grid, self.wraps, immersed)
        n = self.n = numbers(grid.dim, self.fields, dtype)
        self.fill = Pass(primitive_with_ghosts(n, law), grid.padded, device, FILL, ("w",))
        scheme = (n, law, method.reconstruction, method.limiter, immersed)
        solve, back = fluxes(*scheme), fluxes_back(*scheme)
        across = [grid.across(axis) for axis in range(grid.dim)]
        self.faces = [Pass(solve, over, device, FACES, ("flux",), back, FELT) for over in across]
        self.rub = [
            Pass(with_viscosity(n, immersed), over, device, RUB, ("flux rubbed",)) for over in across if viscous
        ]
        self.wall = [Pass(wall_push(n, law), grid.along, device, WALL, ("push",))] if immersed else []
        through = "flux rubbed" if viscous else "flux"
        self.update = Pass(
            updated(n, immersed), grid.along, device, tuple(through if a == "flux" else a for a in UPDATE), ("u after",)
        )
        views = grid.views
        self.fixed: dict[str, Any] = {
            "batch": batch,
            "cells": views["cells"],
            "margin": views["margin"],
            "stride": views["stride"],
            "1/dx": views["1/dx 64" if dtype == torch.float64 else "1/dx 32"],
            "kinds": wp.from_torch(torch.tensor(kinds, dtype=torch.int32, device=device)),
            **dict.fromkeys(("open", "free", "push", "viscosity")),  # where there are none
        }
        self.scratch = self.new_rooms()

    @property
    def rooms(self) -> dict[str, Tensor]:
        """What is written on the way and holds nothing from step to step."""
        return self.scratch.made

    def new_rooms(self) -> Rooms:
        return Rooms(self.batch, self.dtype, self.device)

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Launches go to torch's current stream."""
        if self.device.type != "cuda":
            yield
            return
        with wp.ScopedStream(wp.stream_from_torch(torch.cuda.current_stream(self.device))):
            yield

    def view(self, tensor: Tensor) -> Any:
        return wp.from_torch(tensor, requires_grad=False, return_ctype=True)

    def arguments(self, tables: Tables, dt: Tensor) -> dict[str, Any]:
        """All that stays the same in the stages of a step. Numbers have a copy for each layer of cells along x, so
        that no sum of cotangents has more terms than a layer holds cells."""
        layers = self.grid.padded[0]
        found = {**self.fixed, "dt": self.view(dt.to(self.device, self.dtype))}
        for name, table in vars(tables).items():
            if table.numel():
                table = table.detach().to(self.dtype)
                if name in BY_LAYER:
                    table = table[:, None].expand(-1, layers, *table.shape[1:])
                found[name] = self.view(table)
        return found

    def rate(self, arguments: dict[str, Any]) -> None:
        """Fluxes of a state whose primitive variables are known, and the pushes of walls."""
        for axis, faces in enumerate(self.faces):
            faces.run(arguments | {"axis": axis})
        for axis, rub in enumerate(self.rub):
            rub.run(arguments | {"axis": axis})
        for wall in self.wall:
            wall.run(arguments)

    def rooms_between(self, kept: Rooms, stage: int = 0) -> dict[str, Tensor]:
        """What lies between the passes of a stage. The way back asks for primitive variables of every stage, and where
        there are obstacles for the fluxes too; rooms for these are found in `kept`."""
        padded, own = prod(self.grid.padded), f" {stage}"
        fluxes = (self.grid.dim, self.fields, padded)
        rooms = {"w": kept.empty(f"w{own}", self.fields, padded), "flux": self.scratch("flux", *fluxes)}
        if self.viscous:
            rooms["flux rubbed"] = self.scratch("flux rubbed", *fluxes)
        if self.immersed:
            rooms["push"] = kept.empty(f"push{own}", self.fields, self.grid.count)
            last = "flux rubbed" if self.viscous else "flux"
            rooms[last] = kept(f"{last}{own}", *fluxes)
        return rooms

    def between(self, kept: Rooms, stage: int = 0) -> dict[str, Any]:
        return {name: self.view(room) for name, room in self.rooms_between(kept, stage).items()}

    def count_in(self, entered: Tensor | None, dt: Tensor, share: float, kept: Rooms, stage: int = 0) -> None:
        """Adds what a stage whose rates are known lets into the box [batch, cause, field]."""
        if entered is not None:
            rooms = self.rooms_between(kept, stage)
            rates = self.entering.rates(rooms["flux rubbed" if self.viscous else "flux"], rooms.get("push"))
            entered += rates * (share * dt.to(entered.device, torch.float64)).view(-1, 1, 1)

    def advance(self, arguments: dict[str, Any], stage: int, after: Tensor) -> None:
        """The state after a stage whose primitive variables are known."""
        self.rate(arguments)
        self.update.run(arguments | {"keep": self.n.real(KEEP[stage]), "u after": self.view(after)})

    def step(self, u: Tensor, tables: Tables, dt: Tensor, entered: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The state after the step, and what parts it from the embedded method of second order, U3 - (2 U2 - U)
        [batch, field, cell]. entered: what comes into the box is added to it."""
        arguments, kept, after = self.arguments(tables, dt), self.scratch, torch.empty_like(u)
        one, two = (kept.empty(f"stage {n}", self.fields, self.grid.count) for n in (1, 2))
        arguments |= {"begin": self.view(u), **self.between(kept)}
        for stage, (now, then) in enumerate(((u, one), (one, two), (two, after))):
            arguments["u"] = self.view(now)
            self.fill.run(arguments)
            self.advance(arguments, stage, then)
            self.count_in(entered, dt, SHARES[stage], kept)
        return after, after - 2.0 * two + u

    def ahead(
        self, u: Tensor, tables: Tables, dt: Tensor, kept: Rooms, whole: bool, entered: Tensor | None = None
    ) -> Tensor:
        """What the transpose needs of a step, into `kept`; the state after it, and what comes in, where the step is
        asked for as a whole."""
        arguments = self.arguments(tables, dt)
        arguments["begin"] = self.view(u)
        now = u
        for stage in range(3):
            arguments |= {"u": self.view(now), **self.between(kept, stage)}
            self.fill.run(arguments)
            if stage < 2:
                then = kept.empty(f"stage {stage + 1}", self.fields, self.grid.count)
                self.advance(arguments, stage, then)
                now = then
            elif whole:
                now = torch.empty_like(u)
                self.advance(arguments, stage, now)
            elif self.immersed:
                self.rate(arguments)
            if whole:
                self.count_in(entered, dt, SHARES[stage], kept, stage)
        return now

    def back(
        self, u: Tensor, tables: Tables, dt: Tensor, kept: Rooms, bar: Tensor, entered_bar: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Cotangents of the state before the step and of the tables, from those of the state after it and of what came
        in."""
        arguments = self.arguments(tables, dt)
        arguments["begin"] = self.view(u)
        states = (u, kept.made["stage 1"], kept.made["stage 2"])
        start, gathered = torch.zeros_like(u), self.gathered(tables)
        after = bar
        for stage in (2, 1, 0):
            before = start if stage == 0 else self.scratch(f"stage {stage} bar", *u.shape[1:]).zero_()
            came = self.share_of(entered_bar, dt, SHARES[stage])
            self.back_through(
                arguments, gathered, kept, stage, KEEP[stage], states[stage], (start, before, after), came
            )
            after = before
        return start, gathered

    def share_of(self, entered_bar: Tensor | None, dt: Tensor, share: float) -> Tensor | None:
        """Cotangent of the rates at which a stage lets something in [batch, cause, field]."""
        if entered_bar is None:
            return None
        return entered_bar * (share * dt.to(entered_bar.device, torch.float64)).view(-1, 1, 1)

    def gathered(self, tables: Tables) -> dict[str, Tensor]:
        """Rooms for cotangents of the tables, with nothing in them."""
        layers = self.grid.padded[0]
        return {
            name: self.scratch(f"{name} bar", *((layers,) if name in BY_LAYER else ()), *table.shape[1:]).zero_()
            for name, table in vars(tables).items()
            if table.numel()
        }

    def back_through(
        self,
        arguments: dict[str, Any],
        gathered: dict[str, Tensor],
        kept: Rooms,
        stage: int,
        keep: float,
        state: Tensor,
        bars_of: tuple[Tensor, Tensor, Tensor],
        came: Tensor | None = None,
    ) -> None:
        """One stage from `state`, transposed. bars_of: cotangents of the beginning and of the state, which are added
        to, and that of the state after the stage. came: that of the rates at which something enters the box."""
        start, before, after = bars_of
        padded = (self.fields, prod(self.grid.padded))
        rooms = {"begin": start, "u after": after, "u": before, "w": self.scratch("w bar", *padded).zero_(), **gathered}
        rooms |= {
            name: self.scratch(f"{name} bar", self.grid.dim, *padded).zero_()
            for name in ("flux", "flux rubbed")[: 1 + self.viscous]
        }
        if self.immersed:
            rooms["push"] = self.scratch("push bar", *state.shape[1:]).zero_()
        if came is not None:
            self.entering.rates_transposed(came, rooms["flux rubbed" if self.viscous else "flux"], rooms.get("push"))
        bars = {name: self.view(room) for name, room in rooms.items()}
        arguments |= {"u": self.view(state), "keep": self.n.real(keep), **self.between(kept, stage)}
        self.update.run_transposed(arguments | {"u after": bars["u after"]}, bars)
        for wall in self.wall:
            wall.run_transposed(arguments, bars)
        for axis, rub in enumerate(self.rub):
            rub.run_transposed(arguments | {"axis": axis}, bars)
        for axis, faces in enumerate(self.faces):
            faces.run_transposed(arguments | {"axis": axis}, bars)
        self.fill.run_transposed(arguments, bars)

    def summed(self, name: str, bar: Tensor) -> Tensor:
        """Cotangents of a table, those of its copies for the layers of cells summed in double precision."""
        return bar.double().sum(1) if name in BY_LAYER else bar.double()
