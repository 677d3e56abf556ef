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
from scenegrad.solvers.navier_stokes.finite_volume.faces import fluxes
from scenegrad.solvers.navier_stokes.finite_volume.ghosts import WRAP, primitive_with_ghosts
from scenegrad.solvers.navier_stokes.finite_volume.grid import Grid
from scenegrad.solvers.navier_stokes.finite_volume.laws import Law
from scenegrad.solvers.navier_stokes.finite_volume.numbers import numbers
from scenegrad.solvers.navier_stokes.finite_volume.passes import Pass
from scenegrad.solvers.navier_stokes.finite_volume.tables import Tables
from scenegrad.solvers.navier_stokes.finite_volume.update import updated
from scenegrad.solvers.navier_stokes.finite_volume.viscosity import with_viscosity
from scenegrad.solvers.navier_stokes.finite_volume.wall import wall_push

__all__ = ["KEEP", "Workspace"]

BY_LAYER = ("constant", "held", "viscosity", "conduction")
KEEP = (0.0, 3.0 / 4.0, 1.0 / 3.0)  # share of the beginning in each stage of SSPRK3

BOX = ("cells", "margin", "stride", "first")
FILL = (*BOX, "kinds", "constant", "held", "u")
FACES = ("margin", "stride", "first", "axis", "1/dx", "dt", "constant", "open", "w")
RUB = ("margin", "stride", "first", "axis", "1/dx", "viscosity", "conduction", "open", "w", "flux")
WALL = (*BOX, "1/dx", "constant", "viscosity", "open", "w")
UPDATE = (*BOX, "keep", "1/dx", "dt", "free", "push", "flux", "begin", "u")


class Workspace:
    """Passes and scratch for a batch of boxes in one precision on one device."""

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
        n = self.n = numbers(grid.dim, self.fields, dtype)
        self.fill = Pass(primitive_with_ghosts(n, law), grid.padded, device, FILL, ("w",))
        solve = fluxes(n, law, method.reconstruction, method.limiter, immersed)
        across = [grid.across(axis) for axis in range(grid.dim)]
        self.faces = [Pass(solve, over, device, FACES, ("flux",)) for over in across]
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
        self.rooms: dict[str, Tensor] = {}

    def room(self, name: str, *shape: int) -> Tensor:
        if name not in self.rooms:
            self.rooms[name] = torch.zeros((self.batch, *shape), dtype=self.dtype, device=self.device)
        return self.rooms[name]

    def cells_room(self, name: str) -> Tensor:
        return self.room(name, self.fields, self.grid.count)

    def primitive_room(self, name: str) -> Tensor:
        return self.room(name, self.fields, prod(self.grid.padded))

    def flux_room(self, name: str) -> Tensor:
        return self.room(name, self.grid.dim, self.fields, prod(self.grid.padded))

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

    def rate(self, arguments: dict[str, Any], u: Any, stage: str) -> None:
        """Primitive variables and fluxes of a state, and the pushes of walls."""
        arguments |= {"u": u, **self.between(stage)}
        self.fill.run(arguments)
        for axis, faces in enumerate(self.faces):
            faces.run(arguments | {"axis": axis})
        for axis, rub in enumerate(self.rub):
            rub.run(arguments | {"axis": axis})
        for wall in self.wall:
            wall.run(arguments)

    def between(self, stage: str) -> dict[str, Any]:
        """Views of what lies between the passes of a stage. The way back asks for primitive variables of every stage,
        and where there are obstacles for the fluxes too."""
        rooms = {"w": self.primitive_room(f"w{stage}"), "flux": self.flux_room("flux")}
        if self.viscous:
            rooms["flux rubbed"] = self.flux_room("flux rubbed")
        if self.immersed:
            rooms["push"] = self.cells_room(f"push{stage}")
            last = "flux rubbed" if self.viscous else "flux"
            rooms[last] = self.flux_room(f"{last}{stage}")
        return {name: self.view(room) for name, room in rooms.items()}

    def stage(self, arguments: dict[str, Any], stage: int, u: Any, after: Any, name: str = "") -> None:
        self.rate(arguments, u, name)
        self.update.run(arguments | {"keep": self.n.real(KEEP[stage]), "u after": after})

    def step(self, u: Tensor, tables: Tables, dt: Tensor) -> tuple[Tensor, Tensor]:
        """The state after the step, and that of the second stage [batch, field, cell]."""
        after, middle = torch.empty_like(u), self.cells_room("stage 2")
        arguments = self.arguments(tables, dt)
        begin, one, two = (self.view(t) for t in (u, self.cells_room("stage 1"), middle))
        arguments["begin"] = begin
        self.stage(arguments, 0, begin, one)
        self.stage(arguments, 1, one, two)
        self.stage(arguments, 2, two, self.view(after))
        return after, middle

    def transpose(self, u: Tensor, tables: Tables, dt: Tensor, bar: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Cotangents of the state before the step and of the tables, from that of the state after it."""
        arguments = self.arguments(tables, dt)
        states = [self.view(state) for state in (u, self.cells_room("stage 1"), self.cells_room("stage 2"))]
        arguments["begin"] = states[0]
        self.stage(arguments, 0, states[0], states[1], " 0")
        self.stage(arguments, 1, states[1], states[2], " 1")
        if self.immersed:
            self.rate(arguments, states[2], " 2")
        else:
            arguments |= {"u": states[2], **self.between(" 2")}
            self.fill.run(arguments)

        layers = self.grid.padded[0]
        gathered = {
            name: self.room(f"{name} bar", *((layers,) if name in BY_LAYER else ()), *table.shape[1:]).zero_()
            for name, table in vars(tables).items()
            if table.numel()
        }
        start = torch.zeros_like(u)
        bars = {name: self.view(t) for name, t in gathered.items()} | {"begin": self.view(start)}
        after = bar
        for stage in (2, 1, 0):
            before = start if stage == 0 else self.cells_room(f"stage {stage} bar").zero_()
            rooms = {"u after": after, "u": before, "w": self.primitive_room("w bar").zero_()}
            rooms |= {
                name: self.flux_room(f"{name} bar").zero_() for name in ("flux", "flux rubbed")[: 1 + self.viscous]
            }
            if self.immersed:
                rooms["push"] = self.cells_room("push bar").zero_()
            bars |= {name: self.view(room) for name, room in rooms.items()}
            arguments |= {"u": states[stage], "keep": self.n.real(KEEP[stage]), **self.between(f" {stage}")}
            self.update.run_transposed(arguments | {"u after": bars["u after"]}, bars)
            for wall in self.wall:
                wall.run_transposed(arguments, bars)
            for axis, rub in enumerate(self.rub):
                rub.run_transposed(arguments | {"axis": axis}, bars)
            for axis, faces in enumerate(self.faces):
                faces.run_transposed(arguments | {"axis": axis}, bars)
            self.fill.run_transposed(arguments, bars)
            after = before
        return start, gathered

    def summed(self, name: str, bar: Tensor) -> Tensor:
        """Cotangents of a table, those of its copies for the layers of cells summed in double precision."""
        return bar.double().sum(1) if name in BY_LAYER else bar.double()
