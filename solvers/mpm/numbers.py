"""The vector and matrix types of one dimension and one precision, by which every kernel is written once."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp

from scenegrad.solvers.mpm.grid.lattice import lattice_type
from scenegrad.solvers.mpm.grid.scheme import AFFINE, Scheme

__all__ = ["Numbers", "numbers"]


@dataclass(frozen=True)
class Numbers:
    """Warp's types for dim dimensions in the precision `real`."""

    dim: int
    real: Any
    vec: Any  # [dim]
    mat: Any  # [dim, dim]
    packed: Any  # momentum and mass of a node [dim + 1]
    row: Any  # constants of one material: its density, its stiffness, those of its law
    history: Any  # what a particle remembers besides F; one unused number where `memory` is 0
    memory: int
    face: Any  # normal, offset and friction of one wall [dim + 2]
    ivec: Any  # node numbers [dim]
    weights: Any  # B-spline weights [support, 3]
    anchor: Any  # where the nodes of a particle begin; only the stencil reads it
    lattice: Any  # struct of the grid, see grid/lattice.py
    scheme: Scheme
    wraps: bool  # whether an axis is periodic
    sparse: bool  # whether only blocks of nodes near particles are kept
    fields: int  # grids; bodies have some of their own where there are more than one
    shared: bool  # whether two grids carry the particles, each its share of them: see refined/refinement.py
    alone: bool  # whether a batch has one member only

    @property
    def support(self) -> int:
        """Nodes along each axis that a particle sees."""
        return self.scheme.support


@cache
def numbers(
    dim: int,
    dtype: torch.dtype,
    constants: int = 5,
    memory: int = 0,
    wraps: bool = True,
    scheme: Scheme = AFFINE,
    sparse: bool = False,
    fields: int = 1,
    shared: bool = False,
    alone: bool = False,
) -> Numbers:
    """constants: the length of a row; memory: how many numbers a particle remembers besides F; wraps: whether any axis
    of the grid is periodic; sparse: whether only blocks of its nodes are kept; fields: how many grids there
    are for different bodies; shared: whether a finer grid carries part of the particles;
    alone: whether a batch has one member only."""
    real = wp.float64 if dtype == torch.float64 else wp.float32
    vector, matrix = wp.types.vector, wp.types.matrix
    return Numbers(
        dim, real, vector(dim, real), matrix((dim, dim), real), vector(dim + 1, real), vector(constants, real),
        vector(max(memory, 1), real), memory,
        vector(dim + 2, real), vector(dim, wp.int32), matrix((scheme.support, 3), real),
        vector(dim + 1 + sparse, wp.int32), lattice_type(dim, real, sparse), scheme, wraps, sparse, fields,
        shared, alone,
    )  # fmt: skip
