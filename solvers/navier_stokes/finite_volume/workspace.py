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

__all__ = ["KEEP", "Workspace"]

KEEP = (0.0, 3.0 / 4.0, 1.0 / 3.0)  # share of the beginning in each stage of SSPRK3

BOX = ("cells", "margin", "stride", "first")
FILL = (*BOX, "kinds", "constant", "held", "u")
FACES = ("margin", "stride", "first", "axis", "1/dx", "dt", "constant", "open", "w")
UPDATE = (*BOX, "keep", "1/dx", "dt", "free", "wall push", "flux", "begin", "u")


class Workspace:
    """Passes and scratch for a batch of boxes in one precision on one device."""

    def __init__(
        self, grid: Grid, law: Law, method: FiniteVolume, kinds: list[int], batch: int, device: str, dtype: torch.dtype
    ):
        self.grid, self.law, self.batch, self.device, self.dtype = grid, law, batch, torch.device(device), dtype
        self.fields = law.fields(grid.dim)
        self.wraps = tuple(kinds[2 * axis] == WRAP for axis in range(grid.dim))
        self.viscous = False
        n = self.n = numbers(grid.dim, self.fields, dtype)
        self.fill = Pass(primitive_with_ghosts(n, law), grid.padded, device, FILL, ("w",))
        solve = fluxes(n, law, method.reconstruction, method.limiter, False)
        self.faces = [
            Pass(solve, tuple(c + (a == axis) for a, c in enumerate(grid.along)), device, FACES, ("flux",))
            for axis in range(grid.dim)
        ]
        self.update = Pass(updated(n, False), grid.along, device, UPDATE, ("u after",))
        views = grid.views
        self.fixed: dict[str, Any] = {
            "batch": batch,
            "cells": views["cells"],
            "margin": views["margin"],
            "stride": views["stride"],
            "1/dx": views["1/dx 64" if dtype == torch.float64 else "1/dx 32"],
            "first": 0,
            "kinds": wp.from_torch(torch.tensor(kinds, dtype=torch.int32, device=device)),
            "open": None,
            "free": None,
            "wall push": None,
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
        """All that stays the same in the stages of a step. Constants have a copy for each layer of cells along x, so
        that no sum of cotangents has more terms than a layer holds cells."""
        layers = self.grid.padded[0]
        constant = tables.constant.detach().to(self.dtype)[:, None].expand(-1, layers)
        held = tables.held.detach().to(self.dtype)[:, None].expand(-1, layers, -1, -1)
        return {
            **self.fixed,
            "dt": self.view(dt.to(self.device, self.dtype)),
            "constant": self.view(constant),
            "held": self.view(held),
        }

    def rate(self, arguments: dict[str, Any], u: Any, w: str) -> None:
        """Primitive variables and fluxes of a state."""
        arguments |= {"u": u, "w": self.view(self.primitive_room(w)), "flux": self.view(self.flux_room("flux"))}
        self.fill.run(arguments)
        for axis, faces in enumerate(self.faces):
            arguments["axis"] = axis
            faces.run(arguments)

    def stage(self, arguments: dict[str, Any], stage: int, u: Any, after: Any, w: str = "w") -> None:
        self.rate(arguments, u, w)
        arguments |= {"keep": self.n.real(KEEP[stage]), "u after": after}
        self.update.run(arguments)

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
        states = [u, self.cells_room("stage 1"), self.cells_room("stage 2")]
        views = [self.view(state) for state in states]
        arguments["begin"] = views[0]
        self.stage(arguments, 0, views[0], views[1], "w 0")
        self.stage(arguments, 1, views[1], views[2], "w 1")
        arguments |= {"u": views[2], "w": self.view(self.primitive_room("w 2"))}
        self.fill.run(arguments)

        layers = self.grid.padded[0]
        totals = {"constant": (layers,), "held": (layers, *tables.held.shape[1:])}
        gathered = {name: self.room(f"{name} bar", *shape).zero_() for name, shape in totals.items()}
        start = torch.zeros_like(u)
        bars = {name: self.view(t) for name, t in gathered.items()} | {"begin": self.view(start)}
        after = bar
        for stage in (2, 1, 0):
            before = start if stage == 0 else self.cells_room(f"stage {stage} bar").zero_()
            flux, w = self.flux_room("flux bar").zero_(), self.primitive_room("w bar").zero_()
            arguments |= {
                "u": views[stage],
                "w": self.view(self.primitive_room(f"w {stage}")),
                "keep": self.n.real(KEEP[stage]),
            }
            bars |= {name: self.view(t) for name, t in (("u after", after), ("u", before), ("flux", flux), ("w", w))}
            self.update.run_transposed(arguments | {"u after": bars["u after"]}, bars)
            for axis, faces in enumerate(self.faces):
                faces.run_transposed(arguments | {"axis": axis}, bars)
            self.fill.run_transposed(arguments, bars)
            after = before
        return start, gathered

    def summed(self, name: str, bar: Tensor) -> Tensor:
        """Cotangents of a table from those of its copies for the layers of cells, in double precision."""
        return bar.double().sum(1)
