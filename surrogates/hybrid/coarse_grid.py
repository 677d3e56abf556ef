"""The check by a coarse solve, made from the scene itself."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.fields import fields_of, with_fields
from scenegrad.engine.solver import Solver
from scenegrad.engine.state import Params, batch_size, tensors, with_tensors
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.scene import Scene
from scenegrad.surrogates.hybrid.checks import gone_apart
from scenegrad.surrogates.resampling import cell_resample, fourier_resample

__all__ = ["CoarseGrid"]

Compiled = tuple[Solver[Any], Any, Params]
Compile = Callable[[Sequence[Scene], torch.device, torch.dtype], Compiled]

GRIDS = ("spectral", "staggered", "finite_volume")
BY_HAND = "Where you have a coarse solver and a way to its states, CoarseStep(coarse, down) is the check by hand."


@dataclass(frozen=True)
class CoarseGrid:
    """The distance from a proposal to one step of the scene's own solver on fewer cells, relative to the change over
    the step: `CoarseStep`, for batches of any size, each with the numbers of its params.

    scenes: one for all members, or one for each. method: what solves them, of GRIDS. Samples of a Fourier series are
    brought over as the series. Its shortest waves on the coarse grid, a third of them along each axis, are cut off as
    the coarse solver steps, so that whatever a proposal holds there counts: that of the flow, which the threshold
    knows, and the noise that networks heap up there in long runs, which is what is to be seen. In finite volumes a cell
    of the coarse grid gets the mean of mass, momentum and energy over those within it, so that their sums stay and
    nothing overshoots at shocks; from a staggered grid it gets the means of the velocity in the middles of cells and of
    the tracers, and the coarse flow then loses its divergence.
    """

    scenes: tuple[Scene, ...] = field(repr=False)
    cells: tuple[int, ...]
    method: str
    compile: Compile = field(repr=False)
    known: dict[tuple[int, torch.device, torch.dtype], tuple[Compiled, Solver[Any] | None]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @staticmethod
    def of(scenes: Sequence[Scene], cells: int | Sequence[int] | None, method: str, compile: Compile) -> CoarseGrid:
        """cells: along each axis, or along the first with the others in proportion; half of the scene's if left out."""
        refuse_other_than_grids(scenes, method)
        assert scenes[0].domain.cells is not None
        return CoarseGrid(tuple(scenes), coarser(scenes[0].domain.cells, cells, method), method, compile)

    @property
    def full(self) -> tuple[int, ...]:
        """The cells of the scene."""
        assert self.scenes[0].domain.cells is not None
        return self.scenes[0].domain.cells

    def __call__(self, before: Any, after: Any, params: Params, time: float, dt: float) -> Tensor:
        (coarse, _, own), _ = self.solvers(before)
        own = carried(own, params)
        start = self.down(before, params, time)
        return gone_apart(coarse, start, self.down(after, params, time + dt), own, time, dt)

    def down(self, state: Any, params: Params, time: float) -> Any:
        """A state of the scene's solver as one of the coarse solver."""
        (coarse, begun, own), fine = self.solvers(state)
        if fine is None:
            here = tensors(state)
            return with_tensors(begun, {name: self.brought(name, here[name], 0) for name in tensors(begun)})
        dim, told = len(self.full), fields_of(fine, state, params)
        means = {name: self.brought(name, value, value.ndim - 1 - dim) for name, value in told.items()}
        now = torch.full((batch_size(state),), time, dtype=torch.float64)
        return with_fields(coarse, begun, carried(own, params), means, now)

    def brought(self, name: str, value: Tensor, behind: int) -> Tensor:
        """[batch, ..., *cells], or with so many axes behind the cells, on the coarse grid."""
        value = value.movedim(-1, 1) if behind else value
        dim = len(self.full)
        if tuple(value.shape[-dim:]) != self.full:
            raise EngineError(
                f"The check was made of a scene of {self.full} cells, and is asked about states whose {name} has "
                f"{tuple(value.shape[-dim:])}. Make it of the scene that the solver was compiled from."
            )
        if self.method == "spectral":
            made = fourier_resample(value, self.cells)
        else:
            made = cell_resample(value.flatten(0, -dim - 1), self.cells).view(*value.shape[:-dim], *self.cells)
        return (made.movedim(1, -1) if behind else made).contiguous()

    def solvers(self, state: Any) -> tuple[Compiled, Solver[Any] | None]:
        """What steps on the coarse grid, for as many members as the state has, where it lies and in its precision; and
        who tells the fields of states that do not hold them cell by cell."""
        one = next(value for value in tensors(state).values() if value.is_floating_point())
        key = (len(one), one.device, one.dtype)
        if key not in self.known:
            members = self.members(len(one))
            fine = self.made(members, self.full, key)[0] if self.method == "staggered" else None
            coarse, begun, params = self.made(members, self.cells, key)
            self.known[key] = (coarse, begun, params.detach()), fine
        return self.known[key]

    def members(self, count: int) -> list[Scene]:
        if count % len(self.scenes):
            raise EngineError(
                f"The check was made of {len(self.scenes)} scenes, one for each member, and is asked about {count} "
                f"members. Make it of the scenes of this batch, or of one scene for all."
            )
        return [*self.scenes] * (count // len(self.scenes))

    def made(
        self, members: list[Scene], cells: tuple[int, ...], key: tuple[int, torch.device, torch.dtype]
    ) -> Compiled:
        """A scene that comes often stays one object, which is compiled once. Nothing is measured on the way."""
        bare = {id(one): one.replace({"domain.cells": cells, "outputs": {}}) for one in members}
        try:
            with warnings.catch_warnings():  # that a coarse grid loses something is what it is for
                warnings.simplefilter("ignore", UserWarning)
                return self.compile([bare[id(one)] for one in members], *key[1:])
        except SceneError as error:
            raise EngineError(
                f"The coarse solver of the check, on {cells} cells, cannot be made: {error} Say other cells=, between "
                f"these and {self.full}. {BY_HAND}"
            ) from error


def carried(own: Params, params: Params) -> Params:
    """The numbers of the coarse solver, those at the same addresses of the fine one in their place."""
    shared = {address: params[address].to(value) for address, value in own.items() if address in params}
    if odd := [address for address, value in shared.items() if value.shape != own[address].shape]:
        raise EngineError(
            f"The check cannot hand {odd[0]} over to its coarse solver: its shape is {tuple(shared[odd[0]].shape)}, "
            f"and {tuple(own[odd[0]].shape)} there. Make the check of the scene that was compiled. {BY_HAND}"
        )
    return own.replace(shared)


def refuse_other_than_grids(scenes: Sequence[Scene], method: str) -> None:
    name, domain = scenes[0].name, scenes[0].domain
    if method not in GRIDS:
        raise EngineError(
            f"Scene {name!r} is solved by {method}, whose states have no like on fewer cells; a coarse solver can be "
            f"made of scenes that are solved by {', '.join(GRIDS)}. {BY_HAND}"
        )
    if domain.cells is None:
        raise EngineError(f"Scene {name!r} has no cells, so that there are none to be fewer of. {BY_HAND}")
    if len(grids := {one.domain.cells for one in scenes}) > 1:
        raise EngineError(
            f"The scenes of the members have different cells, {', '.join(map(str, grids))}, and a batch has one grid. "
            f"Make a check of each."
        )


def coarser(full: tuple[int, ...], asked: int | Sequence[int] | None, method: str) -> tuple[int, ...]:
    """Of cells that were asked for what there will be, refused where there is no way to bring fields over."""
    whole = method != "spectral"  # a series is cut off anywhere, while means are over whole cells
    if asked is None:
        cells = tuple(0 if n % 2 and whole else n // 2 for n in full)
    elif isinstance(asked, Sequence):
        cells = tuple(map(counted, asked))
    else:
        first = counted(asked)
        cells = tuple(first * n // full[0] if first * n % full[0] == 0 else 0 for n in full)
    fits = len(cells) == len(full) and all(0 < m <= n for m, n in zip(cells, full, strict=True)) and cells != full
    if fits and not (whole and any(n % m for m, n in zip(cells, full, strict=True))):
        return cells
    said = "half of them" if asked is None else f"cells={asked}"
    allowed = "a divisor of their number" if whole else "a smaller number"
    others = tuple(next((n // k for k in (2, 3) if n % k == 0), n) for n in full)
    raise EngineError(
        f"A scene of {full} cells got {said} for the coarse solver of its check, which takes {allowed} along the axes. "
        + (f"Say cells={others}. " if others != full else "")
        + BY_HAND
    )


def counted(asked: Any) -> int:
    """0, which is refused, where it is no whole number."""
    return int(asked) if isinstance(asked, Integral) else 0
