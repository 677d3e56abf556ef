"""Launches over atoms in shares, one for each thread of a CPU, with the same result as on one thread.

Kernels for this begin with an argument `corner`, the first system and the first atom of their share.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch
import warp as wp

from scenegrad.solvers.md.numbers import launch
from scenegrad.solvers.shared.jobs import at_once

__all__ = ["cuts", "launch_shared"]

LEAST = 4000  # atoms of a share: for fewer, handing over takes longer than it saves


def cuts(atoms: int, device: str) -> list[int]:
    """Ends of the shares of so many atoms, from the first to the last."""
    count = max(min(torch.get_num_threads(), atoms // LEAST), 1) if device == "cpu" else 1
    return [atoms * share // count for share in range(count + 1)]


def launch_shared(kernel: wp.Kernel, shape: tuple[int, int], inputs: Sequence[Any], device: str) -> None:
    """A kernel in which every atom writes for itself alone, over systems and atoms."""
    batch, atoms = shape
    ends = cuts(batch * atoms, device)
    jobs = []
    for low, high in pairwise(ends):
        if batch >= len(ends) - 1:  # systems are dealt out whole
            first, last = low * batch // (batch * atoms), high * batch // (batch * atoms)
            corner, part = (first, 0), (last - first, atoms)
        else:
            first, last = low // batch, high // batch
            corner, part = (0, first), (batch, last - first)
        jobs.append(partial(launch, kernel, part, [wp.vec2i(*corner), *inputs], device))
    at_once(jobs, kernel)
