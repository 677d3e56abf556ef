"""A launch over layers of cells on several threads of a CPU, with the same result as on one."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import pairwise

import torch

__all__ = ["shared", "slabs"]

LEAST = 16384  # cells of a thread: for fewer, handing over takes longer than it saves
REACH = 3  # layers on either side that a kernel reads, and that its transpose adds to

known: set[Hashable] = set()  # what was launched before, and so is loaded


def slabs(over: tuple[int, int, int], device: str) -> int:
    """How many threads share the layers along x of a box."""
    if device != "cpu":
        return 1
    x, y, z = over
    return max(1, min(torch.get_num_threads(), x * y * z // LEAST, x // (4 * REACH)))


def shared(launch: Callable[[int, int], None], layers: int, count: int, apart: bool, what: Hashable) -> None:
    """launch(first, end) for all layers, in as many threads as `count`.

    apart: launches add to layers near their own, so those at the ends of each slab wait until the others are done, and
    then come one after the other: what is added where is the same from run to run.
    """
    if count == 1 or what not in known:  # the first launch loads the kernel
        known.add(what)
        launch(0, layers)
        return
    gap = REACH if apart else 0
    ends = [layers * slab // count for slab in range(count + 1)]
    jobs = [partial(launch, first + gap, end - gap) for first, end in pairwise(ends)]
    others = [workers(count - 1).submit(job) for job in jobs[1:]]
    jobs[0]()
    for other in others:
        other.result()
    if gap:
        for end in ends:
            launch(max(end - gap, 0), min(end + gap, layers))


@cache
def workers(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="layers")
