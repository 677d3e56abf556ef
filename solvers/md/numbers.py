"""The types of one dimension and one precision, by which kernels are written once; how Warp sees torch's memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.streams import warp_stream

__all__ = ["FUSED", "Numbers", "launch", "numbers", "view"]


# A product and a sum in one instruction where the processor has it, as on a GPU: pair loops run a quarter faster.
FUSED = {"cpu_compiler_flags": f"{wp.config.cpu_compiler_flags or '-march=native'} -ffp-contract=fast"}


@dataclass(frozen=True)
class Numbers:
    """Warp's types for dim dimensions in the precision of dtype."""

    dim: int
    dtype: torch.dtype
    real: Any
    vec: Any  # [dim]
    edge: Any  # what a pair potential is at its cutoff [4]
    mat: Any  # [dim, dim]
    three: Any  # [3], whatever the dimension
    sums: Any  # energy and virial [1 + dim dim], always in float64

    def theta(self, count: int) -> Any:
        """Parameters of a pair potential [count]."""
        return wp.types.vector(count, self.real)


@cache
def numbers(dim: int, dtype: torch.dtype) -> Numbers:
    real = wp.float64 if dtype == torch.float64 else wp.float32
    vec, edge, mat = wp.types.vector(dim, real), wp.types.vector(4, real), wp.types.matrix((dim, dim), real)
    return Numbers(
        dim, dtype, real, vec, edge, mat, wp.types.vector(3, real), wp.types.vector(1 + dim * dim, wp.float64)
    )


def view(tensor: Tensor, dtype: Any) -> Any:
    """torch's memory as Warp's array; a vector dtype takes the last axis, a matrix the last two.

    The tensor must outlive the launch.
    """
    return wp.from_torch(tensor, dtype=dtype, requires_grad=False, return_ctype=True)


def launch(kernel: wp.Kernel, dim: tuple[int, ...], inputs: Sequence[Any], device: str) -> None:
    """A launch on the stream that torch works on, so that neither waits for the other."""
    if device == "cpu":
        wp.launch(kernel, dim=dim, inputs=inputs, device=device, record_tape=False)
        return
    wp.launch(kernel, dim=dim, inputs=inputs, stream=warp_stream(device), record_tape=False)
