"""Memory of the host that is used again at once, rather than handed back and asked for anew."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

__all__ = ["keep_memory"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGEST = 32 * 2**20  # bytes; the most that glibc takes as its M_MMAP_THRESHOLD
KEPT = 512 * 2**20  # bytes that may lie free at the top of the heap


@cache
def keep_memory() -> bool:
    """Lets glibc keep freed blocks of up to 32 MB in its heap; True where it does.

    Solvers made of tensor operations free and take blocks of 0.1 to 10 MB all the time. By default each is mapped from
    the kernel and cleared page by page: measured on grids of 256^2, that took half of the time of a step. What the
    process has once had, up to 512 MB, then stays with it. Elsewhere than on Linux with glibc nothing is done.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False  # another C library, which has ways of its own
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST)) and bool(mallopt(M_TRIM_THRESHOLD, KEPT))
