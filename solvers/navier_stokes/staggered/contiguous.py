"""Access to arrays that are known to lie without gaps.

Warp allows any stride, so that a compiler must fetch neighbours one by one. These two lines say that element i + 1
follows element i; a loop over a row of cells is then done eight or sixteen at a time on a CPU.
"""

# mypy: disable-error-code="empty-body"

from functools import cache
from typing import Any

import warp as wp

__all__ = ["contiguous"]


@cache
def contiguous(real: Any) -> tuple[Any, Any]:
    """(a[i], a[i] = x) of arrays of one dimension."""

    @wp.func_native("return a.data[i];")
    def get(a: wp.array[real], i: int) -> real: ...

    @wp.func_native("a.data[i] = x;")
    def put(a: wp.array[real], i: int, x: real): ...

    return get, put
