"""Which way the linear equations of a mesh are solved."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from scenegrad.scenes.methods import FiniteElement, LinearEquations, Multigrid, SparseLU
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.navier_stokes.finite_element.direct import Direct
from scenegrad.solvers.navier_stokes.finite_element.iterative.iterated import (
    Carried,
    Definite,
    Incompressible,
    Iterated,
    Way,
)
from scenegrad.solvers.navier_stokes.finite_element.iterative.levels import fields, linear, linear_part, solids
from scenegrad.solvers.navier_stokes.finite_element.iterative.reduction import Reduction, numbered
from scenegrad.solvers.navier_stokes.finite_element.iterative.saddle import PressureSide
from scenegrad.solvers.navier_stokes.finite_element.linear import Linear
from scenegrad.solvers.navier_stokes.finite_element.sides import Sides
from scenegrad.solvers.navier_stokes.finite_element.space import Space

__all__ = ["asked_for", "carried", "diffusing", "elastic", "flowing"]


DENSE = 3000  # nodes in three dimensions, above which factors cost more than iterations


def asked_for(scene: Scene, space: Space) -> LinearEquations:
    """What the scene asks for; else iterations on a GPU and in three dimensions, and factors in two."""
    if isinstance(scene.method, FiniteElement) and scene.method.linear is not None:
        return scene.method.linear
    large = space.dim == 3 and space.count > DENSE
    return Multigrid() if large or space.device.startswith("cuda") else SparseLU()


def chosen(way: LinearEquations, dofs: Tensor, held: Tensor, make: Callable[[], Way]) -> Linear:
    if isinstance(way, Multigrid):
        return Iterated(Reduction.of(dofs, held), make(), way.tolerance, way.iterations)
    return Direct(dofs, held)


def diffusing(way: LinearEquations, space: Space, held: Tensor) -> Linear:
    """held: [node]"""
    return chosen(way, space.nodes, held, lambda: Definite(fields(space, held[None], space.nodes)[1]))


def carried(way: LinearEquations, space: Space, held: Tensor) -> Linear:
    return chosen(way, space.nodes, held, lambda: Carried(fields(space, held[None], space.nodes)[1]))


def elastic(way: LinearEquations, space: Space, held: Tensor, dofs: Tensor, local: Callable[[], Tensor]) -> Linear:
    """held: [component, node]; local: stiffness by element, of a solid in its place."""
    return chosen(way, dofs, held.flatten(), lambda: Definite(solids(space, held, dofs, local())))


def flowing(way: LinearEquations, space: Space, dofs: Tensor, held: Tensor, sides: Sides, tracers: Tensor) -> Linear:
    """held: [unknown]; tracers: what is held of those that are solved for with the flow [tracer, node]."""

    def make() -> Way:
        still, begin, count = held.cpu().numpy(), space.count * space.dim, len(space.vertices)
        known = still[begin : begin + count]
        outside = np.zeros(count, dtype=bool)
        for tag in sides.open:
            corners = space.tags[tag].all_nodes
            outside[corners[corners < count]] = True
        _, every = linear_part(space, known)
        inner, multigrid = linear(space, known | outside)
        shared = numbered(np.flatnonzero(~known), count)[~(known | outside)]
        side = PressureSide(space.dim, every, inner, multigrid, torch.from_numpy(shared).to(space.device))
        velocity = fields(space, sides.held.T, dofs)
        column = space.dim * space.nodes.shape[1] + space.dim + 1
        together = fields(space, tracers, dofs, column) if len(tracers) else None
        first = int((~still[:begin]).sum())
        return Incompressible(velocity, side, together, (first, first + int((~known).sum())))

    return chosen(way, dofs, held, make)
