"""The vector and matrix types of one dimension and one precision, by which every kernel is written once."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp

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
    weights: Any  # B-spline weights [3, 3]


@cache
def numbers(dim: int, dtype: torch.dtype, constants: int = 5, memory: int = 0) -> Numbers:
    """constants: the length of a row; memory: how many numbers a particle remembers besides F."""
    real = wp.float64 if dtype == torch.float64 else wp.float32
    vector, matrix = wp.types.vector, wp.types.matrix
    return Numbers(
        dim, real, vector(dim, real), matrix((dim, dim), real), vector(dim + 1, real), vector(constants, real),
        vector(max(memory, 1), real), memory,
        vector(dim + 2, real), vector(dim, wp.int32), matrix((3, 3), real),
    )  # fmt: skip
