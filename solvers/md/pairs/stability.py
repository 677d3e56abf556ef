"""The largest step of velocity Verlet: dt < 2/omega, omega of the stiffest pair that this temperature brings about."""

from functools import cache

import torch
import warp as wp

from scenegrad.solvers.md.numbers import numbers
from scenegrad.solvers.md.pairs.cuts import cut_functions
from scenegrad.solvers.md.pairs.potentials import potential

__all__ = ["stiffness"]

SHRINK = 0.998  # distance from one sample to the next
SAMPLES = 3000  # down to 0.0025 of the cutoff


@cache
def stiffness(kind: str, cut: str, dtype: torch.dtype) -> wp.Kernel:
    """k = max |u''(r)| from the cutoff inwards to where repulsion first exceeds `height`; u'' = -s - 2 r^2 s'.

    height [batch]: the energy that a collision can bring up.
    """
    n = numbers(3, dtype)
    real, edge, theta = n.real, n.edge, n.theta(len(potential(kind).parameters))
    f = cut_functions(kind, cut, dtype)
    energy, radial, slope = f.energy, f.radial, f.slope

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(p: wp.array2d[theta], e: wp.array2d[edge], height: wp.array[real], k_out: wp.array2d[real]):
        b, k = wp.tid()
        pk = p[b, k]
        ek = e[b, k]
        r = ek[1]
        most = real(0.0)
        for _ in range(SAMPLES):
            r = r * real(SHRINK)
            r2 = r * r
            if energy(r2, pk, ek) > height[b] and radial(r2, pk, ek) > real(0.0):
                break
            most = wp.max(most, wp.abs(radial(r2, pk, ek) + real(2.0) * r2 * slope(r2, pk, ek)))
        k_out[b, k] = most

    return kernel
