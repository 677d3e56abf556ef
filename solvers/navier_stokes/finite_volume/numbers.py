"""Warp's types of one dimension and one precision, by which every kernel is written once."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp

__all__ = ["Numbers", "numbers"]


@dataclass(frozen=True)
class Numbers:
    """Types for dim dimensions, `fields` conserved quantities and the precision `real`."""

    dim: int
    fields: int
    real: Any
    vec: Any  # [fields]
    pair: Any  # [2]
    triple: Any  # [3], whatever dim is: see Grid


@cache
def numbers(dim: int, fields: int, dtype: torch.dtype) -> Numbers:
    real = wp.float64 if dtype == torch.float64 else wp.float32
    return Numbers(dim, fields, real, wp.types.vector(fields, real), wp.types.vector(2, real), wp.types.vector(3, real))
