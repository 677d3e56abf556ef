"""Launches on several threads of a CPU at the same time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

__all__ = ["at_once"]

known: set[Hashable] = set()  # what was launched before, and so is loaded


def at_once(jobs: Sequence[Callable[[], None]], what: Hashable) -> None:
    """All jobs at the same time; one after the other the first time, which loads the kernel. what: they launch."""
    if len(jobs) == 1 or what not in known:
        known.add(what)
        for job in jobs:
            job()
        return
    others = [workers(len(jobs) - 1).submit(job) for job in jobs[1:]]
    jobs[0]()
    for other in others:
        other.result()


@cache
def workers(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="launches")
