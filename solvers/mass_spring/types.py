"""Warp's types in one dimension and one precision, by which every kernel is written once."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp

__all__ = ["Types", "types_of"]


@dataclass(frozen=True)
class Types:
    dim: int
    real: Any
    vec: Any  # [dim]


@cache
def types_of(dim: int, dtype: torch.dtype) -> Types:
    real = wp.float64 if dtype == torch.float64 else wp.float32
    return Types(dim, real, wp.types.vector(dim, real))
