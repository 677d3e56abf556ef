"""What is held and what pulls on the tagged parts of a boundary, as functions of params and time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.domain import SideCondition, Slip, Stick
from scenegrad.scenes.elastic import Traction
from scenegrad.scenes.quantities import Parabolic, Samples, Through
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.sides import Inflow, NoSlip, Outflow
from scenegrad.scenes.values import vector
from scenegrad.solvers.navier_stokes.finite_element.places import axis_of, inward_at, shares
from scenegrad.solvers.navier_stokes.finite_element.space import Space
from scenegrad.solvers.shared.signals import addresses, value_at

__all__ = ["Pull", "Sides", "conditions", "diffusion_sides", "elastic_sides", "flow_sides"]


@dataclass(frozen=True, eq=False)
class Source:
    """Numbers at an address, and what each of them is at the nodes [number, node, component]."""

    address: str
    given: Any
    pattern: Tensor

    def numbers(self, params: Params, time: Tensor) -> Tensor:
        """[batch, number]"""
        if self.given is None:
            return params[self.address].double()
        return value_at(params, self.address, self.given, time)[:, None]

    def at(self, params: Params, time: Tensor) -> Tensor:
        return torch.einsum("bk,knc->bnc", self.numbers(params, time), self.pattern)

    @property
    def learnable(self) -> tuple[str, ...]:
        return (self.address,) if self.given is None else addresses(self.address, self.given)


@dataclass(frozen=True, eq=False)
class Pull:
    """What pulls on a tag per area: numbers at an address, along the normal outward where there is one of them."""

    address: str
    given: Any
    tag: str
    normal: bool  # one number, times the unit normal; else as many as components
    sign: float = 1.0

    def numbers(self, params: Params, time: Tensor) -> Tensor:
        if self.given is None:
            return self.sign * params[self.address].double()
        return self.sign * value_at(params, self.address, self.given, time)[:, None]


@dataclass(frozen=True, eq=False)
class Sides:
    """held: which components of which nodes are held [node, component] bool."""

    space: Space
    held: Tensor
    sources: tuple[Source, ...] = ()
    pulls: tuple[Pull, ...] = ()
    open: tuple[str, ...] = ()  # tags through which fluid can leave

    def values(self, params: Params, time: Tensor, batch: int) -> Tensor:
        """What is held [batch, node, component], 0 elsewhere."""
        out = torch.zeros(batch, *self.held.shape, dtype=torch.float64, device=self.held.device)
        for source in self.sources:
            out = out + source.at(params, time)
        return out

    def load(self, params: Params, time: Tensor, vertices: Tensor, only: str | None = None) -> Tensor:
        """Integral of what pulls times each function [batch, node, component]. only: a tag, of which alone."""
        batch, components = len(vertices), self.held.shape[1]
        out = torch.zeros(batch, *self.held.shape, dtype=torch.float64, device=self.held.device)
        for pull in (one for one in self.pulls if only in (None, one.tag)):
            facets = self.space.tags[pull.tag]
            normals, numbers = self.space.normals(facets, vertices), pull.numbers(params, time)[:, None]
            along = normals if pull.normal and components > 1 else normals.norm(dim=-1, keepdim=True)
            density = numbers * along
            out = out + self.space.facet_load(facets, density)
        return out

    @property
    def learnable(self) -> list[str]:
        found = [a for source in self.sources for a in source.learnable]
        for pull in self.pulls:
            found += [pull.address] if pull.given is None else addresses(pull.address, pull.given)
        return list(dict.fromkeys(found))


def conditions(scene: Scene, tags: Sequence[str]) -> Iterator[tuple[str, str, SideCondition | None]]:
    """(tag, address, condition) of every part of the boundary; "" is the part without a tag."""
    for tag in tags:
        if tag in scene.boundary.tags:
            yield tag, f"boundary.tags.{tag}", scene.boundary.tags[tag]
        else:
            yield tag, "boundary.default", scene.boundary.default


@dataclass
class Board:
    """Sides in the making: later ones have the nodes that they share with earlier ones."""

    space: Space
    components: int
    sources: list[tuple[str, Any, np.ndarray]] = field(default_factory=list)
    pulls: list[Pull] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.held = np.zeros((self.space.count, self.components), dtype=bool)

    def hold(self, nodes: np.ndarray) -> None:
        for _, _, pattern in self.sources:
            pattern[:, nodes] = 0.0
        self.held[nodes] = True

    def add(self, address: str, given: Any, nodes: np.ndarray, values: np.ndarray) -> None:
        """values: [number, len(nodes), component]"""
        pattern = np.zeros((len(values), *self.held.shape))
        pattern[:, nodes] = values
        self.sources.append((address, given, pattern))

    def done(self) -> Sides:
        device = self.space.device
        sources = tuple(Source(a, g, torch.from_numpy(p).to(device)) for a, g, p in self.sources)
        return Sides(self.space, torch.from_numpy(self.held).to(device), sources, tuple(self.pulls), tuple(self.open))


def flow_sides(scene: Scene, space: Space) -> Sides:
    """Where two sides meet, walls have the node rather than inflows, and walls at rest rather than those that move."""
    board, dim = Board(space, space.dim), space.dim
    found = list(conditions(scene, [*space.tags]))
    for tag, address, given in found:
        if isinstance(given, Outflow):
            board.open.append(tag)
            board.pulls.append(Pull(f"{address}.pressure", given.pressure, tag, True))
    for tag, address, given in found:
        if isinstance(given, Inflow):
            nodes = space.tags[tag].all_nodes
            board.hold(nodes)
            inflow(board, f"{address}.velocity", given.velocity, tag, nodes)
    for tag, address, given in found:
        if isinstance(given, NoSlip) and given.velocity is not None:
            nodes = space.tags[tag].all_nodes
            board.hold(nodes)
            for n, value in enumerate(given.velocity):
                board.add(f"{address}.velocity.{n}", value, nodes, np.eye(dim)[n] * np.ones((1, len(nodes), 1)))
    for tag, _, given in found:
        if isinstance(given, NoSlip) and given.velocity is None:
            board.hold(space.tags[tag].all_nodes)
    for tag, _, given in found:
        if isinstance(given, Slip):
            slide(board, tag)
    return board.done()


def inflow(board: Board, address: str, value: Any, tag: str, nodes: np.ndarray) -> None:
    space = board.space
    if isinstance(value, tuple):
        for n, one in enumerate(value):
            board.add(f"{address}.{n}", one, nodes, np.eye(space.dim)[n] * np.ones((1, len(nodes), 1)))
        return
    profiled(board, address, value, tag, nodes, inward_at(space, tag, nodes))


def profiled(board: Board, address: str, value: Any, tag: str, nodes: np.ndarray, unit: np.ndarray) -> None:
    """A number, a signal or a profile times `unit` at nodes [len(nodes), component]."""
    if isinstance(value, Parabolic):
        s = shares(board.space, tag, nodes)
        board.add(f"{address}.peak", value.peak, nodes, ((4 * s * (1 - s)).prod(axis=1)[:, None] * unit)[None])
    elif isinstance(value, Samples):
        count = len(vector(value.values))
        place = shares(board.space, tag, nodes)[:, 0] * (count - 1)
        hats = np.maximum(1.0 - np.abs(place - np.arange(count)[:, None]), 0.0)
        board.add(f"{address}.values", None, nodes, hats[:, :, None] * unit)
    else:
        board.add(address, value, nodes, unit[None])


def slide(board: Board, tag: str) -> None:
    axis, nodes = axis_of(board.space, tag), board.space.tags[tag].all_nodes
    assert axis is not None
    board.held[nodes, axis] = True


def diffusion_sides(scene: Scene, space: Space, tracer: str | None) -> Sides:
    """tracer: what diffuses, or is carried; None for the pressure of a porous medium. Walls have the nodes that they
    share with inflows, as they have of the flow."""
    board = Board(space, 1)
    found = list(conditions(scene, [*space.tags]))
    for tag, address, given in sorted(found, key=lambda one: not isinstance(one[2], Inflow)):
        if tracer is None:
            value: Any = given.pressure if isinstance(given, Outflow) else None
            flux: Any = given.velocity if isinstance(given, Inflow) else None
            held, let = f"{address}.pressure", f"{address}.velocity"
        else:
            value = getattr(given, "carried", {}).get(tracer)
            flux = value.value if isinstance(value, Through) else None
            value = None if isinstance(value, Through) else value
            held, let = f"{address}.carried.{tracer}", f"{address}.carried.{tracer}.value"
        if value is not None:
            nodes = space.tags[tag].all_nodes
            board.hold(nodes)
            board.open.append(tag)
            profiled(board, held, value, tag, nodes, np.ones((len(nodes), 1)))
        elif tracer is not None and flux is None and isinstance(given, Inflow):
            board.hold(space.tags[tag].all_nodes)  # of what it does not name, it brings nothing
            board.open.append(tag)
        elif flux is not None:
            board.pulls.append(Pull(let, flux, tag, True, -1.0))
    return board.done()


def elastic_sides(scene: Scene, space: Space) -> Sides:
    board = Board(space, space.dim)
    for tag, address, given in conditions(scene, [*space.tags]):
        if isinstance(given, Stick):
            board.hold(space.tags[tag].all_nodes)
        elif isinstance(given, Slip):
            slide(board, tag)
        elif isinstance(given, Traction) and given.force is not None:
            board.pulls.append(Pull(f"{address}.force", None, tag, False, -1.0))
    return board.done()
