"""What stays in full precision while products of matrices are taken in half."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

__all__ = ["in_full_precision"]

P = ParamSpec("P")
T = TypeVar("T")

HALVES = (torch.float16, torch.bfloat16)


def in_full_precision(function: Callable[P, T]) -> Callable[P, T]:
    """Tensors in half precision are widened to float32 for this function, and autocast does not reach into it.

    So for Fourier transforms: there are none of bfloat16, and those of float16 want powers of two and overflow.
    """

    @wraps(function)
    def wide(*args: P.args, **named: P.kwargs) -> T:
        device = next(value.device.type for value in args if isinstance(value, Tensor))
        if not torch.is_autocast_enabled(device):
            return function(*args, **named)
        with torch.autocast(device, enabled=False):
            return function(*map(widened, args), **named)

    return wide


def widened(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) and value.dtype in HALVES else value
