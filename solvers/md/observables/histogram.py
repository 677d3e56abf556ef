"""Radial distribution function g(r): how much likelier two atoms are at the distance r than in an ideal gas."""

import math
from functools import cache

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.images import nearest_image
from scenegrad.solvers.md.numbers import launch, numbers, view

__all__ = ["radial_distribution", "radii"]


@cache
def count_pairs(dim: int, dtype: torch.dtype, tilted: bool) -> wp.Kernel:
    """Pairs of an atom of `first` and one of `second` by the distance of their nearest images, in shells of equal width
    up to r_max; an atom is no pair with itself."""
    n = numbers(dim, dtype)
    vec, real, three = n.vec, n.real, n.three
    image = nearest_image(dim, dtype, tilted)

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        limit: real,
        per_length: real,
        box: wp.array[vec],
        lean: wp.array[three],
        x: wp.array2d[vec],
        first: wp.array[wp.int64],
        second: wp.array[wp.int64],
        count_out: wp.array2d[wp.int64],
    ):
        b, n = wp.tid()
        i = int(first[n])
        lengths = box[b]
        inverse = vec()
        for a in range(wp.static(dim)):
            inverse[a] = real(1.0) / lengths[a]
        bins = count_out.shape[1]
        xb = x[b]
        xi = xb[i]
        for m in range(second.shape[0]):
            j = int(second[m])
            d = image(xi - xb[j], lengths, inverse, lean[b])
            r2 = wp.dot(d, d)
            if r2 < limit and i != j:
                k = wp.min(int(wp.sqrt(r2) * per_length), bins - 1)
                wp.atomic_add(count_out, b, k, wp.int64(1))

    return kernel


def radii(r_max: float, bins: int) -> Tensor:
    """Middle of each shell."""
    return (torch.arange(bins, dtype=torch.float64) + 0.5) * (r_max / bins)


def radial_distribution(
    position: Tensor, box: Box, r_max: float, bins: int, groups: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    """g(r) = pairs(r) V / (N_a N_b V_shell) of each system, float64 [batch, bins], where every pair counts from both
    its ends. groups: indices of the atoms a, and of the atoms b about them; all where it is None.

    Up to half of the shortest edge, the nearest image of a pair is its only one, in triclinic boxes too: every vector
    from image to image is as long as one of the edges lx, ly, lz, or longer.
    """
    batch, atoms, dim = position.shape
    n = numbers(dim, position.dtype)
    x, dtype = position.detach().contiguous(), position.dtype
    count = torch.zeros(batch, bins, dtype=torch.int64, device=x.device)
    every = torch.arange(atoms, device=x.device)
    first, second = (every, every) if groups is None else groups
    inputs = [n.real(r_max**2), n.real(bins / r_max), view(box.lengths(dtype), n.vec)]
    inputs += [view(box.leaning(dtype), n.three), view(x, n.vec)]
    inputs += [view(first, wp.int64), view(second, wp.int64), view(count, wp.int64)]
    launch(count_pairs(dim, dtype, box.lean is not None), (batch, len(first)), inputs, str(x.device))
    ball = math.pi ** (dim / 2) / math.gamma(dim / 2 + 1)
    edges = torch.arange(bins + 1, dtype=torch.float64, device=x.device) * (r_max / bins)
    shell = ball * (edges[1:] ** dim - edges[:-1] ** dim)
    return count * box.volume[:, None] / (len(first) * len(second) * shell)
