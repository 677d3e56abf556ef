"""Boxes of fields with ghosts around them: filled before a pass over them, and folded back after its transpose.

Boxes are rooms to work in: a step copies its fields there, and the way back copies them once more, so that between the
two nothing but the fields themselves is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.boxes import Box, Rim
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.launches import Launches, view
from scenegrad.solvers.navier_stokes.staggered.rate_cotangents import rate_bar
from scenegrad.solvers.navier_stokes.staggered.rims import fill, fold
from scenegrad.solvers.navier_stokes.staggered.rooms import Room

__all__ = ["Filling"]


@dataclass(frozen=True)
class Filling:
    """Of boxes of a grid, and launches over their rows."""

    grid: Grid
    rooms: dict[tuple[str, int, int], Room] = field(default_factory=dict, init=False, compare=False)

    @cached_property
    def real(self) -> Any:
        return wp.float64 if self.grid.dtype == torch.float64 else wp.float32

    @cached_property
    def launches(self) -> Launches:
        return Launches(self.grid.device)

    @cached_property
    def flow(self) -> Box:
        """Of the velocity."""
        return Box(self.grid, tuple(self.grid.axes))

    @cached_property
    def cells(self) -> Box:
        """Of one tracer."""
        return Box(self.grid, (None,))

    def carried(self, tracers: int) -> Box:
        """Of so many tracers."""
        return self.cells if tracers == 1 else Box(self.grid, (None,) * tracers)

    @cached_property
    def steps(self) -> Any:
        return wp.vec3i(*self.flow.steps, *[0] * (3 - self.grid.dim))

    @cached_property
    def inverse(self) -> Any:
        """1 / h along each axis."""
        return wp.types.vector(3, self.real)(*[1.0 / h for h in self.grid.spacing], *[0.0] * (3 - self.grid.dim))

    @property
    def layers(self) -> tuple[int, int]:
        """Between planes and between lines of a box."""
        steps = self.flow.steps
        return (0, steps[0]) if self.grid.dim == 2 else (steps[0], steps[1])

    def room(self, name: str, box: Box, batch: int) -> Room:
        key = (name, len(box.components), batch)
        if key not in self.rooms:
            room = box.room(batch)
            self.rooms[key] = Room(room, view(room), box.inside(room), box.copies(room))
        return self.rooms[key]

    def filled(self, name: str, box: Box, rim: Rim, fields: Sequence[Tensor], values: Tensor | None) -> Any:
        """The fields in their box, with ghosts. values [batch, n]: what the sides hold."""
        batch = len(fields[0])
        room = self.room(name, box, batch)
        for inside, one in zip(room.inside, fields, strict=True):
            inside.copy_(one)
        if len(rim.ghosts):
            numbers = fields[0].new_zeros(batch, 1) if values is None else values.expand(batch, -1).contiguous()
            kernel, shape, member = fill(self.real), (batch, len(rim.ghosts)), len(box.components) * box.size
            arrays = [*rim.filling, view(numbers), room.array]
            self.launches(kernel, shape, lambda: (box.lead, member), arrays, (kernel, shape, member))
        self.wrap(room)
        return room.array

    def wrap(self, room: Room) -> None:
        """Copies what goes around the periodic axes."""
        for around in room.copies:
            for ghosts, samples in around:
                ghosts.copy_(samples)

    def rate_bars(
        self,
        name: str,
        box: Box,
        batch: int,
        direct: Sequence[Tensor | None],
        later: Sequence[Tensor | None],
        weights: Any,
    ) -> tuple[Any, list[Tensor | None]]:
        """Cotangents of the rates in their box, amid zeros beyond sides that are not periodic, and of the rates before.

        direct, later: cotangents of the rates, and of the fields after the step. weights: (newer, older)."""
        room, before = self.room(name, box, batch), list[Tensor | None]()
        for number, (bar, after) in enumerate(zip(direct, later, strict=True)):
            shape = self.grid.shape(box.components[number])
            given = bar if after is None else after
            if given is None:
                room.inside[number].zero_()
                before.append(None)
                continue
            old = None if after is None else torch.empty_like(after, memory_format=torch.contiguous_format)
            some = view(given.contiguous())
            numbers = (some, some) if after is None else tuple(map(view, weights))
            fields = [some if one is None else view(one.contiguous()) for one in (bar, after)]
            rest = (box.start(number), len(box.components) * box.size)
            kernel = rate_bar(self.real, bar is not None, after is not None)
            lines = (*numbers, *fields, some if old is None else view(old), room.array)
            self.launch(kernel, shape, batch, rest, lines)
            before.append(old)
        self.wrap(room)
        return room.array, before

    def folded(self, name: str, box: Box, rim: Rim, batch: int, onto: Sequence[Tensor | None]) -> list[Tensor]:
        """Cotangents of the fields in a box, with what their ghosts have and those that they have otherwise."""
        room = self.room(name, box, batch)
        if len(rim.ends):
            kernel, shape, member = fold(self.real), (batch, len(rim.ends)), len(box.components) * box.size
            arrays = [*rim.folding, room.array]
            self.launches(kernel, shape, lambda: (box.lead, member), arrays, (kernel, shape, member))
        return [
            part.clone(memory_format=torch.contiguous_format) if more is None else part + more
            for part, more in zip(room.inside, onto, strict=True)
        ]

    def values_bar(self, name: str, box: Box, rim: Rim, values: Tensor, batch: int) -> Tensor:
        """Of what the sides hold."""
        ghosts = box.members(self.room(name, box, batch).whole)[:, rim.holders.long()]
        return (ghosts * rim.held).sum(2).sum_to_size(values.shape)

    def launch(self, kernel: Any, shape: Sequence[int], batch: int, rest: Sequence[Any], arrays: Sequence[Any]) -> None:
        """Over rows of [batch, *shape]; the last of the arrays is written."""
        counts = (1, *shape) if self.grid.dim == 2 else tuple(shape)

        def numbers() -> Sequence[Any]:
            return wp.vec3i(*counts), self.steps, *self.layers, *rest

        key = (counts, *(number for number in rest if isinstance(number, int)))
        self.launches.rows(kernel, batch * counts[0] * counts[1], counts[2], numbers, arrays, key)
