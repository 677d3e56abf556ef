"""Readers of others that make room for whatever a file claims, held to a bound of memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["bounded_memory"]

ROOM, GROWTH = 2 << 30, 200  # bytes that a reader may take, and for each byte of the file


@contextmanager
def bounded_memory(file: Path) -> Iterator[None]:
    """While this file is read, the process may take so much more than it has; beyond that is MemoryError.

    Only where the system tells how much it has, which is Linux; elsewhere nothing is bounded."""
    statm = Path("/proc/self/statm")
    if not statm.is_file():
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    held = int(statm.read_text().split()[0]) * resource.getpagesize()
    bound = held + ROOM + GROWTH * file.stat().st_size
    within = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([bound, *within]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
