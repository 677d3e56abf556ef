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
    row: Any  # constants of one material: three of its law, its stiffness, its density [5]
    face: Any  # normal, offset and friction of one wall [dim + 2]
    ivec: Any  # node numbers [dim]
    weights: Any  # B-spline weights [3, 3]


@cache
def numbers(dim: int, dtype: torch.dtype) -> Numbers:
    real = wp.float64 if dtype == torch.float64 else wp.float32
    vector, matrix = wp.types.vector, wp.types.matrix
    return Numbers(
        dim, real, vector(dim, real), matrix((dim, dim), real), vector(dim + 1, real), vector(5, real),
        vector(dim + 2, real), vector(dim, wp.int32), matrix((3, 3), real),
    )  # fmt: skip
